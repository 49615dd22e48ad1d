"""Alerts of a model server and of its endpoint picker, as Rules of Managed Service for Prometheus.

The series of a Rules object are those of its namespace and cluster alone (GoogleCloudPlatform/prometheus-engine doc/api.md), and ``job`` is
the name of the PodMonitoring that reads them. Names of series come from the engine's file and the stack's; docs/runbooks.md has a section
for every alert.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from ...catalog.engines import Metric
from ...resolve.objectives import LATENCIES, limit, pool_series, promised, seconds, series
from ...resolve.workload import Workload
from ...values import Catalogue as FromCatalogue
from ...values import Value, derive, text
from ..row import Drawn, Row, labels
from . import promql
from .alert_row import CRITICAL, WARNING, alert
from .picker import picker_name


def alerts(workload: Workload) -> list[Drawn]:
    """One Rules object: what can be seen of this engine in this version."""
    w = workload
    name = f"{w.name}-alerts"
    found = [*_servers(w), *_load(w)]
    if not w.key.prefill:
        found += [*_latencies(w), *_errors(w), *_budgets(w)]
        if w.service.expose:
            found += _pool(w)
    interval = text("{}s", w.default("alerts.interval"))
    return [
        ("rules", Row(name=name, namespace=w.namespace, labels=labels(w.platform.name, name, "alerts"), interval=interval, alerts=found))
    ]


def _alert(w: Workload, name: str, severity: str, wait: Value, expr: Value, summary: Value | str, first: str) -> Row:
    return alert(name, severity, wait, expr, summary, first, service=w.service_name, workload=w.name)


def _wait(w: Workload, *, urgent: bool = False) -> Value:
    return w.default("alerts.urgentWait" if urgent else "alerts.wait")


def _of(w: Workload, metric: Metric, expr: str, *figures: Value) -> Value:
    """An expression whose origin is the row of the series and the figures in it."""
    return derive(f"{metric.id} of {w.engine.id}", expr, Value(metric.series, FromCatalogue(f"engines.{w.engine.id}.metrics")), *figures)


def _up(w: Workload, job: str) -> tuple[str, Value]:
    row = "up"
    name = w.stack.collector_metrics[row]["series"]
    return promql.up(w.stack, promql.job(job)), Value(name, FromCatalogue(f"stacks.{w.stack.id}.collectorMetrics.{row}"))


# -- is it there -------------------------------------------------------------------------------------------------------


def _servers(w: Workload) -> Iterator[Row]:
    up, origin = _up(w, w.name)
    budget, node = w.pod.startup_seconds, w.default("load.nodeSeconds")
    spare = _wait(w, urgent=True)
    ready = derive("start-up budget + time that a Pod may take to be replaced", int(budget.v) + int(spare.v), budget, spare)
    yield _alert(
        w,
        "ServerNotReady",
        CRITICAL,
        ready,
        derive("servers that do not answer", f"{up} == 0", origin),
        f"{w.name}: server {{{{ $labels.pod }}}} runs and does not answer, for longer than it may take to start",
        "its log: a crash loop, weights that do not come, a model that does not fit",
    )
    most = w.default("alerts.restarts")
    yield _alert(
        w,
        "ServerRestarts",
        WARNING,
        _wait(w, urgent=True),
        derive("servers that come and go", f"changes({up}[1h]) >= {most.v}", origin, most),
        f"{w.name}: server {{{{ $labels.pod }}}} came and went twice within an hour",
        "why its container ended: out of memory, a failed liveness probe, a lost device",
    )
    arrive = derive("start-up budget + time to get a node", int(budget.v) + int(node.v), budget, node)
    yield _alert(
        w,
        "ServersMissing",
        CRITICAL,
        arrive,
        derive("no server answers", f"absent({up} == 1)", origin),
        f"{w.name}: no server answers, for longer than a new node and a start may take",
        "Pods that are pending: capacity of every source of the class, quota, the Pod's events",
    )


# -- how much of it is used --------------------------------------------------------------------------------------------


def _load(w: Workload) -> Iterator[Row]:
    own = promql.job(w.name)
    if (queue := series(w, "queue-depth")) is not None:
        most = limit(w, "alerts", "queue")
        yield _alert(
            w,
            "Queue",
            WARNING,
            _wait(w),
            _of(w, queue, f"avg({promql.select(queue, own)}) > {most.v}", most),
            text(f"{w.name}: more than {{}} requests wait at each replica", most),
            "replicas at scale.max, or new ones that get no node",
        )
    if (cache := series(w, "kv-cache-usage")) is not None:
        most = limit(w, "alerts", "kvCache")
        yield _alert(
            w,
            "KvCache",
            WARNING,
            _wait(w),
            _of(w, cache, f"avg({promql.select(cache, own)}) > {promql.number(Fraction(int(most.v), 100))}", most),
            text(f"{w.name}: more than {{}} % of the KV cache is in use", most),
            "longer prompts than planned: inferspec fit says how many requests have room at once",
        )
    running, tokens = series(w, "running"), series(w, "generation-tokens")
    if running is not None and tokens is not None:
        made = f"sum({promql.rate(promql.select(tokens, own), '10m')})"
        yield _alert(
            w,
            "Stalled",
            CRITICAL,
            _wait(w),
            _of(w, running, f"sum({promql.select(running, own)}) > 0 and {made} == 0", Value(tokens.series, FromCatalogue(_rows(w)))),
            f"{w.name}: requests run, and no token has come for ten minutes",
            "the log of the server: a device or a collective operation that hangs",
        )


def _rows(w: Workload) -> str:
    return f"engines.{w.engine.id}.metrics"


# -- how fast it answers -----------------------------------------------------------------------------------------------

WORDS = {
    "ttft": ("TimeToFirstToken", "first tokens take", "the queue, then longer prompts than planned"),
    "itl": ("InterTokenLatency", "tokens take", "requests at once: max-num-seqs, prompts read between the tokens"),
    "tpot": ("TimePerOutputToken", "requests take, for each of their tokens,", "as InterTokenLatency, over whole requests"),
}
"""Alert, words, what to look at first."""


def _latencies(w: Workload) -> Iterator[Row]:
    share = limit(w, "slo", "share")
    for id, key in LATENCIES.items():
        metric, (name, words, first) = series(w, id), WORDS[id]
        if metric is None or not promql.timed(metric):
            continue
        most = limit(w, "slo", key)
        quantile = promql.quantile(metric, promql.job(w.name), int(share.v))
        yield _alert(
            w,
            name,
            WARNING,
            _wait(w),
            _of(w, metric, f"{quantile} > {promql.number(seconds(most))}", share, most),
            text(f"{w.name}: less than {{}} % of the {words} at most {{}} (estimate between two buckets)", share, most),
            first,
        )


def _errors(w: Workload) -> Iterator[Row]:
    errors, responses = series(w, "errors"), series(w, "responses")
    if errors is None or responses is None:
        return
    most = limit(w, "alerts", "errors")
    yield _alert(
        w,
        "Errors",
        CRITICAL,
        _wait(w, urgent=True),
        _of(w, errors, f"{_failed(w, errors, responses, '5m')} > {promql.number(Fraction(int(most.v), 100))}", most),
        text(f"{w.name}: more than {{}} % of the responses are server errors", most),
        "the log of the server at the first of them",
    )


# -- how fast the error budget goes ------------------------------------------------------------------------------------

WINDOWS = {"fast": ("5m", "1h", CRITICAL), "slow": ("30m", "6h", WARNING)}
"""Short window, long window, severity (Google SRE Workbook, "Alerting on SLOs", recommended windows)."""
BUDGETS = {"ttft": "TimeToFirstToken", "itl": "InterTokenLatency", "availability": "Availability"}


def _budgets(w: Workload) -> Iterator[Row]:
    factors = w.default("alerts.burn")
    for key, name in BUDGETS.items():
        if not promised(w, key):
            continue
        goal = limit(w, "slo", key if key == "availability" else "share")
        budget = 1 - Fraction(str(goal.v)) / 100
        figures = [goal] if key == "availability" else [goal, limit(w, "slo", key)]
        for speed, (short, long, severity) in WINDOWS.items():
            pace = w.catalogue.default("alerts.burn")[speed]
            most = promql.number(Fraction(str(pace)) * budget)
            metric, bad = _bad(w, key)
            yield _alert(
                w,
                f"{name}Budget{speed.title()}",
                severity,
                w.default("alerts.burnWait"),
                _of(w, metric, f"{bad(short)} > {most} and {bad(long)} > {most}", *figures, Value("", factors.origin)),
                text(f"{w.name}: the error budget of {key} ({{}} %) burns {pace} times as fast as it may", goal),
                f"what changed within the last {long}: a version, the load, the capacity",
            )


def _bad(w: Workload, key: str) -> tuple[Metric, Any]:
    """The metric, and what a window's share of requests beyond the objective is, from 0 to 1."""
    if key == "availability":
        errors, responses = series(w, "errors"), series(w, "responses")
        assert errors is not None and responses is not None, "promised says so"
        return errors, lambda window: _failed(w, errors, responses, window)
    metric = series(w, key)
    assert metric is not None, "promised says so"
    most = promql.number(seconds(limit(w, "slo", key)))
    # Whole seconds are "2" or "2.0", as the library of the engine writes them.
    le = f'le="{most}"' if "." in most else f'le=~"{most}([.]0)?"'
    own = promql.job(w.name)
    good, all_ = promql.select(metric, own, "_bucket", le), promql.select(metric, own, "_count")
    return metric, lambda window: f"(1 - {promql.share(good, all_, window)})"


def _failed(w: Workload, errors: Metric, responses: Metric, window: str) -> str:
    own = promql.job(w.name)
    return f"({promql.share(promql.select(errors, own), promql.select(responses, own), window)})"


# -- the way to it -----------------------------------------------------------------------------------------------------


def _pool(w: Workload) -> Iterator[Row]:
    job = picker_name(w)
    up, origin = _up(w, job)
    yield _alert(
        w,
        "PickerDown",
        CRITICAL,
        _wait(w, urgent=True),
        derive("no picker answers", f"absent({up} == 1)", origin),
        f"{w.name}: no endpoint picker answers, so the gateway chooses no server",
        "the Pod of the picker: its rights, its configuration",
    )
    if (ready := pool_series(w, "ready")) is not None:
        yield _alert(
            w,
            "PoolEmpty",
            CRITICAL,
            _wait(w, urgent=True),
            derive(
                "endpoints that the picker sees",
                f"max({promql.select(ready, promql.job(job))}) < 1",
                Value(ready.series, FromCatalogue(f"stacks.{w.stack.id}.metrics.ready")),
            ),
            f"{w.name}: the pool has no ready endpoint",
            "the servers (ServersMissing, ServerNotReady), then the labels that the pool selects",
        )
