"""Reservations that classes name: held in the region, of the machine, in a zone, for the days, down to their blocks."""

from __future__ import annotations

from collections.abc import Iterator

from ..diagnostics import Diagnostic, Severity, SpecPath
from ..model.capacity import CapacityClass, CapacitySource
from ..model.places import Reservation
from ..nearest import nearest
from ..resolve.ladder import shapes as shapes_of
from ..resolve.ladder import sources as sources_of
from ..resolve.places import Place
from .context import Context, agreeing, by_region, clusters
from .references import followed
from .rows import unknown_machine
from .zones import stands

WITH_BLOCKS = ("a3-ultragpu", "a4-", "a4x-")
"""Machines whose reservations have blocks; sub-blocks are A4X's (GKE documentation, "About custom ComputeClasses")."""


def reservations(context: Context) -> Iterator[Diagnostic]:
    """A class names reservations by key; each region that uses the class has one or is told so."""
    for name, spec in context.platform.capacity_classes.items():
        places = [p for p in context.fleet.places if context.fleet.uses_class(name, p)]
        for at, source in sources_of(spec):
            path: SpecPath = ("capacityClasses", name, *at)
            for key in source.reservation or ():
                yield from _named(context, name, spec, source, key, path)
            yield from _lacking(context, name, source, places, path)
        yield from _without_source(context, name, spec, places)


def _named(context: Context, name: str, spec: CapacityClass, source: CapacitySource, key: str, path: SpecPath) -> Iterator[Diagnostic]:
    held = {r for r, facts in context.platform.regions.items() if key in facts.reservations}
    if not held and (region := context.wrote_reservation(key)):
        yield followed(context, path, f"regions.{region}.reservations.{key}")
    elif not held:
        yield context.finding(
            "SPC006",
            f"no region has a reservation '{key}'",
            path,
            notes=("GKE reports ReservationNotFound",),
            help=_meant(context, key) or "regions.REGION.reservations holds them",
            cause=f"reservation {key}",
        )
    asked = shapes_of(spec, source)
    for region in sorted(held):
        shape = context.platform.regions[region].reservations[key].shape
        known = context.catalogue.machines
        if shape not in asked and shape in known and all(one in known for one in asked):  # the others: CAT001
            yield context.finding(
                "CAP102",
                f"reservation '{key}' in {region} holds {shape}, class {name} asks for {', '.join(asked)}",
                path,
                related=(context.span(("regions", region, "reservations", key, "shape"), "the reserved shape"),),
                notes=("GKE reports ReservationUnusable",),
                help=f"shape: {shape}, or another reservation",
            )


def _lacking(context: Context, name: str, source: CapacitySource, places: list[Place], path: SpecPath) -> Iterator[Diagnostic]:
    keys = source.reservation or ()
    regions = context.platform.regions
    if not any(key in facts.reservations for key in keys for facts in regions.values()):
        return
    lacking = sorted({p.region for p in places if not any(key in regions[p.region].reservations for key in keys)})
    if lacking:
        yield context.finding(
            "CAP101",
            f"capacity class {name}: {', '.join(lacking)} has no reservation '{', '.join(keys)}'",
            path,
            severity=Severity.INFO,
            notes=("clusters there start with the next source of the class",),
            presumes=("reservations",),
            cause=next((f"reservations of {region}" for key in keys for region in lacking if nearly(context, region, key)), ""),
        )


def nearly(context: Context, region: str, key: str) -> str:
    """The reservation of the region that is nearly called ``key``; empty if none is."""
    return next(iter(nearest(key, sorted(context.platform.regions[region].reservations))), "")


def _meant(context: Context, key: str) -> str:
    near = next((found for region in context.platform.regions if (found := nearly(context, region, key))), "")
    return f"did you mean '{near}'?" if near else ""


def _without_source(context: Context, name: str, spec: CapacityClass, places: list[Place]) -> Iterator[Diagnostic]:
    """A class of reservations alone, in a region that has none of them."""
    if spec.burst or not spec.baseline or any(s.kind != "reservation" for s in spec.baseline):
        return
    wanted = {key for s in spec.baseline for key in s.reservation or ()}
    if not any(wanted & facts.reservations.keys() for facts in context.platform.regions.values()):
        return  # said of each name already
    for region, here in by_region(places).items():
        if not wanted & context.platform.regions[region].reservations.keys():
            yield context.finding(
                "CAP103",
                f"capacity class {name} has no source in {region}",
                ("capacityClasses", name),
                key=True,
                related=(context.span(here[0].path, "this cluster uses it", key=True),),
                notes=(f"used by {clusters(here)}", "GKE reports NoRuleMatching for every Pod that asks for it"),
                help="add a burst source, or a reservation of that region",
                presumes=("reservations",),
            )


