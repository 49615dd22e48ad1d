"""Gateways that lead to the clusters of several regions: one Gateway in the config cluster of their fleet, pools in the clusters.

A project's clusters are its fleet, and the network of its clusters is the project's: so the config cluster is a key of the project, and a
fleet cannot have two (GKE documentation, "Set up the GKE multi-cluster Inference Gateway").
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..catalog import Catalogue
from ..model.base import Selector
from ..model.platform import Platform
from ..values import Default, SpecAt, Value, derive
from .places import Place, regions_of
from .settings import WorkloadKey

if TYPE_CHECKING:
    from .fleet import Fleet


def is_cross_regional(platform: Platform, catalogue: Catalogue, gateway: str) -> bool:
    return catalogue.stack(platform.stack).gateway_classes[platform.gateways[gateway].class_].multi_cluster


def cross_regional(platform: Platform, catalogue: Catalogue) -> list[str]:
    """Gateways of such a class."""
    return [name for name in platform.gateways if is_cross_regional(platform, catalogue, name)]


def fleets(fleet: Fleet, gateway: str) -> list[str]:
    """Projects of the clusters that the gateway leads to: each is a fleet and has a network of its own (check: it is one)."""
    return list(dict.fromkeys(place.cluster.project for place in fleet.places if fleet.has_gateway(gateway, place)))


def config_cluster(fleet: Fleet, gateway: str) -> Place | None:
    """The cluster that has the Gateway; None where the spec does not say one that is there."""
    for project in fleets(fleet, gateway)[:1]:
        said = fleet.platform.projects[project].config_cluster if project in fleet.platform.projects else None
        return next((place for place in fleet.places if place.name == said and place.cluster.project == project), None)
    return None


def targets(fleet: Fleet, gateway: str) -> tuple[Place, ...]:
    """Clusters with servers that the gateway leads to."""
    shown = [key for key in fleet.front_keys if any(e.gateway == gateway for e in fleet.platform.serving[key.service].expose)]
    return tuple(place for place in fleet.places if any(fleet.is_exposed(key, gateway, place) for key in shown))


def regions(platform: Platform, where: Selector) -> list[str]:
    """Regions where clients find an address of the gateway, and where its proxies ask from: those of its clusters."""
    return regions_of(platform, where)


def asks_from(fleet: Fleet, gateway: str, place: Place) -> bool:
    """Whether proxies of the gateway stand in the cluster's region and network."""
    asked = regions(fleet.platform, fleet.platform.gateways[gateway].where)
    return place.region in asked and place.cluster.project in fleets(fleet, gateway)


def balancing(fleet: Fleet, key: WorkloadKey, gateway: str) -> tuple[str, Value]:
    """How full a server may be before others, and then other regions, get the requests: the field and its value."""
    said, at = fleet.platform.gateways[gateway].balancing, ("gateways", gateway, "balancing")
    if said is not None and said.kv_cache is not None:
        return "kv_cache", Value(said.kv_cache, SpecAt((*at, "kvCache")))
    if said is not None and said.in_flight is not None:
        return "in_flight", Value(said.in_flight, SpecAt((*at, "inFlight")))
    return "in_flight", _in_flight(fleet, key, gateway)


def _in_flight(fleet: Fleet, key: WorkloadKey, gateway: str) -> Value:
    """Requests that one server computes at once: the least that a server of the import says, or the catalogue's figure."""
    servers = [fleet.workload_at(key, place) for place in fleet.places if fleet.is_exposed(key, gateway, place)]
    flags = [w.settings.flags.get("max-num-seqs") for w in servers]
    counts = {w.settings.count("max-num-seqs", 0): flag.value for w, flag in zip(servers, flags, strict=True) if flag is not None}
    if counts and 0 not in counts and None not in flags:
        least = min(counts)
        return derive("the least max-num-seqs of the servers: what one computes at once", least, *(counts[n] for n in sorted(counts)))
    return Value(fleet.catalogue.default("gateway.inFlight"), Default("gateway.inFlight"))
