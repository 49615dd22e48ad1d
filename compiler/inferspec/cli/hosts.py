"""Where the hosts of a gateway lead, and what takes over where a region is lost, with how many replicas."""

from __future__ import annotations

from collections.abc import Iterator

from ..model.base import seconds
from ..plan.provenance import explained
from ..resolve.crossregion import balancing, regions, targets
from ..resolve.dns import Record, records, takes_over
from ..resolve.fleet import Fleet
from ..resolve.places import Place

FAILED = 2
"""Checks in a row that make an address a lost one (Compute Engine API, healthChecks.unhealthyThreshold)."""


def lines(fleet: Fleet, gateway: str) -> list[str]:
    """The account of one gateway, a line each."""
    spec = fleet.platform.gateways[gateway]
    if gateway in fleet.config_clusters:
        return list(_crossing(fleet, gateway))
    if spec.dns is None:
        places = [place for place in fleet.places if fleet.has_gateway(gateway, place)]
        return [f"{spec.host}: {', '.join(place.name for place in places) or 'no cluster'}; the gateway has no records (dns)"]
    found = [line for record in records(fleet, gateway) for line in _record(fleet, record)]
    if spec.class_ == "regional-external":
        check = fleet.catalogue.default("dns.checkInterval")
        most, parts = FAILED * check + seconds(spec.dns.ttl), f"{FAILED} checks of {check} s, and answers kept for {spec.dns.ttl}"
        found += ["", f"a lost region gets no new clients after at most {most} s: {parts}"]
    return found


def _crossing(fleet: Fleet, gateway: str) -> Iterator[str]:
    """A cross-regional gateway: its proxies send to the nearest region that has room, and what is lost or full is the next one's."""
    spec, config, places = fleet.platform.gateways[gateway], fleet.config_clusters[gateway], targets(fleet, gateway)
    if config is None:
        yield f"{spec.host}: no cluster"
        return
    yield from _record(fleet, Record(gateway, spec.host, places))
    yield ""
    yield f"the Gateway stands in {config.name}, with an address in {', '.join(regions(fleet.platform, spec.where))}; it has no records"
    shown = [key for key in fleet.workload_keys if any(e.gateway == gateway for e in fleet.platform.serving[key.service].expose)]
    for key in shown:
        led = [place for place in places if fleet.is_exposed(key, gateway, place)]
        if not led or key.prefill:
            continue
        name, (field, full) = fleet.workload(key, fleet.base).name, balancing(fleet, key, gateway)
        if field == "kv_cache":
            yield f"a server of {name} is full with {full.v} % of its KV cache in use"
            continue
        yield f"a server of {name} is full with {full.v} requests in flight: {explained(full, '')[0].partition(': ')[2]}"
        for region in dict.fromkeys(place.region for place in led):
            most = sum(int(fleet.workload_at(key, place).scale("max").v) for place in led if place.region == region)
            yield f"  {region} takes {most * int(full.v):,} at most scale, {most} server{'s' if most > 1 else ''}"


def _record(fleet: Fleet, record: Record) -> Iterator[str]:
    yield f"{record.host}: {', '.join(place.name for place in record.places)}"
    if record.cluster:
        return
    for region in record.regions:
        yield f"  {region} lost: {_of(fleet, record, region)}"
        others = takes_over(fleet, record, region)
        if not others:
            yield "    nothing takes over" + (": clients around it are kept there, whatever happens" if record.fenced else "")
        for number, other in enumerate(others, 1):
            yield f"    {number}. {other}: {_of(fleet, record, other)}"


def _of(fleet: Fleet, record: Record, region: str) -> str:
    """What answers there: replicas at least and at most, and their chips."""
    told = [text for place in record.places if place.region == region for text in _servers(fleet, record.gateway, place)]
    return ", ".join(dict.fromkeys(told))


def _servers(fleet: Fleet, gateway: str, place: Place) -> Iterator[str]:
    for key in fleet.front_keys:
        shown = any(e.gateway == gateway for e in fleet.platform.serving[key.service].expose)
        if shown and fleet.is_exposed(key, gateway, place):
            w = fleet.workload_at(key, place)
            least, most, chips = int(w.scale("min").v), int(w.scale("max").v), w.layout.total
            yield f"{w.name} {least} to {most} replicas ({least * chips} to {most * chips} {w.accelerator.id})"
