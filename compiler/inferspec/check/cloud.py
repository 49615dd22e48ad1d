"""What the spec says of Google Cloud beside its clusters: what is made, what stands, where Config Connector runs."""

from __future__ import annotations

from collections.abc import Iterator

from ..diagnostics import Diagnostic
from .context import Context


def zonal(context: Context) -> Iterator[Diagnostic]:
    """A zonal control plane stands in the zone of the nodes; Autopilot has none."""
    for place in context.fleet.places:
        cluster = place.cluster
        if not cluster.zonal:
            continue
        zones = len(cluster.zones or ())
        if cluster.mode == "autopilot":
            yield context.finding(
                "SPC024", f"{place.name}: an Autopilot cluster is regional", (*place.path, "zonal"), help="mode: standard, or no zonal"
            )
        elif zones != 1:
            yield context.finding(
                "SPC024",
                f"{place.name}: a zonal cluster has one zone, this has {zones or 'all of its region'}",
                (*place.path, "zonal"),
                help="zones: [a], or no zonal: the control plane is then regional, and the nodes stay in their zones",
            )