def affinities(context: Context) -> Iterator[Diagnostic]:
    """TPUs are taken from a reservation that is named, never from any that matches."""
    for name, spec in context.platform.capacity_classes.items():
        for at, source in sources_of(spec):
            tpus = [s for s in shapes_of(spec, source) if context.catalogue.kind_of(s) == "tpu"]
            if source.kind == "any-reservation" and tpus:
                yield context.finding(
                    "CAP110",
                    f"{tpus[0]}: TPUs are had from a reservation that is named, not from any",
                    ("capacityClasses", name, *at),
                    notes=("GKE reports ReservationUnusable: affinity Specific alone is for TPUs",),
                    help="baseline: [{reservation: NAME}]",
                )


def reserved(context: Context) -> Iterator[Diagnostic]:
    """A reservation holds a machine of the catalogue, in a zone where that machine was seen and where clusters make nodes."""
    for region, facts in context.platform.regions.items():
        for key, held in facts.reservations.items():
            at: SpecPath = ("regions", region, "reservations", key)
            if held.shape not in context.catalogue.machines:
                yield unknown_machine(context, (*at, "shape"), held.shape)
                continue
            yield from _blocks(context, at, held)
            yield from _days(context, at, held)
            yield from _zone(context, region, key, held)
            seen = context.catalogue.seen(held.shape, region)
            if (seen is None or (seen and f"{region}-{held.zone}" not in seen)) and stands(context, region, held.zone):
                yield context.finding(
                    "CAP107",
                    f"{held.shape} was not seen in {region}-{held.zone}",
                    (*at, "zone"),
                    severity=Severity.WARNING,
                    notes=(f"seen in {', '.join(seen)}" if seen else f"nowhere in {region}", "GKE reports UnavailableMachineType"),
                    help="compare with 'gcloud compute reservations list'",
                )


def _zone(context: Context, region: str, key: str, held: Reservation) -> Iterator[Diagnostic]:
    users = [n for n, spec in context.platform.capacity_classes.items() if any(key in (s.reservation or ()) for _, s in sources_of(spec))]
    out = [
        p
        for p in context.fleet.places
        if p.region == region
        and p.cluster.zones is not None
        and held.zone not in p.cluster.zones
        and any(context.fleet.uses_class(n, p) for n in users)
    ]
    if out:
        yield context.finding(
            "CAP111",
            f"reservation '{key}' is in zone {held.zone}, where {agreeing(out, 'makes', 'make')} no nodes",
            ("regions", region, "reservations", key, "zone"),
            related=(context.span((*out[0].path, "zones"), "zones of the cluster"),),
            notes=(f"zones: {', '.join(out[0].cluster.zones or ())}", "GKE reports LocationNotEnabledForAutoprovisioning"),
            help=f"add {held.zone} to the zones of the cluster, or take a reservation of its zones",
        )


def _blocks(context: Context, at: SpecPath, held: Reservation) -> Iterator[Diagnostic]:
    """A block is a part of a reservation, and only of machines that are sold in blocks."""
    told = ("GKE reports ReservationBlockUnusable",)
    if held.sub_block is not None and (held.block is None or not held.shape.startswith("a4x-")):
        why = "it stands in no block" if held.block is None else f"{held.shape} has none: sub-blocks are A4X's"
        message, way = f"sub-block {held.sub_block}: {why}", "block: with subBlock:, of A4X"
        yield context.finding("CAP121", message, (*at, "subBlock"), notes=told, help=way)
    if held.block is not None and held.block == held.name:
        yield context.finding(
            "CAP121",
            f"block {held.block} has the name of its reservation",
            (*at, "block"),
            notes=told,
            help="'gcloud compute reservations blocks list' prints the blocks inside it; without block: any of them is taken",
        )
    elif held.block is not None and not held.shape.startswith(WITH_BLOCKS):
        yield context.finding(
            "CAP121",
            f"reservations of {held.shape} have no blocks",
            (*at, "block"),
            severity=Severity.WARNING,
            notes=told,
            help="remove block: it is for A3 Ultra, A4 and A4X",
        )


def _days(context: Context, at: SpecPath, held: Reservation) -> Iterator[Diagnostic]:
    """The tree never depends on today; whether a reservation can be had today is said here."""
    told = ("GKE reports ReservationUnusable",)
    today = context.today.isoformat()
    if held.starts and held.ends and held.ends <= held.starts:
        yield context.finding(
            "CAP121", f"it ends on {held.ends} and starts on {held.starts}", (*at, "ends"), notes=told, help="ends: a day after starts:"
        )
    elif held.ends and held.ends < today:
        yield context.finding(
            "CAP121",
            f"it ended on {held.ends}",
            (*at, "ends"),
            severity=Severity.WARNING,
            notes=told,
            help="remove it from the ladder, or write the one that follows",
        )
    elif held.starts and held.starts > today:
        yield context.finding(
            "CAP121",
            f"nothing is to be had of it before {held.starts}",
            (*at, "starts"),
            severity=Severity.INFO,
            notes=("until then GKE reports ReservationUnusable and asks the next source",),
        )
    if held.calendar and not (held.starts and held.ends):
        yield context.finding(
            "CAP121",
            "calendar mode sells machines from one day to another",
            (*at, "calendar"),
            notes=("1 to 90 days (Compute Engine documentation, future reservation requests in calendar mode)",),
            help="starts: and ends: as they were bought",
        )
