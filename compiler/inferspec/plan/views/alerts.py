"""Alerts of a model server and of its endpoint picker, as Rules of Managed Service for Prometheus.

The series of a Rules object are those of its namespace and cluster alone (GoogleCloudPlatform/prometheus-engine doc/api.md), and ``job`` is
the name of the PodMonitoring that reads them. Names of series come from the engine's file and the stack's; docs/runbooks.md has a section
for every alert.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from ...catalog.engines import Metric
from ...resolve.objectives import limit, pool_series, series
from ...resolve.scaling import waiting
from ...resolve.workload import Workload
from ...values import Catalogue as FromCatalogue
from ...values import Value, derive, text
from ..row import Drawn, Row, labels
from . import promql
from .alert_row import CRITICAL, WARNING, derived, of_workload, wait
from .objective_alerts import objectives
from .picker import picker_name


def alerts(workload: Workload) -> list[Drawn]:
    """One Rules object: what can be seen of this engine in this version."""
    w = workload
    name = f"{w.name}-alerts"
    found = [*_servers(w), *_load(w)]
    if not w.key.prefill:
        found += objectives(w)
        if w.pooled:
            found += _pool(w)
    interval = text("{}s", w.default("alerts.interval"))
    return [
        ("rules", Row(name=name, namespace=w.namespace, labels=labels(w.platform.name, name, "alerts"), interval=interval, alerts=found))
    ]


def up_of(w: Workload, where: promql.Matchers) -> tuple[str, Value]:
    """Whether the collector reads what ``where`` names, and the series' origin."""
    row = "up"
    name = w.stack.collector_metrics[row]["series"]
    return promql.up(w.stack, where), Value(name, FromCatalogue(f"stacks.{w.stack.id}.collectorMetrics.{row}"))


def _up(w: Workload, job: str) -> tuple[str, Value]:
    return up_of(w, promql.job(job))


# -- is it there -------------------------------------------------------------------------------------------------------


def _servers(w: Workload) -> Iterator[Row]:
    up, origin = _up(w, w.name)
    budget, node = w.pod.startup_seconds, w.default("load.nodeSeconds")
    spare = wait(w, urgent=True)
    ready = derive("start-up budget + time that a Pod may take to be replaced", int(budget.v) + int(spare.v), budget, spare)
    yield of_workload(
        w,
        "ServerNotReady",
        CRITICAL,
        ready,
        derive("servers that do not answer", f"{up} == 0", origin),
        f"{w.name}: server {{{{ $labels.pod }}}} runs and does not answer, for longer than it may take to start",
        "its log: a crash loop, weights that do not come, a model that does not fit",
    )
    most = w.default("alerts.restarts")
    yield of_workload(
        w,
        "ServerRestarts",
        WARNING,
        wait(w, urgent=True),
        derive("servers that come and go", f"changes({up}[1h]) >= {most.v}", origin, most),
        f"{w.name}: server {{{{ $labels.pod }}}} came and went twice within an hour",
        "why its container ended: out of memory, a failed liveness probe, a lost device",
    )
    arrive = derive("start-up budget + time to get a node", int(budget.v) + int(node.v), budget, node)
    yield of_workload(
        w,
        "ServersMissing",
        CRITICAL,
        arrive,
        _missing(w, up, origin),
        f"{w.name}: no server answers, for longer than a new node and a start may take",
        "Pods that are pending: capacity of every source of the class, quota, the Pod's events",
    )


def _missing(w: Workload, up: str, origin: Value) -> Value:
    """Of what may have no server while nobody asks: none although requests wait in the picker."""
    none, queue = f"absent({up} == 1)", waiting(w) if w.to_zero else None
    if queue is None:
        return derive("no server answers", none, origin)
    asked = f"sum({promql.select(queue, promql.job(picker_name(w)))}) > 0"
    return derive("requests wait and no server answers", f"{asked} and on() {none}", origin, _at_picker(w, queue), w.scale("min"))


