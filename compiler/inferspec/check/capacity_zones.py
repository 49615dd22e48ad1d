"""Where a class asks: zones the cluster has, machines that were seen there."""

from __future__ import annotations

from collections.abc import Iterator

from ..diagnostics import Diagnostic, Severity, SpecPath
from ..model.nodes import NodeOptions
from ..resolve.ladder import rungs
from ..resolve.ladder import sources as sources_of
from ..resolve.places import Place
from .context import Context, by_region, clusters
from .zones import in_some


def availability(context: Context) -> Iterator[Diagnostic]:
    """Zones change: a shape nobody saw in a region is a warning, never an error."""
    for name, spec in context.platform.capacity_classes.items():
        here = [p for p in context.fleet.places if context.fleet.uses_class(name, p)]
        for region, places in by_region(here).items():
            told: set[tuple[SpecPath, str]] = set()
            for rung in rungs(spec, context.catalogue):
                if rung.machine is None or not rung.machine.accelerator:
                    continue
                path: SpecPath = ("capacityClasses", name, *rung.at, "shape") if rung.source.shape else ("capacityClasses", name, "shape")
                zones = (rung.source.zones or spec.zones or ()) if rung.source.kind != "reservation" else ()
                seen = context.catalogue.seen(rung.machine.id, region)
                lost = [z for z in zones if seen and f"{region}-{z}" not in seen and in_some(context, here, z)]
                if (seen is None or lost) and (path, rung.machine.id) not in told:
                    told.add((path, rung.machine.id))
                    where = f"{region}-{lost[0]}" if lost else region
                    yield context.finding(
                        "CAP107",
                        f"{rung.machine.id} was not seen in {where}",
                        path,
                        severity=Severity.WARNING,
                        notes=(f"used by {clusters(places)}", "GKE reports UnavailableMachineType where it is not there"),
                        help=_elsewhere(context, rung.machine.id, rung.machine.accelerator, region, seen),
                        presumes=("clusters",),
                    )


def _elsewhere(context: Context, machine: str, accelerator: str, region: str, seen: tuple[str, ...] | None) -> str:
    """Nearest first: zones of the region, other shapes of the accelerator there, regions of the same part of the world."""
    if seen:
        return f"it was seen in {', '.join(seen)}"
    catalogue, part = context.catalogue, region.split("-")[0]
    ways = [m.id for m in catalogue.machines_of(accelerator) if m.id != machine and catalogue.seen(m.id, region) is not None]
    regions = [r for r in catalogue.regions if catalogue.seen(machine, r) is not None]
    regions.sort(key=lambda r: (not r.startswith(f"{part}-"), r))
    found = [f"{region} has {', '.join(ways[:3])}"] if ways else []
    found += [f"it was seen in {', '.join(regions[:3])}"] if regions else []
    return "; ".join([*found, "ask for quota there first"])


def zones(context: Context) -> Iterator[Diagnostic]:
    """A zone of a class is one of the cluster's, and stands nowhere beside a reservation, which has its own."""
    for name, spec in context.platform.capacity_classes.items():
        root: SpecPath = ("capacityClasses", name)
        here = [p for p in context.fleet.places if context.fleet.uses_class(name, p)]
        yield from _enabled(context, root, spec, here)
        for at, source in sources_of(spec):
            yield from _enabled(context, (*root, *at), source, here)
            said = [key for key, value in (("zones", source.zones), ("zoneTypes", source.zone_types)) if value]
            if source.kind == "reservation" and said:
                yield context.finding(
                    "CAP112",
                    f"{said[0]} beside a reservation that is named",
                    (*root, *at, said[0]),
                    notes=("GKE reports RuleMisconfigured: location config with specific reservations enabled",),
                    help=f"remove {said[0]}: the reservation brings its zone",
                )


def _enabled(context: Context, at: SpecPath, options: NodeOptions, here: list[Place]) -> Iterator[Diagnostic]:
    for i, zone in enumerate(options.zones or ()):
        out = [p for p in here if p.cluster.zones is not None and zone not in p.cluster.zones]
        if out and in_some(context, here, zone):
            yield context.finding(
                "CAP111",
                f"zone {zone} is none of {clusters(out)}",
                (*at, "zones", i),
                severity=Severity.WARNING if all(set(options.zones or ()) & set(p.cluster.zones or ()) for p in out) else Severity.ERROR,
                related=(context.span((*out[0].path, "zones"), "zones of the cluster"),),
                notes=(f"zones: {', '.join(out[0].cluster.zones or ())}", "GKE reports LocationNotEnabledForAutoprovisioning"),
                help="take a zone of the cluster, or add this one to it",
            )
