"""Replicas and the chain that moves them: engine metric -> PodMonitoring -> adapter -> autoscaler, or KEDA in place of the last two."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..catalog.engines import Metric
from ..diagnostics import Diagnostic, Severity, SpecPath
from ..nearest import nearest
from ..resolve.places import Place
from ..resolve.scaling import ADDON, HPA, KEDA, READS, by, moved_by, named, readable, target, usable, waiting
from ..resolve.workload import Workload
from .context import Context, agreeing, place_of


def bounds(context: Context) -> Iterator[Diagnostic]:
    seen: set[tuple[Any, ...]] = set()
    for w in context.workloads():
        low, high = w.scale("min"), w.scale("max")
        at = place_of(low, (*w.path, "scale"))
        if (at, low.v, high.v) in seen:
            continue
        seen.add((at, low.v, high.v))
        if int(low.v) > int(high.v):
            yield context.finding(
                "SCL101",
                f"{w.name}: at least {low.v} replicas and at most {high.v}",
                at,
                related=(context.span(place_of(high, (*w.path, "scale")), "the most"),),
                help=f"min: at most {high.v}, or max: at least {low.v}",
            )
        elif w.to_zero and (by(w) != KEDA or w.engine.workload != "deployment"):
            yield _by_nobody(context, w, at)


def _by_nobody(context: Context, w: Workload, at: Any) -> Diagnostic:
    if w.engine.workload != "deployment":
        return context.finding("SCL102", f"{w.name}: Ray keeps a replica, and its head, whether or not anybody asks", at, help="min: 1")
    return context.finding(
        "SCL102",
        f"{w.name}: a HorizontalPodAutoscaler cannot go to zero replicas",
        at,
        notes=("the API server takes minReplicas 0 only behind the alpha gate HPAScaleToZero",),
        help="scale: {by: keda}, behind a picker with flowControl; or min: 1",
    )


def chain(context: Context) -> Iterator[Diagnostic]:
    """Every link of the chain is there: a series in that version that can be read, and who reads it in that cluster."""
    lacking: dict[tuple[str, str], list[Place]] = {}
    told: set[Any] = set()
    for _, w, places in context.cohorts:
        if w.engine.workload == "ray-service":
            yield from _of_ray(context, w)
        if not w.autoscaled:
            continue
        for finding in _metric(context, w):
            once = (finding.code, finding.path, finding.message)
            if once not in told:
                told.add(once)
                yield finding
        if without := [p for p in places if ADDON[by(w)] not in p.cluster.provided]:
            lacking.setdefault((w.service_name, by(w)), []).extend(without)
    for (service, who), without in lacking.items():
        yield _unread(context, service, who, without)


def _of_ray(context: Context, w: Workload) -> Iterator[Diagnostic]:
    for key, usual, help in (
        ("metric", "running", "metric: running, with the requests a replica is to have as target"),
        ("by", HPA, "leave by out"),
    ):
        asked = w.settings.get(f"scale.{key}")
        if asked is not None and asked.v != usual:
            said = f"{w.name}: Ray moves its replicas by requests at once, not by {asked.v}"
            yield context.finding("SCL105", said, place_of(asked, (*w.path, "scale")), help=help)


_OWN = "scale: {metric: {series: NAME, type: gauge}, target: N}, a series that the container exports; or {min: N, max: N}"
_UNMEASURED = "scale: {min: N, max: N}, since it exports no metric that replicas could follow"


def _metric(context: Context, w: Workload) -> Iterator[Diagnostic]:
    """The series is there, who moves the replicas can read it, and the target is in its unit."""
    who, said, metric = by(w), w.scale("metric"), moved_by(w)
    at = place_of(said, (*w.path, "scale"))
    able, name = usable(w, who), named(w)
    if metric is None and w.own_metric is not None:
        yield _unseen(context, w, w.own_metric, at)
    elif metric is None:
        near = nearest(name, able)
        meant = f"did you mean '{near[0]}'? " if near else ""
        unmeasured = _UNMEASURED if w.service.container is None else _OWN
        yield context.finding(
            "SCL103",
            f"{f'{w.engine.id} {w.engine_version.v}'.strip()} exports no {name}",
            at,
            help=(meant + f"with by: {who} that version has: {', '.join(able)}") if able else unmeasured,
        )
    elif not readable(metric, who):
        others = [other for other in READS if readable(metric, other)]
        reason = (
            "the custom metrics adapter reads numbers, and a histogram is a distribution of Cloud Monitoring"
            if others
            else "its value says nothing of the load"
        )
        yield context.finding(
            "SCL106",
            f"{w.name}: {name} ({'' if name == metric.series else metric.series + ', '}a {metric.type}) moves no replicas by {who}",
            at,
            notes=(reason,),
            help=" or ".join([*([f"by: {others[0]}"] if others else []), f"one of {', '.join(able)}" if able else _UNMEASURED]),
        )
    else:
        if w.own_metric is not None:
            yield _unproven(context, w, metric, at)
        yield from _target(context, w, timed=metric.timed)


def _unseen(context: Context, w: Workload, metric: Metric, at: SpecPath) -> Diagnostic:
    return context.finding(
        "SCL114",
        f"{w.name}: nothing is known of a metrics page of {w.engine.id}, so nobody reads {metric.series}",
        at,
        help="for a container of your own, container.metrics; or an engine whose page the catalogue has",
    )


def _unproven(context: Context, w: Workload, metric: Metric, at: SpecPath) -> Diagnostic:
    """Neither whether it is there nor what it counts is known of a series that the spec names itself."""
    known = next((m.id for m in w.engine.metrics if m.series == metric.series and m.exists_in(str(w.engine_version.v))), "")
    if known:
        told = f"{w.name}: the catalogue has {metric.series} as {known}"
        return context.finding("SCL114", told, at, severity=Severity.INFO, help=f"metric: {known}")
    port = w.engine.metrics_port or w.engine_port
    return context.finding(
        "SCL114",
        f"{w.name}: no row of the catalogue has {metric.series}, a {metric.type}",
        at,
        severity=Severity.INFO,
        notes=(f"whether {w.engine.id} shows it on port {port} at {w.engine.metrics_path}, and what it counts, nobody has checked",),
        help=f"look for {metric.series} on that page of a running server",
    )


def _target(context: Context, w: Workload, *, timed: bool) -> Iterator[Diagnostic]:
    said, wanted = named(w), target(w)
    if wanted is None:
        told = f"{w.name}: {said} has no usual target: how much of it a replica bears depends on model and machine"
        help = "scale: {target: 2s}" if timed else "scale: {target: N}, from a load test"
        yield context.finding("SCL107", told, place_of(w.scale("metric"), (*w.path, "scale")), help=help)
    elif isinstance(wanted.v, str) != timed:
        told = f"{w.name}: the target of {said} is {'a time' if timed else 'a number'}, not {wanted.v}"
        yield context.finding("SCL107", told, place_of(wanted, (*w.path, "scale")), help="target: 2s" if timed else "target: 5")


def _unread(context: Context, service: str, who: str, without: list[Place]) -> Diagnostic:
    what, then = {
        HPA: ("custom metrics adapter", "the HorizontalPodAutoscaler would read <unknown> and never move"),
        KEDA: ("KEDA", "nothing would read the ScaledObject: the API server does not know its kind"),
    }[who]
    return context.finding(
        "SCL104",
        f"{service} scales on a metric, and {agreeing(without, 'has', 'have')} no {what}",
        ("serving", service, "scale"),
        related=(context.span((*without[0].path, "addons"), "add-ons of the cluster", key=True),),
        notes=(then,),
        help=f"install: [{ADDON[HPA]}] at the cluster, or write it under addons where it stands"
        if who == HPA
        else f"install it and write '{ADDON[who]}' under the cluster's addons",
    )


FULL = {"queue-depth": ("queue_depth", "queueDepth", 5), "kv-cache-usage": ("kv_cache", "kvCache", 80)}
"""Metric -> key of ``picker.saturation``, and where the picker takes a server for full without it (gateway-api-inference-extension v1.5.0
and llm-d-router v0.10.0, utilization-detector)."""


def held(context: Context) -> Iterator[Diagnostic]:
    """With flow control the picker keeps requests once its servers are full: what the servers show then no longer grows."""
    told: set[Any] = set()
    for w in context.workloads():
        picker, said = w.service.picker, FULL.get(str(w.scale("metric").v))
        if picker is None or picker.flow_control is None or said is None or not w.autoscaled or not w.pooled:
            continue
        if by(w) == KEDA and waiting(w) is not None:
            continue  # the trigger on the picker's queue sees them
        attribute, key, otherwise = said
        own = getattr(picker.saturation, attribute, None)
        full, wanted = own if own is not None else otherwise, target(w)
        if wanted is None or not isinstance(wanted.v, int) or wanted.v < full:
            continue
        at = place_of(wanted, ("serving", w.service_name, "picker", "flowControl"))
        if at in told:
            continue
        told.add(at)
        yield context.finding(
            "SCL111",
            f"{w.name} gets another replica above {w.scale('metric').v} {wanted.v}, and its picker sends no more requests at {full}",
            at,
            key=at[-1] == "flowControl",
            severity=Severity.WARNING,
            notes=("with flow control further requests wait in the picker, where the scaler does not see them",),
            help=f"scale: {{by: keda}}, which watches the picker's queue too; a target below {full}; "
            f"or picker: {{saturation: {{{key}: more than {wanted.v}}}}}",
        )
