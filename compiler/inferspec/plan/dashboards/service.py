"""The dashboard of one service: its servers, how fast they answer, what goes through them, and its endpoint pickers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction

from ...catalog.engines import Metric
from ...model.watching import latency
from ...resolve.fleet import Fleet
from ...resolve.objectives import LATENCIES, limit, pool_series, series
from ...resolve.workload import Workload
from ...values import SpecAt
from ..views import promql
from ..views.picker import picker_name
from .panels import COUNT, RATE, SECONDS, SHARE, Dashboard, Line, Panel, Query, sections, watched

WINDOW = "5m"


def of_service(fleet: Fleet, service: str) -> Dashboard | None:
    """None where no engine of the service shows anything."""
    found = watched(fleet, service)
    if not found:
        return None
    fronts = [w for w in found if not w.key.prefill]
    pools = [w for w in fronts if w.pooled]
    return Dashboard(
        service,
        fleet.platform.name,
        f"{fleet.platform.name}: {service}",
        sections(
            ("Servers", _servers(found)),
            ("Latency", _latencies(fronts)),
            ("Traffic", _traffic(found, fronts)),
            ("Endpoint pickers", _pickers(pools)),
        ),
    )


def _where(w: Workload, job: str) -> promql.Matchers:
    """The name of a job is unique in its namespace alone."""
    return (*promql.job(job), promql.matcher("namespace", w.namespace))


def _of(workloads: list[Workload], id: str, expr: Callable[[Metric, promql.Matchers], str]) -> tuple[Query, ...]:
    """A query for each workload whose engine has the series."""
    found = [(w, metric) for w in workloads if (metric := series(w, id)) is not None]
    return tuple(Query(expr(metric, _where(w, w.name)), f"{w.name} {{cluster}}") for w, metric in found)


def _by_cluster(function: str) -> Callable[[Metric, promql.Matchers], str]:
    return lambda metric, where: f"{function} by (cluster) ({promql.select(metric, where)})"


def _per_second(metric: Metric, where: promql.Matchers) -> str:
    return f"sum by (cluster) ({promql.rate(promql.select(metric, where), WINDOW)})"


def _limit(w: Workload, block: str, key: str, read: Callable[[str], Fraction]) -> Line:
    """What the spec says, or the figure that alerts go by without it."""
    value = limit(w, block, key)
    name = f"{block}.{key}" if isinstance(value.origin, SpecAt) else f"alerts.{key}"
    return Line(f"{name}: {value.v}", read(str(value.v)))


def _percent(text: str) -> Fraction:
    return Fraction(text) / 100


def _servers(found: list[Workload]) -> list[Panel]:
    queue, cache = _limit(found[0], "alerts", "queue", Fraction), _limit(found[0], "alerts", "kvCache", _percent)
    up = tuple(Query(f"sum by (cluster) ({promql.up(x.stack, _where(x, x.name))})", f"{x.name} {{cluster}}") for x in found)
    return [
        Panel("Servers up", COUNT, up),
        Panel("Requests running", COUNT, _of(found, "running", _by_cluster("sum"))),
        Panel("Requests waiting at each replica", COUNT, _of(found, "queue-depth", _by_cluster("avg")), queue),
        Panel("KV cache in use", SHARE, _of(found, "kv-cache-usage", _by_cluster("avg")), cache),
    ]


TITLES = {"ttft": "Time to first token", "itl": "Time from token to token", "tpot": "Time for each output token"}


def _latencies(fronts: list[Workload]) -> list[Panel]:
    return [Panel(TITLES[id], SECONDS, _quantiles(fronts, id), _limit(fronts[0], "slo", key, latency)) for id, key in LATENCIES.items()]


def _quantiles(workloads: list[Workload], id: str, *, at_picker: bool = False) -> tuple[Query, ...]:
    """The median, the share that the objective is for, and the slowest of a hundred."""
    found = []
    for w in workloads:
        metric = pool_series(w, id) if at_picker else series(w, id)
        if metric is None or not metric.timed:
            continue
        where = _where(w, picker_name(w) if at_picker else w.name)
        for percent in sorted({50, int(limit(w, "slo", "share").v), 99}):
            found.append(Query(promql.quantile(metric, where, percent, ["cluster"]), f"p{percent} {w.name} {{cluster}}"))
    return tuple(found)


def _traffic(found: list[Workload], fronts: list[Workload]) -> list[Panel]:
    return [
        Panel("Requests ended", RATE, _of(fronts, "requests", _per_second)),
        Panel("Prompt tokens", RATE, _of(found, "prompt-tokens", _per_second)),
        Panel("Generated tokens", RATE, _of(fronts, "generation-tokens", _per_second)),
        *_errors(fronts),
    ]


def _errors(fronts: list[Workload]) -> Iterator[Panel]:
    queries = []
    for w in fronts:
        errors, responses = series(w, "errors"), series(w, "responses")
        if errors is not None and responses is not None:
            part, whole = promql.select(errors, _where(w, w.name)), promql.select(responses, _where(w, w.name))
            queries.append(Query(promql.share(part, whole, WINDOW, "cluster"), f"{w.name} {{cluster}}"))
    if not queries:
        return
    if fronts[0].service.slo.availability is None:
        line = _limit(fronts[0], "alerts", "errors", _percent)
    else:
        line = _limit(fronts[0], "slo", "availability", lambda text: 1 - _percent(text))
    yield Panel("Responses that are server errors", SHARE, tuple(queries), line)


POOL = {
    "ready": ("Endpoints that are ready", COUNT),
    "queue-depth": ("Average queue of the endpoints", COUNT),
    "kv-cache-usage": ("Average KV cache use of the endpoints", SHARE),
    "saturation": ("Saturation of the pool", SHARE),
    "flow-queue": ("Requests that wait in the picker", COUNT),
}
ADDED = ("flow-queue",)
"""What has a series for each priority and caller; of the others a picker shows one."""


def _pickers(pools: list[Workload]) -> list[Panel]:
    """What a picker shows is about its whole pool, so replicas of it are never added."""
    panels = []
    for id, (title, unit) in POOL.items():
        held = [(w, metric) for w in pools if (metric := pool_series(w, id)) is not None]
        of = "sum" if id in ADDED else "max"
        queries = [Query(f"{of} by (cluster) ({promql.select(m, _where(w, picker_name(w)))})", f"{w.name} {{cluster}}") for w, m in held]
        panels.append(Panel(title, unit, tuple(queries)))
    goal = _limit(pools[0], "slo", "ntpot", latency) if pools and pools[0].service.slo.ntpot is not None else None
    ttft, ntpot = (_quantiles(pools, id, at_picker=True) for id in ("ttft", "tpot"))
    answers = "Time of a request for each token of its answer, at the gateway"
    return [*panels, Panel("Time to first token, at the gateway", SECONDS, ttft), Panel(answers, SECONDS, ntpot, goal)]
