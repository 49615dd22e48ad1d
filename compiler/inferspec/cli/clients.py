"""What clients of a service send: the model's name, and headers for priority, for their turn and for a latency objective."""

from __future__ import annotations

from collections.abc import Iterator

from ..model.delivery import Gateway
from ..resolve.fleet import Fleet
from ..resolve.naming import objective_name
from ..resolve.picker_config import exposed, queueing
from ..resolve.workload import Workload
from .session import named
from .table import aligned

ANY = "an id of your own"


def lines(fleet: Fleet, service: str) -> list[str]:
    """The account of one service, a line each."""
    keys = [key for key in fleet.front_keys if key.service == service]
    fronts = [(fleet.workload(key, fleet.base), [place.name for place in fleet.places_of(key)]) for key in keys]
    exposure = fleet.platform.serving[service].expose
    if not exposure or not fronts:
        return [f"no gateway offers {service}: it is called inside its clusters, and has no picker that reads headers"]
    first = fronts[0][0]
    if not first.pooled:
        return _by_service(fleet, first)
    models = ", ".join(str(name.v) for name in first.answers_to())
    if (dynamic := fleet.platform.serving[service].dynamic_adapters) is not None:
        models += f", adapters of {dynamic.source}"
    rows: list[tuple[str, ...]] = [("gateway", "answers at", "to the models")]
    for name in dict.fromkeys(e.gateway for e in exposure):
        gateway = fleet.platform.gateways[name]
        rest = " or none" if gateway.default == service else ""
        rows.append((name, _address(gateway), models + rest))
    called = [(fleet.called(key), front, places) for key, (front, places) in zip(keys, fronts, strict=True)]
    headers: list[tuple[str, ...]] = [("header", "value", "means"), *_headers(called)]
    return [*aligned(rows, {0, 1, 2}), "", *aligned(headers, {0, 1, 2})]


def _by_service(fleet: Fleet, workload: Workload) -> list[str]:
    """Servers that no endpoint picker reads."""
    rows: list[tuple[str, ...]] = [("gateway", "answers at")]
    for exposure in workload.service.expose:
        for path in workload.engine.paths or ("/",):
            rows.append((exposure.gateway, _address(fleet.platform.gateways[exposure.gateway]) + path))
    engine = workload.engine.id
    return [*aligned(rows, {0, 1}), "", f"no endpoint picker reads {engine}: its Service takes all requests alike, and reads no header"]


def _address(gateway: Gateway) -> str:
    return f"{'https' if gateway.tls else 'http'}://{gateway.host}"


def _headers(fronts: list[tuple[str, Workload, list[str]]]) -> Iterator[tuple[str, str, str]]:
    """``fronts``: what the names of a pool's objectives begin with, its workload, its clusters."""
    first = fronts[0][1]
    headers, priorities = first.stack.headers, first.platform.objectives
    several = len({called for called, _, _ in fronts}) > 1
    for called, (workload, clusters) in {called: (front, places) for called, front, places in fronts}.items():
        for objective in exposed(workload):
            where = f" in {named(clusters)}" if several else ""
            yield headers["objective"], objective_name(called, objective), f"{objective}: priority {priorities[objective]}{where}"
    yield headers["objective"], "none", "priority 0"
    flow = queueing(first)
    if flow is None:
        return
    turns = {"round-robin": ": clients take turns", "strict": ": no effect, the oldest request is next"}
    yield headers["fairness"], ANY, f"whose request it is{turns.get(flow.fairness or '', '')}"
    if flow.ordering == "slo":
        yield headers["sloTtft"], "milliseconds", "the request whose time to first token ends first is next"
