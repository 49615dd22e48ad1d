"""Capacity classes: shapes that agree, sources that exist, durations GKE takes."""

from __future__ import annotations

from collections.abc import Iterator

from ..diagnostics import Diagnostic, Severity, SpecPath, format_path
from ..model.base import seconds
from ..model.capacity import CapacityClass, CapacitySource
from ..resolve.places import Place
from .context import Context, by_region, clusters
from .references import followed
from .rows import unknown_machine


def _sources(name: str, spec: CapacityClass) -> Iterator[tuple[SpecPath, CapacitySource]]:
    for rung in ("baseline", "burst"):
        for i, source in enumerate(getattr(spec, rung)):
            yield ("capacityClasses", name, rung, i), source


def unenforced(context: Context) -> Iterator[Diagnostic]:
    """A class limited to teams is checked here and nowhere in the cluster; zones of a cluster move no Pod."""
    for name, spec in context.platform.capacity_classes.items():
        if spec.teams is not None:
            yield context.finding(
                "SPC018",
                f"capacity class {name}: teams are checked in the spec, but no admission policy is emitted yet",
                ("capacityClasses", name, "teams"),
                severity=Severity.INFO,
                help="limit the namespaces by an admission policy of your own meanwhile",
            )
    zoned = [place for place in context.fleet.places if place.cluster.zones is not None]
    if zoned:
        yield context.finding(
            "SPC018",
            f"zones of {clusters(zoned)} are known to policies, but no object uses them yet",
            (*zoned[0].path, "zones"),
            severity=Severity.INFO,
            help="zones: of a capacity class choose where its nodes are made",
        )


def shapes(context: Context) -> Iterator[Diagnostic]:
    """One class, one number of chips: tensor parallel size and Pod requests must hold on every shape."""
    for name, spec in context.platform.capacity_classes.items():
        known = [context.catalogue.machines[s] for s in spec.shape if s in context.catalogue.machines]
        if len({m.chips for m in known}) > 1:
            listed = ", ".join(f"{m.id} has {m.chips}" for m in known)
            yield context.finding(
                "ACC103",
                f"shapes of capacity class {name} differ in chips",
                ("capacityClasses", name, "shape"),
                notes=(listed,),
                help="one class a number of chips: every service of a class must fit each of its shapes",
            )
        for machine in known:
            if machine.accelerator and context.catalogue.accelerators[machine.accelerator].kind == "tpu":
                yield from _topology(context, name, spec, machine.id)


def _topology(context: Context, name: str, spec: CapacityClass, machine: str) -> Iterator[Diagnostic]:
    listed = ", ".join(context.catalogue.machines[machine].topologies)
    if spec.topology is None:
        yield context.finding(
            "ACC104",
            f"capacity class {name} has a TPU machine and no topology",
            ("capacityClasses", name),
            key=True,
            help=f"topology: one of {listed}",
        )
    elif context.catalogue.topology(machine, spec.topology) is None:
        yield context.finding(
            "ACC104", f"{machine} has no topology {spec.topology}", ("capacityClasses", name, "topology"), help=f"it has {listed}"
        )


def sources(context: Context) -> Iterator[Diagnostic]:
    """At least one source, and only those that the shape is sold by."""
    for name, spec in context.platform.capacity_classes.items():
        if not spec.baseline and not spec.burst:
            yield context.finding(
                "CAP103",
                f"capacity class {name} has no source",
                ("capacityClasses", name),
                key=True,
                help="baseline: for what is paid for, burst: for what is asked when it is full",
            )
        for path, source in _sources(name, spec):
            if source.kind == "future-reservation":
                yield context.later(f"{format_path(path)}: future reservations are checked but not emitted yet", path)
                continue
            for shape in spec.shape:
                machine = context.catalogue.machines.get(shape)
                if machine is not None and source.kind in machine.doubtful:
                    yield context.finding(
                        "CAP105",
                        f"sources disagree whether {shape} is to be had by {source.kind}",
                        path,
                        severity=Severity.WARNING,
                        help="check with your account team, or keep another source behind it",
                    )
                elif machine is not None and source.kind not in machine.consumption:
                    yield context.finding(
                        "CAP104", f"{shape} is not to be had by {source.kind}", path, help=f"it is sold by {', '.join(machine.consumption)}"
                    )


