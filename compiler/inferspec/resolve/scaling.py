"""What moves the replicas of a workload: a series of its engine that the metrics adapter or KEDA can read, and its target."""

from __future__ import annotations

from ..catalog.engines import Metric
from ..values import Default, Value
from .objectives import LATENCIES, limit, pool_series, series
from .workload import Workload

HPA, KEDA = "hpa", "keda"
READS = {HPA: ("gauge", "counter"), KEDA: ("gauge", "counter", "histogram")}
"""Types of series by who moves the replicas. The adapter asks Cloud Monitoring for numbers, of a counter for its rate over five minutes,
adds up the series of a Pod and refuses distributions (GoogleCloudPlatform/k8s-stackdriver custom-metrics-stackdriver-adapter
pkg/adapter/translator); KEDA asks in PromQL."""
ADDON = {HPA: "custom-metrics-adapter", KEDA: "keda"}
"""What the cluster must have."""
READER = {HPA: ("custom-metrics", "custom-metrics-stackdriver-adapter"), KEDA: ("keda", "keda-operator")}
"""Namespace and service account that ask for the series, as their own manifests have them."""
VIEWER = "roles/monitoring.viewer"
"""What they must be granted (KEDA documentation, "Prometheus"; custom-metrics-stackdriver-adapter, README)."""


def by(workload: Workload) -> str:
    return str(workload.scale("by").v)


def moved_by(workload: Workload) -> Metric | None:
    """The series in that version of the engine, or the spec's own; None where it has none."""
    if workload.own_metric is not None:
        return workload.own_metric if workload.engine.metrics_path else None
    return series(workload, str(workload.scale("metric").v))


def named(workload: Workload) -> str:
    """The id of the metric, or the name of the spec's own series."""
    own = workload.own_metric
    return str(workload.scale("metric").v) if own is None else own.series


def readable(metric: Metric, by: str) -> bool:
    """Whether its value can say how many replicas are needed; ``_info`` is the Prometheus convention for labels without a value."""
    return metric.type in READS[by] and (metric.timed or metric.type != "histogram") and not metric.series.endswith("_info")


def usable(workload: Workload, by: str) -> list[str]:
    """Ids that the engine's version exports and ``by`` can read."""
    known = [series(workload, id) for id in dict.fromkeys(m.id for m in workload.engine.metrics)]
    return [m.id for m in known if m is not None and readable(m, by)]


def target(workload: Workload) -> Value | None:
    """Wanted value a replica: as asked, the metric's own default, of a latency the service's objective; None where nobody can say."""
    asked = workload.settings.get("scale.target")
    if asked is not None:
        return asked
    id, planned = str(workload.scale("metric").v), workload.catalogue.default("scale.target")
    if id in planned:
        return Value(planned[id], Default("scale.target"))
    return limit(workload, "slo", LATENCIES[id]) if id in LATENCIES else None


def waiting(workload: Workload) -> Metric | None:
    """Requests that wait in the workload's own picker: all there is to see while it has no server. A picker that leads to halves
    needs one of each."""
    return pool_series(workload, "flow-queue") if workload.pooled and not workload.half else None
