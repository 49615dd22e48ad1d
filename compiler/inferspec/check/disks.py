"""Disks of weights against the nodes that read them: their zones, and what their machines take."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..diagnostics import Diagnostic, SpecPath
from ..model.storage import HyperdiskMl
from ..resolve.places import Place
from ..resolve.workload import Workload
from .context import Context, by_region, clusters, place_of


def zones(context: Context) -> Iterator[Diagnostic]:
    """A disk is read in its own zones alone: a node elsewhere could never mount it."""
    told: set[tuple[str, str, str]] = set()
    for _, w, places in context.cohorts:
        if w.mounts.read.v != "hyperdisk-ml":
            continue
        yield from _unattachable(context, w, told)
        for region, here in by_region(places).items():
            disk = w.mounts.store.disk.get(region)
            if disk is not None:
                yield from _nowhere(context, w, disk, here, told)
            outside = {zone: path for zone, path in _asked(context, w, region) if disk is not None and zone not in disk.zones}
            if outside and disk is not None and (w.capacity_name, w.model.store, region) not in told:
                told.add((w.capacity_name, w.model.store, region))
                zone, path = next(iter(outside.items()))
                yield context.finding(
                    "STO112",
                    f"{w.name}: capacity class {w.capacity_name} makes nodes in {region}-{zone}, where storage {w.model.store} has no disk",
                    ("storage", w.model.store, "disk", region, "zones"),
                    related=(context.span(path, "the zone is asked for here"),),
                    notes=(f"disks stand in {_listed(region, disk.zones)}",),
                    help=f"zones: [{', '.join(sorted({*disk.zones, *outside}))}]",
                )


def _nowhere(context: Context, w: Workload, disk: HyperdiskMl, here: list[Place], told: set[tuple[str, str, str]]) -> Iterator[Diagnostic]:
    """Clusters without nodes in any zone of the disk; zones that the class names are told by it (STO112, CAP111)."""
    region = here[0].region
    out = [p for p in here if p.cluster.zones is not None and not set(p.cluster.zones) & set(disk.zones)]
    if not out or (w.model.store, region, out[0].name) in told or any(_asked(context, w, region)):
        return
    told.add((w.model.store, region, out[0].name))
    held = out[0].cluster.zones or ()
    yield context.finding(
        "STO121",
        f"storage {w.model.store} has its disks in {_listed(region, disk.zones)}, and {clusters(out)} has nodes in {_listed(region, held)}",
        ("storage", w.model.store, "disk", region, "zones"),
        related=(context.span((*out[0].path, "zones"), "zones of the cluster"),),
        notes=(f"{w.name} reads them, and no node is where one of them is: its Pods are never scheduled",),
        help=f"zones: [{', '.join(held)}] of the disk, or another zone for the cluster",
    )


def _listed(region: str, zones: Iterable[str]) -> str:
    return ", ".join(f"{region}-{zone}" for zone in zones)


def _asked(context: Context, w: Workload, region: str) -> Iterator[tuple[str, SpecPath]]:
    """Zones that the class names for the region: its own, those of its reservations and of single sources."""
    for i, zone in enumerate(w.capacity.zones or ()):
        yield zone, ("capacityClasses", w.capacity_name, "zones", i)
    facts = context.platform.regions[region].reservations
    for rung, sources in (("baseline", w.capacity.baseline), ("burst", w.capacity.burst)):
        for number, source in enumerate(sources):
            for key in source.reservation or ():
                if key in facts:
                    yield facts[key].zone, ("regions", region, "reservations", key, "zone")
            for i, zone in enumerate(source.zones or ()):
                yield zone, ("capacityClasses", w.capacity_name, rung, number, "zones", i)


def _unattachable(context: Context, w: Workload, told: set[tuple[str, str, str]]) -> Iterator[Diagnostic]:
    disks = w.accelerator.attach_disks
    if disks and "hyperdisk-ml" not in disks and (w.capacity_name, "", "") not in told:
        told.add((w.capacity_name, "", ""))
        yield context.finding(
            "STO111",
            f"{w.name}: {w.machine.id} does not take Hyperdisk ML volumes",
            place_of(w.mounts.read, w.path),
            related=(context.span(("capacityClasses", w.capacity_name, "shape"), "the machine"),),
            notes=(f"{w.accelerator.id} machines take {', '.join(disks)}",),
            help="read: gcs-fuse or lustre for this service, or another machine",
        )
