"""Zones that a region has. AI zones are taken as they are written: they come and go."""

from __future__ import annotations

from collections.abc import Iterator

from ..diagnostics import Diagnostic, SpecPath
from .context import Context

AI = "ai"


def known(context: Context) -> Iterator[Diagnostic]:
    for region, path, letter in _written(context):
        if not stands(context, region, letter):
            held = ", ".join(context.catalogue.regions[region].zones)
            yield context.finding(
                "CAT009",
                f"there is no zone {region}-{letter}",
                path,
                help=f"{region} has {held}; a newer zone is a row of your own catalog/regions.yaml",
            )


def stands(context: Context, region: str, letter: str) -> bool:
    """Whether there is the zone, or nobody knows those of the region."""
    row = context.catalogue.regions.get(region)
    return row is None or not row.zones or letter in row.zones or letter.startswith(AI)


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
