"""Facets of volumes: classes and volumes in the platform's part, claims and what fills them in the team's."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from ..model.places import ProjectNetwork
from ..model.platform import Platform
from ..model.storage import HyperdiskMl, Lustre
from ..resolve.fleet import Fleet
from ..resolve.layers import Subject
from ..resolve.places import Place
from ..resolve.volumes import PROFILE, Volume
from .drawing import Drawing
from .row import Drawn
from .views import claims, weights
from .views.volumes import PROGRAMS


def volume_drawings(fleet: Fleet) -> Iterator[Drawing]:
    platform, catalogue = fleet.platform, fleet.catalogue
    for team, spec in platform.teams.items():
        name = PROGRAMS if len(platform.teams) == 1 else f"{PROGRAMS}-{team}"
        yield Drawing(name, team, partial(_programs, platform, spec.namespace), partial(fleet.serves_team, team))
    for (store, read, throughput, project), made in sorted(_classes(fleet).items()):
        draw = partial(claims.classes, platform, catalogue, store, read, throughput, project or None)
        own = f"-{project}" if project else ""
        yield Drawing(f"volumes-{store}-{read}-{throughput}{own}", "platform", draw, made.__contains__, alternative=True)
    for volume, places in fleet.volumes.values():
        standing = {place for place in places if _stands(fleet, volume, place)}
        if standing:
            draw = partial(claims.persistent, platform, catalogue, volume)
            yield Drawing(f"volume-{volume.namespace}-{volume.name}", "platform", draw, standing.__contains__)
        yield Drawing(f"volume-{volume.name}", volume.team, partial(claims.claims, platform, catalogue, volume), places.__contains__)
        if volume.read == "hyperdisk-ml":
            yield Drawing(f"volume-{volume.name}-fill", volume.team, partial(_keeper, platform, volume), places.__contains__)


def _programs(platform: Platform, namespace: str, _: Subject) -> list[Drawn]:
    return [weights.programs(platform, namespace)]


def _keeper(platform: Platform, volume: Volume, _: Subject) -> list[Drawn]:
    return weights.keeper(platform, volume)


def _stands(fleet: Fleet, volume: Volume, place: Place) -> bool:
    """Whether the cluster is given a volume that is there already, and not one that a driver makes."""
    instance = fleet.platform.storage[volume.store].lustre.get(place.region)
    return volume.read == PROFILE or (volume.read == "lustre" and instance is not None and instance.instance is not None)


def _classes(fleet: Fleet) -> dict[tuple[str, str, int, str], set[Place]]:
    """(store, read, throughput, project whose network the volumes take) -> clusters that make volumes of it."""
    found: dict[tuple[str, str, int, str], set[Place]] = {}
    for volume, places in fleet.volumes.values():
        store = fleet.platform.storage[volume.store]
        for place in places:
            held = store.lustre.get(place.region) if volume.read == "lustre" else store.disk.get(place.region)
            if volume.read in ("lustre", "hyperdisk-ml") and held is not None and not _stands(fleet, volume, place):
                project = _networked(fleet, held, place)
                found.setdefault((volume.store, volume.read, held.throughput, project), set()).add(place)
    return found


def _networked(fleet: Fleet, held: Lustre | HyperdiskMl, place: Place) -> str:
    """The cluster's project, where its network shows in a class: empty for a disk, a network that the store names, and the default one."""
    lustre = isinstance(held, Lustre) and held.network is None
    own = lustre and fleet.platform.projects[place.cluster.project].network.name != ProjectNetwork().name
    return place.cluster.project if own else ""
