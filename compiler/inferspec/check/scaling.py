"""Replicas and the chain that moves them: engine metric -> PodMonitoring -> adapter -> autoscaler."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..diagnostics import Diagnostic
from ..resolve.places import Place
from .context import Context, clusters, place_of


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
        elif int(low.v) == 0:
            yield context.finding(
                "SCL102",
                f"{w.name}: a HorizontalPodAutoscaler cannot go to zero replicas",
                at,
                notes=("the API server takes minReplicas 0 only behind an alpha gate; scale to zero by KEDA is not emitted yet",),
                help="min: 1",
            )


def chain(context: Context) -> Iterator[Diagnostic]:
    """Every link of the chain is there: a series in that version, and an adapter in that cluster."""
    lacking: dict[str, list[Place]] = {}
    for _, w, places in context.cohorts:
        metric = str(w.scale("metric").v)
        asked = w.settings.get("scale.metric")
        if w.engine.workload == "ray-service" and asked is not None and metric != "running":
            yield context.finding(
                "SCL105",
                f"{w.name}: Ray moves its replicas by requests at once, not by {metric}",
                place_of(asked, (*w.path, "scale")),
                help="metric: running, with the requests a replica is to have as target",
            )
        if w.autoscaled and w.engine.metric(metric, str(w.engine_version.v)) is None:
            known = [m.id for m in w.engine.metrics if m.type == "gauge" and m.exists_in(str(w.engine_version.v))]
            yield context.finding(
                "SCL103",
                f"{w.engine.id} {w.engine_version.v} exports no {metric}",
                place_of(w.scale("metric"), (*w.path, "scale")),
                help=f"gauges of that version: {', '.join(known) or 'none'}",
            )
        if w.autoscaled:
            without = [p for p in places if "custom-metrics-adapter" not in p.cluster.addons]
            if without:
                lacking.setdefault(w.service_name, []).extend(without)
    for service, places in lacking.items():
        yield context.finding(
            "SCL104",
            f"{service} scales on a metric, and {clusters(places)} has no custom metrics adapter",
            ("serving", service, "scale"),
            related=(context.span((*places[0].path, "addons"), "add-ons of the cluster", key=True),),
            notes=("the HorizontalPodAutoscaler would read <unknown> and never move",),
            help="install the adapter and write 'custom-metrics-adapter' under the cluster's addons",
        )