# -- how much of it is used --------------------------------------------------------------------------------------------


def _load(w: Workload) -> Iterator[Row]:
    own = promql.job(w.name)
    if (queue := series(w, "queue-depth")) is not None:
        most = limit(w, "alerts", "queue")
        yield of_workload(
            w,
            "Queue",
            WARNING,
            wait(w),
            derived(w, queue, f"avg({promql.select(queue, own)}) > {most.v}", most),
            text(f"{w.name}: more than {{}} requests wait at each replica", most),
            "replicas at scale.max, or new ones that get no node",
        )
    if (cache := series(w, "kv-cache-usage")) is not None:
        most = limit(w, "alerts", "kvCache")
        yield of_workload(
            w,
            "KvCache",
            WARNING,
            wait(w),
            derived(w, cache, f"avg({promql.select(cache, own)}) > {promql.number(Fraction(int(most.v), 100))}", most),
            text(f"{w.name}: more than {{}} % of the KV cache is in use", most),
            "longer prompts than planned: inferspec fit says how many requests have room at once",
        )
    running, tokens = series(w, "running"), series(w, "generation-tokens")
    if running is not None and tokens is not None:
        made = f"sum({promql.rate(promql.select(tokens, own), '10m')})"
        yield of_workload(
            w,
            "Stalled",
            CRITICAL,
            wait(w),
            derived(w, running, f"sum({promql.select(running, own)}) > 0 and {made} == 0", Value(tokens.series, FromCatalogue(_rows(w)))),
            f"{w.name}: requests run, and no token has come for ten minutes",
            "the log of the server: a device or a collective operation that hangs",
        )


def _rows(w: Workload) -> str:
    return f"engines.{w.engine.id}.metrics"


# -- the way to it -----------------------------------------------------------------------------------------------------


def _pool(w: Workload) -> Iterator[Row]:
    yield from _picker(w)
    if (queue := waiting(w)) is not None:
        yield _held(w, queue)


def _held(w: Workload, queue: Metric) -> Row:
    """With flow control what waits too long waits here; no server up counts as one."""
    most, (up, origin) = limit(w, "alerts", "queue"), _up(w, w.name)
    servers = f"clamp_min(count({up} == 1) or vector(0), 1)"
    return of_workload(
        w,
        "PickerQueue",
        WARNING,
        wait(w),
        derive(
            "requests in the picker for each server that answers",
            f"sum({promql.select(queue, promql.job(picker_name(w)))}) / {servers} > {most.v}",
            _at_picker(w, queue),
            origin,
            most,
        ),
        text(f"{w.name}: more than {{}} requests for each server wait in the picker", most),
        "replicas at scale.max, new ones that get no node, or a picker that takes its servers for full",
    )


def _at_picker(w: Workload, metric: Metric) -> Value:
    return Value(metric.series, FromCatalogue(f"stacks.{w.stack.id}.metrics.{metric.id}"))


def _picker(w: Workload) -> Iterator[Row]:
    job = picker_name(w)
    up, origin = _up(w, job)
    yield of_workload(
        w,
        "PickerDown",
        CRITICAL,
        wait(w, urgent=True),
        derive("no picker answers", f"absent({up} == 1)", origin),
        f"{w.name}: no endpoint picker answers, so the gateway chooses no server",
        "the Pod of the picker: its rights, its configuration",
    )
    # Without servers on purpose the pool is empty; ServersMissing speaks where requests wait.
    if not w.to_zero and (ready := pool_series(w, "ready")) is not None:
        yield of_workload(
            w,
            "PoolEmpty",
            CRITICAL,
            wait(w, urgent=True),
            derive(
                "endpoints that the picker sees",
                f"max({promql.select(ready, promql.job(job))}) < 1",
                _at_picker(w, ready),
            ),
            f"{w.name}: the pool has no ready endpoint",
            "the servers (ServersMissing, ServerNotReady), then the labels that the pool selects",
        )
