"""Hosts of gateways in Cloud DNS: which clusters each leads to, and what takes over where a region is lost.

Cloud DNS answers with the address of the region nearest to the client, and leaves out those whose health check fails (Cloud DNS
documentation, "DNS routing policies and health checks"): a lost region's clients come to the next nearest. A fenced record never does so.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..model.delivery import Dns, Gateway
from .naming import own_address
from .places import Place, selects

if TYPE_CHECKING:
    from .fleet import Fleet
    from .workload import Workload


@dataclass(frozen=True, slots=True)
class Record:
    """``fenced``: each region answers for its surroundings alone. ``residency``: the label's value that it is for, or "".

    ``cluster``: the one it is for, or "".
    """

    gateway: str
    host: str
    places: tuple[Place, ...]
    fenced: bool = False
    residency: str = ""
    cluster: str = ""

    @property
    def regions(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(place.region for place in self.places))


def led_to(fleet: Fleet, gateway: str) -> tuple[Place, ...]:
    """Clusters that the host of a gateway with ``dns`` leads to: those where something answers."""
    dns = _dns(fleet, gateway)
    return tuple(
        place
        for place in fleet.places
        if fleet.has_gateway(gateway, place) and (dns.where is None or selects(dns.where, place)) and fleet.led_names(gateway, place)
    )


def answering(fleet: Fleet, gateway: str) -> tuple[Workload, ...]:
    """Servers that the host leads to, those of the first cluster first."""
    front = [key for key in fleet.front_keys if any(e.gateway == gateway for e in fleet.platform.serving[key.service].expose)]
    places = led_to(fleet, gateway)
    return tuple(fleet.workload_at(key, place) for place in places for key in front if fleet.is_exposed(key, gateway, place))


def residencies(fleet: Fleet, gateway: str) -> tuple[str, ...]:
    """Values of the residency label among the clusters that the host leads to, in the order of the spec; "" where one has no label."""
    key = _dns(fleet, gateway).residency
    return tuple(dict.fromkeys(place.cluster.labels.get(key, "") for place in led_to(fleet, gateway))) if key else ()


def records(fleet: Fleet, gateway: str) -> tuple[Record, ...]:
    """The host, a host for each residency, a host for each cluster."""
    spec, dns, places, values = fleet.platform.gateways[gateway], _dns(fleet, gateway), led_to(fleet, gateway), residencies(fleet, gateway)
    found = [Record(gateway, spec.host, places, fenced=len(values) > 1)] if places else []
    for value in values:
        bound = tuple(place for place in places if place.cluster.labels.get(dns.residency or "") == value)
        if value:
            found.append(Record(gateway, f"{value}.{spec.host}", bound, residency=value))
    if dns.cluster_hosts:
        own = [place for place in fleet.places if fleet.has_gateway(gateway, place) and fleet.led_names(gateway, place)]
        found += [Record(gateway, f"{place.name}.{spec.host}", (place,), cluster=place.name) for place in own]
    return tuple(found)


def takes_over(fleet: Fleet, record: Record, region: str) -> tuple[str, ...]:
    """Regions that answer the clients around ``region`` when it is lost, the nearest first; none for a fenced record.

    The distance is that of the regions: each client has its own.
    """
    others = [other for other in record.regions if other != region]
    return () if record.fenced else tuple(sorted(others, key=lambda other: (_distance(fleet, region, other), other)))


def _distance(fleet: Fleet, a: str, b: str) -> float:
    """Along the surface, as an angle; regions without a known place are far from everything."""
    ends = [fleet.catalogue.regions[region].at if region in fleet.catalogue.regions else () for region in (a, b)]
    if not all(ends):
        return math.inf
    (x, u), (y, v) = ([math.radians(degrees) for degrees in at] for at in ends)
    return math.acos(min(1.0, math.sin(x) * math.sin(y) + math.cos(x) * math.cos(y) * math.cos(u - v)))


def _dns(fleet: Fleet, gateway: str) -> Dns:
    dns = fleet.platform.gateways[gateway].dns
    assert dns is not None, "nobody asks of a gateway without it"
    return dns


def has_own_address(gateway: Gateway) -> bool:
    """Whether the gateway has an address of its own in each cluster: records need one that is known, and the spec names none."""
    return gateway.dns is not None and gateway.address is None


def address_of(gateway: Gateway, name: str, place: Place) -> str | None:
    """Name of the reserved address; None where the load balancer gets whichever is free."""
    return own_address(name, place.name) if has_own_address(gateway) else gateway.address


def several_hosts(dns: Dns | None) -> bool:
    """Whether names below the gateway's host lead to it too."""
    return dns is not None and (dns.residency is not None or dns.cluster_hosts)


def global_access(fleet: Fleet, gateway: str) -> bool:
    """Whether clients of other regions come to an internal gateway: its load balancers must let them."""
    spec = fleet.platform.gateways[gateway]
    return spec.dns is not None and spec.class_ == "regional-internal" and len({place.region for place in led_to(fleet, gateway)}) > 1
