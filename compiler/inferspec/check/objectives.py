"""Objectives that can be watched, and dashboards that have something to show."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from ..diagnostics import Diagnostic, Severity, SpecPath
from ..resolve.fallback import LABELS, tolerated
from ..resolve.objectives import AT_PICKER, NEEDS, bounds, judged_by, seconds
from ..resolve.workload import Workload
from ..values import SpecAt, Value
from .context import Context


def objectives(context: Context) -> Iterator[Diagnostic]:
    seen: set[tuple[str, SpecPath]] = set()
    for w in context.workloads():
        if w.key.prefill:
            continue
        for key in (*NEEDS, *AT_PICKER):
            for found in _judged(context, w, key):
                if (found.code, found.path) not in seen:
                    seen.add((found.code, found.path))
                    yield found


def fallbacks(context: Context) -> Iterator[Diagnostic]:
    """Nodes that nothing tells apart cannot be counted apart."""
    told: set[str] = set()
    for w in context.workloads():
        said = w.service.alerts.fallback
        if said is None or w.capacity_name in told or tolerated(w) is not None:
            continue
        told.add(w.capacity_name)
        kinds = list(dict.fromkeys(source.kind for source in (*w.capacity.baseline, *w.capacity.burst)))
        if not w.engine.metrics_path:
            why = f"{w.engine.id} shows no metrics by which its servers could be counted"
        elif len(kinds) == 1:
            why = f"class {w.capacity_name} has {kinds[0]} alone"
        else:
            why = f"no label tells nodes of {' and '.join(kinds)} apart"
        yield context.finding(
            "OBS108",
            f"{w.name}: no alert on capacity from a fallback: {why}",
            ("serving", w.service_name, "alerts", "fallback"),
            related=(context.span(("capacityClasses", w.capacity_name), "its class", key=True),),
            notes=(f"nodes of {' and '.join(LABELS)} have a label",),
            help="leave fallback out",
        )


def dashboards(context: Context) -> Iterator[Diagnostic]:
    """A service whose engine shows nothing has no dashboard and no part in the fleet's."""
    if not context.platform.observability.dashboards:
        return
    watched: dict[str, set[str]] = {}
    for w in context.workloads():
        watched.setdefault(w.service_name, set()).update({w.engine.id} if w.engine.metrics_path else ())
    if unseen := [service for service, engines in watched.items() if not engines]:
        yield context.finding(
            "OBS104",
            f"no dashboard for {', '.join(unseen)}: nothing is known of metrics there",
            ("observability", "dashboards"),
            key=True,
            severity=Severity.INFO,
            help="an engine whose metrics the catalogue has; for a container of your own, container.metrics",
        )


def _judged(context: Context, w: Workload, key: str) -> Iterator[Diagnostic]:
    said = getattr(w.service.slo, key)
    if said is None:
        return
    at: SpecPath = ("serving", w.service_name, "slo", key)
    version = w.stack.id if key in AT_PICKER else f"{w.engine.id} {w.engine_version.v}".rstrip()
    found = judged_by(w, key)
    lacking = [id for id, metric in found.items() if metric is None]
    if lacking:
        yield context.finding(
            "OBS101",
            f"{w.name}: {version} shows nothing that slo.{key} could be judged by",
            at,
            notes=(_nowhere(w, key, lacking),),
            help=f"leave {key} out, or take {'a stack' if key in AT_PICKER else 'an engine version'} that has it",
        )
        return
    metric = next(iter(found.values()))
    if key == "availability" or metric is None:
        return
    limits, most = bounds(w, metric), seconds(Value(said, SpecAt(at)))
    if not limits:
        yield context.finding(
            "OBS103",
            f"{w.name}: bucket boundaries of {metric.series} are not known for {version}; slo.{key} gets an estimate",
            at,
            severity=Severity.INFO,
            notes=("the alert is a quantile between two buckets; how fast the error budget burns is not told",),
            help=f"an engine version whose boundaries the catalogue has, such as vllm {metric.buckets_since}"
            if metric.buckets_since
            else "boundaries in a catalog/ of your own: metrics, buckets",
        )
    elif most not in limits:
        near = [b for b in (max((b for b in limits if b < most), default=None), min((b for b in limits if b > most), default=None)) if b]
        yield context.finding(
            "OBS102",
            f"{w.name}: slo.{key} {said} stands between two buckets of {metric.series}",
            at,
            notes=(f"{version} counts what took at most {', '.join(_shown(b) for b in limits)}",),
            help=" or ".join(f"{key}: {_shown(b)}" for b in near),
        )


def _nowhere(w: Workload, key: str, lacking: list[str]) -> str:
    if key not in AT_PICKER:
        return f"the catalogue confirms no series {' and '.join(lacking)} of that version"
    if w.pooled:
        return "its endpoint picker shows no such series"
    return f"an endpoint picker judges it: {'none reads ' + w.engine.id if w.service.expose else 'the service is not exposed'}"


def _shown(bound: Fraction) -> str:
    return f"{float(bound):g}s" if bound >= 1 and bound.denominator == 1 else f"{float(bound * 1000):g}ms"
