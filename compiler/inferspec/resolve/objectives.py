"""What is watched of a workload: the series its engine has in that version, limits, and the bucket that a latency objective falls on."""

from __future__ import annotations

from fractions import Fraction

from ..catalog.engines import Metric
from ..model.watching import latency
from ..values import SpecAt, Value
from .picker_config import FLOW_CONTROL, queueing
from .workload import Workload

NEEDS = {"ttft": ("ttft",), "itl": ("itl",), "availability": ("errors", "responses")}
"""Key of ``slo`` -> ids of the engine's metrics that it is judged by."""
AT_PICKER = {"ntpot": ("tpot",)}
"""The same of those that the endpoint picker judges: it sees a request from end to end."""

LATENCIES = {"ttft": "ttft", "itl": "itl", "tpot": "itl"}
"""Id of a metric -> key of ``slo`` that limits it."""


def series(workload: Workload, id: str) -> Metric | None:
    """The series of that version; None where the engine has none, or none that a source confirms."""
    found = workload.engine.metric(id, str(workload.engine_version.v)) if workload.engine.metrics_path else None
    return found if found is not None and not found.unverified else None


def pool_series(workload: Workload, id: str) -> Metric | None:
    """A series of the stack's picker; None where the release has none, or exports it with a feature gate that is not open."""
    row = workload.stack.metrics.get(id)
    if row is None or (row.get("gate") == FLOW_CONTROL and queueing(workload) is None):
        return None
    return Metric(id=id, series=row["series"], type=row["type"])


def judged_by(workload: Workload, key: str) -> dict[str, Metric | None]:
    """The metrics that a key of ``slo`` needs, by id; None for what nothing shows. Only a pool has a picker."""
    if key in AT_PICKER:
        return {id: pool_series(workload, id) if workload.pooled else None for id in AT_PICKER[key]}
    return {id: series(workload, id) for id in NEEDS[key]}


def limit(workload: Workload, block: str, key: str, default: str = "") -> Value:
    """A figure of ``slo`` or ``alerts``: the service's own, else the catalogue's."""
    said = getattr(getattr(workload.service, block), {"kvCache": "kv_cache"}.get(key, key))
    if said is None:
        return workload.default(default or f"alerts.{key}")
    # Objects hold no floats.
    return Value(str(said) if isinstance(said, float) else said, SpecAt(("serving", workload.service_name, block, key)))


def seconds(value: Value) -> Fraction:
    return latency(str(value.v))


def bounds(workload: Workload, metric: Metric) -> tuple[Fraction, ...]:
    """Bucket boundaries in seconds; none where the catalogue does not know them, or a flag replaces them."""
    if metric.buckets_flag and workload.flag(metric.buckets_flag) is not None:
        return ()
    return tuple(Fraction(str(bound)) for bound in metric.boundaries(str(workload.engine_version.v)))


def promised(workload: Workload, key: str) -> bool:
    """Whether the service has the objective and the engine shows it: a latency on one of its bucket boundaries."""
    said = getattr(workload.service.slo, key)
    found = judged_by(workload, key).values()
    if said is None or None in found:
        return False
    return key == "availability" or any(latency(said) in bounds(workload, m) for m in found if m is not None)