def reservations(context: Context) -> Iterator[Diagnostic]:
    """A class names reservations by key; each region that uses the class has one or is told so."""
    for name, spec in context.platform.capacity_classes.items():
        places = [p for p in context.fleet.places if context.fleet.uses_class(name, p)]
        for path, source in _sources(name, spec):
            if source.kind != "reservation":
                continue
            key = str(source.reservation)
            held = {r for r, facts in context.platform.regions.items() if key in facts.reservations}
            if not held and (region := context.wrote_reservation(key)):
                yield followed(context, path, f"regions.{region}.reservations.{key}")
                continue
            if not held:
                yield context.finding("SPC006", f"no region has a reservation '{key}'", path, help="regions.REGION.reservations holds them")
                continue
            lacking = sorted({p.region for p in places} - held)
            if lacking:
                yield context.finding(
                    "CAP101",
                    f"capacity class {name}: {', '.join(lacking)} has no reservation '{key}'",
                    path,
                    severity=Severity.INFO,
                    notes=("clusters there start with the next source of the class",),
                )
            for region in sorted(held):
                shape = context.platform.regions[region].reservations[key].shape
                if shape not in spec.shape:
                    yield context.finding(
                        "CAP102",
                        f"reservation '{key}' in {region} holds {shape}, class {name} asks for {', '.join(spec.shape)}",
                        path,
                        related=(context.span(("regions", region, "reservations", key, "shape"), "the reserved shape"),),
                        help=f"shape: {shape}, or another reservation",
                    )
        yield from _without_source(context, name, spec, places)


def _without_source(context: Context, name: str, spec: CapacityClass, places: list[Place]) -> Iterator[Diagnostic]:
    """A class of reservations alone, in a region that has none of them."""
    if spec.burst or not spec.baseline or any(s.kind != "reservation" for s in spec.baseline):
        return
    wanted = {str(s.reservation) for s in spec.baseline}
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
                notes=(f"used by {clusters(here)}",),
                help="add a burst source, or a reservation of that region",
            )


def durations(context: Context) -> Iterator[Diagnostic]:
    """Flex-start nodes live 600 to 604,800 s (cluster-autoscaler@7d25050)."""
    for name, spec in context.platform.capacity_classes.items():
        for path, source in _sources(name, spec):
            if source.flex_start is not None and not 600 <= seconds(source.flex_start) <= 604_800:
                yield context.finding(
                    "CAP106",
                    f"flex-start nodes run 10m to 168h, not {source.flex_start}",
                    (*path, "flexStart"),
                    notes=(f"{seconds(source.flex_start):,} s; GKE takes 600 to 604,800",),
                    help="flexStart: 168h is the longest",
                )


def availability(context: Context) -> Iterator[Diagnostic]:
    """Zones change: a shape nobody saw in a region is a warning, never an error."""
    for name, spec in context.platform.capacity_classes.items():
        used = by_region([p for p in context.fleet.places if context.fleet.uses_class(name, p)])
        for region, places in used.items():
            for shape in spec.shape:
                if shape in context.catalogue.machines and context.catalogue.seen(shape, region) is None:
                    yield context.finding(
                        "CAP107",
                        f"{shape} was not seen in {region}",
                        ("capacityClasses", name, "shape"),
                        severity=Severity.WARNING,
                        notes=(f"used by {clusters(places)}",),
                        help="ask for quota there first, or choose another region or shape",
                    )


def reserved(context: Context) -> Iterator[Diagnostic]:
    """A reservation holds a machine of the catalogue, in a zone where that machine was seen."""
    for region, facts in context.platform.regions.items():
        for key, held in facts.reservations.items():
            at: SpecPath = ("regions", region, "reservations", key)
            if held.shape not in context.catalogue.machines:
                yield unknown_machine(context, (*at, "shape"), held.shape)
                continue
            seen = context.catalogue.seen(held.shape, region)
            if seen is None or (seen and f"{region}-{held.zone}" not in seen):
                yield context.finding(
                    "CAP107",
                    f"{held.shape} was not seen in {region}-{held.zone}",
                    (*at, "zone"),
                    severity=Severity.WARNING,
                    notes=(f"seen in {', '.join(seen)}" if seen else f"nowhere in {region}",),
                    help="compare with 'gcloud compute reservations list'",
                )


def teams(context: Context) -> Iterator[Diagnostic]:
    """A class that names its teams serves no other."""
    for service, spec in context.platform.serving.items():
        named: list[tuple[SpecPath, str | None]] = [(("serving", service, "capacity"), spec.capacity)]
        named += [(("serving", service, "variants", k, "capacity"), v.capacity) for k, v in spec.variants.items()]
        for path, name in named:
            allowed = context.platform.capacity_classes[name].teams if name else None
            if allowed is not None and spec.team not in allowed:
                yield context.finding(
                    "CAP108",
                    f"{service} is of team {spec.team}; capacity class {name} is for {', '.join(allowed)}",
                    path,
                    related=(context.span(("capacityClasses", str(name), "teams"), "who may use it"),),
                    help="take another class, or add the team to the class",
                )
