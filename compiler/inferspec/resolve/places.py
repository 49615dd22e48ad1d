"""Clusters, and which of them a selector means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..model.base import Selector
from ..model.places import Cluster
from ..model.platform import Platform


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """A cluster and the region it stands in."""

    name: str
    region: str
    cluster: Cluster
    wave: int
    """Index of the first wave that matches, or -1."""

    @property
    def path(self) -> tuple[str, ...]:
        return ("regions", self.region, "clusters", self.name)

    @property
    def location(self) -> str:
        """Where GKE has the control plane, which is the cluster's ``location``; the zones of nodes are another thing."""
        zones = self.cluster.zones or ()
        zonal = self.cluster.zonal and len(zones) == 1 and self.cluster.mode == "standard"
        return f"{self.region}-{zones[0]}" if zonal else self.region


def places(platform: Platform) -> tuple[Place, ...]:
    """All clusters in the order of the spec."""
    return tuple(
        Place(name, region, cluster, _wave(platform, name, region, cluster))
        for region, facts in platform.regions.items()
        for name, cluster in facts.clusters.items()
    )


def _wave(platform: Platform, name: str, region: str, cluster: Cluster) -> int:
    for index, wave in enumerate(platform.delivery.waves):
        if _matches(wave.where, name, region, cluster):
            return index
    return -1


def selects(selector: Selector, place: Place) -> bool:
    """All keys given must match; a list matches any of its items."""
    return _matches(selector, place.name, place.region, place.cluster)


def regions_of(platform: Platform, selector: Selector) -> list[str]:
    """Regions with a cluster that the selector means, in the order of the spec."""
    return [
        region
        for region, facts in platform.regions.items()
        if any(_matches(selector, name, region, cluster) for name, cluster in facts.clusters.items())
    ]


def _matches(selector: Selector, name: str, region: str, cluster: Cluster) -> bool:
    return (
        (selector.cluster is None or name in selector.cluster)
        and (selector.region is None or region in selector.region)
        and (selector.stage is None or cluster.stage in selector.stage)
        and (selector.label is None or _labelled(selector.label, cluster.labels))
    )


def _labelled(wanted: Mapping[str, tuple[str, ...]], labels: Mapping[str, str]) -> bool:
    return all(labels.get(key) in values for key, values in wanted.items())
