"""Which facets there are, in which clusters, and the views that draw them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator
from functools import partial
from typing import Any

from ..catalog import Catalogue
from ..model.places import ADAPTER
from ..model.platform import Platform
from ..resolve.crossregion import balancing
from ..resolve.dns import global_access
from ..resolve.fallback import LABELS, watching
from ..resolve.fleet import Fleet
from ..resolve.layers import Subject
from ..resolve.naming import GATEWAY_NAMESPACE, writer_name
from ..resolve.places import Place, selects
from ..resolve.scaling import HPA, KEDA
from ..resolve.settings import WorkloadKey, canary_of
from ..resolve.workload import Workload
from ..values import Default, Value
from .drawing import Drawing
from .row import Drawn
from .views import (
    adapter,
    alerts,
    capacity,
    class_teams,
    fallback_alerts,
    fleet_alerts,
    processor,
    queues,
    routing,
    scaling,
    server,
    weights,
)
from .views import platform as platform_views

SCALERS = ((HPA, "-autoscaling", scaling.autoscaler), (KEDA, "-keda", scaling.scaled_object))
"""Who moves replicas, the facet, its view. A cluster has one of them: Config Sync prunes what it no longer has."""


def platform_drawings(fleet: Fleet) -> list[Drawing]:
    platform, catalogue = fleet.platform, fleet.catalogue
    made = [Drawing("platform", "platform", lambda _: platform_views.priorities(platform, catalogue), lambda _: True)]
    interval = Value(catalogue.default("alerts.interval"), Default("alerts.interval"))
    watched = watching(fleet).values()
    for kind in LABELS:
        seen = {place for places in watched for place, kinds in places.items() if kind in kinds}
        nodes = partial(_nodes, platform, kind, interval)
        made.append(Drawing(f"nodes-{kind}", "platform", nodes, seen.__contains__))
    made.append(
        Drawing("placeholder-priority", "platform", lambda _: platform_views.placeholder_priority(platform, catalogue), fleet.holds_room)
    )
    made.append(Drawing("sync-alerts", "platform", lambda _: fleet_alerts.sync_alerts(platform, catalogue), lambda _: True))
    idle = partial(fleet_alerts.reservation_alerts, platform, catalogue)
    made.append(Drawing("reservation-alerts", "platform", idle, fleet.watches_reservations))
    metrics = partial(adapter.adapter, platform, catalogue)
    made.append(Drawing("metrics-adapter", "platform", metrics, lambda place: ADAPTER in place.cluster.install))
    for team in platform.teams:
        made.append(Drawing(f"namespace-{team}", "platform", partial(_team_namespace, platform, team), partial(_is_home, fleet, team)))
    if platform.gateways:
        made.append(
            Drawing(
                "gateway-namespace",
                "platform",
                partial(_gateway_namespace, platform),
                lambda place: any(fleet.carries(g, place) for g in platform.gateways),
            )
        )
    for name in platform.capacity_classes:
        made.append(Drawing(f"class-{name}", "platform", partial(_class, platform, catalogue, name), partial(fleet.uses_class, name)))
    made += _queue_drawings(fleet)
    for name in platform.gateways:
        has = partial(fleet.carries, name)
        made.append(Drawing(f"gateway-{name}", "platform", partial(_gateway, fleet, name), has))
        if fleet.leads_by_model(name):
            made.append(Drawing(f"gateway-{name}-models", "platform", partial(processor.processor, platform, catalogue, name), has))
    return made


def _queue_drawings(fleet: Fleet) -> Iterator[Drawing]:
    """A flavor for each class that a queue has chips of; of each queue Kueue's own part, and the team's door to it."""
    platform = fleet.platform
    for name in platform.capacity_classes if platform.queues else ():
        if any(name in queue.quota for queue in platform.queues.values()):
            yield Drawing(f"flavor-{name}", "platform", partial(_flavor, platform, name), partial(fleet.queues_class, name))
    for name, queue in platform.queues.items():
        there = partial(selects, queue.where)
        yield Drawing(f"queue-{name}", "platform", partial(_cluster_queue, fleet, name), there)
        yield Drawing(f"local-queue-{name}", queue.team, partial(_local_queue, platform, name), there)


def _flavor(platform: Platform, name: str, _: Subject) -> list[Drawn]:
    return [queues.flavor(platform, name)]


def _cluster_queue(fleet: Fleet, name: str, _: Subject) -> list[Drawn]:
    return [queues.cluster_queue(fleet.platform, fleet.catalogue, name)]


def _local_queue(platform: Platform, name: str, _: Subject) -> list[Drawn]:
    return [queues.local_queue(platform, name)]


def _is_home(fleet: Fleet, team: str, place: Place) -> bool:
    return fleet.serves_team(team, place) or fleet.routes_team(team, place)


def _nodes(platform: Platform, kind: str, interval: Value, _: Subject) -> list[Drawn]:
    return fallback_alerts.node_monitoring(platform, kind, interval)


def _identity(fleet: Fleet, artefact: str, secret: str | None, namespace: str, _: Subject) -> list[Drawn]:
    return weights.identity(fleet.platform, artefact, secret, namespace)


def _team_namespace(platform: Platform, team: str, _: Subject) -> list[Drawn]:
    return platform_views.team_namespace(platform, team)


def _gateway_namespace(platform: Platform, _: Subject) -> list[Drawn]:
    return [platform_views.namespace(platform, GATEWAY_NAMESPACE, "gateway", "restricted")]


def _class(platform: Platform, catalogue: Catalogue, name: str, subject: Subject) -> list[Drawn]:
    return [capacity.compute_class(platform, catalogue, name, subject), *class_teams.limits(platform, catalogue, name)]


def _gateway(fleet: Fleet, name: str, _: Subject) -> list[Drawn]:
    found = [platform_views.gateway(fleet.platform, fleet.catalogue, name)]
    if platform_views.redirects(fleet.platform, name):
        found.append(platform_views.redirect(fleet.platform, name))
    return [*found, platform_views.global_access(fleet.platform, name)] if global_access(fleet, name) else found


def _leads(fleet: Fleet, key: WorkloadKey, gateway: str, shared: bool, place: Place) -> bool:
    """Whether the cluster has the route that shares requests with a canary, or the one that does not."""
    return fleet.is_exposed(key, gateway, place) and fleet.has_canary(key, place) == shared


def _has_pool(fleet: Fleet, key: WorkloadKey, exported: bool, place: Place) -> bool:
    """Whether the cluster has the pool that a cross-regional gateway leads to, or the one that none does."""
    return fleet.is_placed(key, place) and fleet.exports(key, place) == exported


def _crossing(fleet: Fleet, key: WorkloadKey, name: str) -> list[Drawing]:
    """In the config cluster: the route to the pools that a cross-regional gateway leads to, and the policies of their import."""
    spec, found = fleet.platform.serving[key.service], []
    for gateway in dict.fromkeys(e.gateway for e in spec.expose if e.gateway in fleet.config_clusters):
        present = partial(fleet.carries, gateway)
        led = [place for place in fleet.places if fleet.is_exposed(key, gateway, place)]
        if not led:
            continue
        shared = any(fleet.has_canary(key, place) for place in led)
        # By the fleet's word, not the config cluster's: the pools stand elsewhere.
        w = fleet.workload(key, fleet.base)
        field, full = balancing(fleet, key, gateway)
        rows = routing.imported(w, **{field: full})
        if not key.canary:
            rows += routing.route(w, gateway, by_model=False, shared=shared, crossing=True)
        found.append(Drawing(f"{name}-import-{gateway}", spec.team, _constant(rows), present, frozenset({key.service})))
    return found


def _constant(rows: list[Drawn]) -> Callable[[Subject], list[Drawn]]:
    return lambda _: rows


def team_drawings(fleet: Fleet) -> list[Drawing]:
    """Of every workload in turn, then of what fills buckets."""
    watched = watching(fleet)
    of_workloads = [drawing for key in fleet.workload_keys for drawing in _of_workload(fleet, key, watched.get(key, frozenset()))]
    return [*of_workloads, *_of_writers(fleet)]


def _of_workload(fleet: Fleet, key: WorkloadKey, watched: Collection[Place]) -> list[Drawing]:
    """``watched``: clusters where an alert looks at the kind of capacity it is on; none where it is empty."""
    made: list[Drawing] = []
    spec, w = fleet.platform.serving[key.service], fleet.workload(key, fleet.base)
    placed = partial(fleet.is_placed, key)
    # Which clusters there are says whether its pool is exported there, and whether its route shares with a canary.
    by_place = spec.canary is not None or any(e.gateway in fleet.config_clusters for e in spec.expose)

    def add(
        suffix: str,
        view: Callable[..., list[Drawn]],
        present: Callable[[Place], bool],
        *more: Any,
        part: str = spec.team,
        alternative: bool = False,
    ) -> None:
        drawn = lambda subject: view(fleet.workload(key, subject), *more)  # noqa: E731 - it has no name of its own
        made.append(Drawing(w.name + suffix, part, drawn, present, frozenset({key.service}), alternative=alternative))

    pooled = bool(spec.expose) and w.pooled and not key.prefill
    add("", _whole, placed, pooled and not by_place, fleet.called(key))
    for by, suffix, view in SCALERS:
        if fleet.ever_scaled_by(by, key):
            add(suffix, view, partial(fleet.is_scaled_by, by, key))
    if fleet.ever_buffered(key):
        add("-buffer", scaling.buffer, partial(fleet.is_buffered, key))
    if watched:
        add("-fallback", fallback_alerts.alerts, watched.__contains__, part="platform")
    if key in fleet.with_placeholders:
        add("-placeholder", scaling.placeholders, fleet.with_placeholders[key].__contains__)
    if key.prefill:
        return made
    if pooled and by_place:
        add("-pool", routing.pool, partial(_has_pool, fleet, key, False), fleet.called(key), False, alternative=by_place)
        if any(fleet.exports(key, place) for place in fleet.places):
            add("-pool-exported", routing.pool, partial(_has_pool, fleet, key, True), fleet.called(key), True, alternative=by_place)
    made += _crossing(fleet, key, w.name)
    for exposure in spec.expose if not key.canary else ():
        if exposure.gateway in fleet.config_clusters:
            continue
        by_model = fleet.leads_by_model(exposure.gateway)
        for shared, suffix in ((False, ""), (True, "-canary")):
            shown = partial(_leads, fleet, key, exposure.gateway, shared)
            if not shared or canary_of(fleet.platform, key) is not None:
                more = exposure.gateway, by_model, shared, False
                add(f"-route-{exposure.gateway}{suffix}", routing.route, shown, *more, alternative=by_place)
    return made


def _whole(w: Workload, pooled: bool, called: str) -> list[Drawn]:
    """What stands wherever the servers do: theirs, alerts, and what gateways lead to unless that is another thing in some clusters."""
    found = server.server(w)
    if w.engine.metrics_path:
        found += alerts.alerts(w)
    if pooled:
        return found + routing.pool(w, called, False)
    return found + routing.backend(w) if w.service.expose and not w.pooled and not w.key.prefill else found


def _of_writers(fleet: Fleet) -> Iterator[Drawing]:
    """Who fills buckets, of each team."""
    teams = Counter(artefact for artefact, _, _, _ in fleet.written)
    for artefact, secret, team, namespace in fleet.written:
        name = writer_name(artefact)
        yield Drawing(
            name if teams[artefact] == 1 else f"{name}-{team}",
            team,
            partial(_identity, fleet, artefact, secret, namespace),
            partial(fleet.writes, artefact, team),
        )
