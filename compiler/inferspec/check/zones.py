"""Zones that a region has. AI zones are taken as they are written: they come and go."""

from __future__ import annotations

from collections.abc import Iterator

from ..diagnostics import Diagnostic, SpecPath
from ..resolve.ladder import sources
from ..resolve.places import Place
from .context import Context, by_region, clusters

AI = "ai"


def stands(context: Context, region: str, letter: str) -> bool:
    """Whether there is the zone, or nobody knows those of the region."""
    row = context.catalogue.regions.get(region)
    return row is None or not row.zones or letter in row.zones or letter.startswith(AI)


def in_some(context: Context, places: list[Place], letter: str) -> bool:
    """Whether the region of one of these clusters has such a zone; a class has its zones in every region alike."""
    return not places or any(stands(context, region, letter) for region in by_region(places))


def known(context: Context) -> Iterator[Diagnostic]:
    for region, path, letter in _written(context):
        if not stands(context, region, letter):
            yield context.finding("CAT009", f"there is no zone {region}-{letter}", path, help=_others(context, [region]))


def of_classes(context: Context) -> Iterator[Diagnostic]:
    """A zone that none of the regions has where the class is; one that some of them lack is CAP107 there."""
    for name, spec in context.platform.capacity_classes.items():
        here = [p for p in context.fleet.places if context.fleet.uses_class(name, p)]
        root: SpecPath = ("capacityClasses", name)
        for at, options in ((root, spec), *(((*root, *at), source) for at, source in sources(spec))):
            for i, letter in enumerate(options.zones or ()):
                if not in_some(context, here, letter):
                    regions = list(by_region(here))
                    yield context.finding(
                        "CAT009",
                        f"there is no zone {' or '.join(f'{region}-{letter}' for region in regions)}",
                        (*at, "zones", i),
                        notes=(f"class {name} is in {clusters(here)}",),
                        help=_others(context, regions),
                    )


def _others(context: Context, regions: list[str]) -> str:
    there = "; ".join(f"{region} has {', '.join(context.catalogue.regions[region].zones)}" for region in regions)
    return f"{there}; a newer zone is a row of your own catalog/regions.yaml"


def _written(context: Context) -> Iterator[tuple[str, SpecPath, str]]:
    """(region, where, letter) of every zone that stands beside its region."""
    for region, places in context.platform.regions.items():
        at: SpecPath = ("regions", region)
        for key, held in places.reservations.items():
            yield region, (*at, "reservations", key, "zone"), held.zone
        for name, cluster in places.clusters.items():
            for i, letter in enumerate(cluster.zones or ()):
                yield region, (*at, "clusters", name, "zones", i), letter
    for name, store in context.platform.storage.items():
        at = ("storage", name)
        for region, instance in store.lustre.items():
            yield region, (*at, "lustre", region, "zone"), instance.zone
        for region, disk in store.disk.items():
            for i, letter in enumerate(disk.zones):
                yield region, (*at, "disk", region, "zones", i), letter
        cached = store.anywhere_cache.zones if store.anywhere_cache is not None else {}
        for region, letters in cached.items():
            for i, letter in enumerate(letters):
                yield region, (*at, "anywhereCache", "zones", region, i), letter
