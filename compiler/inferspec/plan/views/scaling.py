"""What moves the replicas of a server: a HorizontalPodAutoscaler on the metrics adapter, or KEDA's ScaledObject on Managed Prometheus.

The adapter reads the series of each Pod of its own cluster. KEDA asks Managed Prometheus in PromQL, which answers for a whole project:
its expressions name the cluster, so they are facts of it.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

from ...catalog.engines import Metric
from ...model.base import seconds
from ...quantity import binary, parse
from ...resolve.fleet import Fleet
from ...resolve.images import placeholder_image
from ...resolve.objectives import limit, series
from ...resolve.objectives import seconds as latency
from ...resolve.picker_config import queued
from ...resolve.places import Place
from ...resolve.scaling import KEDA, moved_by, named, target, waiting
from ...resolve.workload import Workload
from ...values import Catalogue as FromCatalogue
from ...values import Derived, Scalar, SpecAt, Value, cluster_fact, derive, text
from ..row import Drawn, Row, labels
from . import promql
from .picker import picker_name
from .platform import PLACEHOLDER_PRIORITY
from .server import common, pod

LEADER_WORKER_SET = "leaderworkerset.x-k8s.io/v1"
WINDOW = "2m"
"""Of rates: eight scrapes, so that a missed one changes little and a burst is seen within minutes."""
SERVER = "https://monitoring.googleapis.com/v1/projects/{}/location/global/prometheus"
"""KEDA documentation, "Prometheus", Google Managed Service for Prometheus."""
PROMETHEUS = "prometheus"
"""The fact of a cluster that holds it."""


def autoscaler(workload: Workload) -> list[Drawn]:
    w = workload
    metric = _metric(w)
    name = f"prometheus.googleapis.com|{metric.series}|{metric.type}"
    of = "the spec" if w.own_metric is not None else w.engine.id
    read = f"{metric.id} of {of}, read by the custom metrics adapter"
    row = Row(
        **_common(w),
        metric=Value(name, Derived(read, (w.scale("metric"), w.engine_version))),
        target=_threshold(w, metric),
        metric_labels={f"metric.labels.{key}": value for key, value in metric.labels.items()} or None,
    )
    return [("horizontal-pod-autoscaler", row)]


def scaled_object(workload: Workload) -> list[Drawn]:
    """The ScaledObject, and who KEDA is when it asks: itself, by Workload Identity."""
    w = workload
    metric = _metric(w)
    made = [_trigger(w, "load", metric, _threshold(w, metric), "Value" if metric.type == "histogram" else "AverageValue")]
    if (queue := waiting(w)) is not None:
        made.append(_trigger(w, "waiting", queue, text("{}", w.default("scale.waiting"))))
        if w.to_zero:
            made.append(_trigger(w, "busy", _metric(w, "running"), Value("1", FromCatalogue(_rows(w)))))
    said = w.settings.get("scale.idle")
    idle = w.default("scale.idle") if said is None else derive("in seconds", seconds(str(said.v)), said)
    row = Row(**_common(w), triggers=made, idle=idle if w.to_zero else None, polling=w.default("scale.polling"))
    return [("trigger-authentication", Row(**common(w))), ("scaled-object", row)]


def buffer(workload: Workload) -> list[Drawn]:
    """Nodes for further servers, of the same shape: the autoscaler looks at the Deployment's own Pod template."""
    row = Row(**common(workload), replicas=workload.buffer if workload.buffer is not None else Value(0, SpecAt(workload.path)))
    return [("capacity-buffer", row)]


def placeholders(workload: Workload) -> list[Drawn]:
    """Pods with a server's claims on a node and none of its work: the scheduler evicts one as soon as a server needs its room, and the
    autoscaler makes a node for what it evicted (GKE documentation, "Provision extra compute capacity for rapid Pod scaling")."""
    w = workload
    name = f"{w.name}-placeholder"
    own, server = {**common(w, "placeholder"), "name": name}, pod(w)
    requests = _of_whole_pod(w, server)
    own["labels"] = labels(w.platform.name, name, "placeholder")
    row = Row(
        **own,
        replicas=w.placeholders if w.placeholders is not None else Value(0, SpecAt(w.path)),
        selector={"app": name},
        pod_labels={**own["labels"], "app": name},
        priority_class=PLACEHOLDER_PRIORITY,
        node_selector=server.node_selector,
        tolerations=server.tolerations,
        image=placeholder_image(w),
        requests=requests,
        limits={**server.limits, "memory": requests["memory"]},
    )
    return [("placeholder-deployment", row)]


def _of_whole_pod(w: Workload, server: Row) -> dict[str, Value]:
    """What the scheduler counts for a server: its own requests, those of its sidecars, and of the FUSE sidecar that GKE adds."""
    beside = [sidecar.requests for sidecar in server.sidecars]
    if server.pod_annotations is not None:
        asked = {key: server.pod_annotations.get(f"gke-gcsfuse/{key}-request") for key in ("cpu", "memory", "ephemeral-storage")}
        beside.append({key: value for key, value in asked.items() if value is not None})
    found: dict[str, Value] = dict(server.requests)
    for requests in beside:
        for key, amount in requests.items():
            one = amount if isinstance(amount, Value) else Value(amount, FromCatalogue(f"engines.{w.engine.id}.sidecars"))
            found[key] = derive("server and its sidecars", _sum(found[key], one), found[key], one) if key in found else one
    return found


def _sum(one: Value, other: Value) -> str:
    """Two quantities as one: CPU in thousandths where it is no whole number, memory in bytes."""
    total = parse(str(one.v)) + parse(str(other.v))
    return f"{math.ceil(total * 1000)}m" if total.denominator != 1 else binary(int(total))


def facts(fleet: Fleet, place: Place) -> dict[str, Scalar]:
    """The expressions of the cluster's scalers, and where they are asked."""
    found: dict[str, Scalar] = {}
    for key in fleet.workload_keys:
        if fleet.is_scaled_by(KEDA, key, place):
            w = fleet.workload_at(key, place)
            found |= {_fact(w, name): query for name, query in queries(w, _cluster(fleet, place, w)).items()}
            found[PROMETHEUS] = SERVER.format(fleet.platform.projects[place.cluster.project].id)
    return found


def queries(w: Workload, where: promql.Matchers) -> dict[str, str]:
    """Trigger -> expression; each has one value, or none where nothing is read: then KEDA changes nothing.

    ``busy`` is 1 while a request runs or has lately ended, and so never asks for a second server.
    """
    own, metric = (*where, *promql.job(w.name)), _metric(w)
    selected = promql.select(metric, own)
    if metric.type == "histogram":
        # Without requests it is no number, which no comparison lets through.
        asked = f"{promql.quantile(metric, own, int(limit(w, 'slo', 'share').v), window=WINDOW)} >= 0"
    else:
        asked = f"sum({promql.rate(selected, WINDOW) if metric.type == 'counter' else selected})"
    at_picker, queue = (*where, *promql.job(picker_name(w))), waiting(w)
    if w.to_zero:
        found = {"load": f"{asked} or {_nothing(w, at_picker)}"}
    else:
        found = {"load": asked if metric.type == "gauge" else f"{asked} or {_nothing(w, own)}"}
    if queue is not None:
        nothing = _nothing(w, at_picker)
        found["waiting"] = f"sum({promql.select(queue, at_picker)}) or {nothing}"
        if w.to_zero:
            found["busy"] = f"clamp_max({_requests(w, own)}, 1) or {nothing}"
    return found


def _requests(w: Workload, own: promql.Matchers) -> str:
    """Those that run, and those that ended between two looks."""
    running = f"sum({promql.select(_metric(w, 'running'), own)})"
    ended = series(w, "requests")
    return running if ended is None else f"{running} + (sum(increase({promql.select(ended, own)}[{WINDOW}])) or vector(0))"


def _nothing(w: Workload, where: promql.Matchers) -> str:
    """0 where the collector reads what ``where`` names, else no value: a series that is lost is no reason to end servers."""
    return f"0 * sum({promql.up(w.stack, where)})"


def _cluster(fleet: Fleet, place: Place, w: Workload) -> promql.Matchers:
    """Labels of the monitored resource prometheus_target (GKE documentation, "Managed Service for Prometheus": reserved labels)."""
    project = fleet.platform.projects[place.cluster.project].id
    named = {"project_id": project, "location": place.location, "cluster": place.name, "namespace": w.namespace}
    return tuple(promql.matcher(label, value) for label, value in named.items())


def _common(w: Workload) -> dict[str, Any]:
    spans = w.layout.spans_nodes
    return {
        **common(w),
        "min": w.scale("min"),
        "max": w.scale("max"),
        "target_api": LEADER_WORKER_SET if spans else "apps/v1",
        "target_kind": "LeaderWorkerSet" if spans else "Deployment",
        "up_window": w.default("scale.upStabilization"),
        "up_period": w.default("scale.upPeriod"),
        "down_window": w.default("scale.downStabilization"),
        "down_period": w.default("scale.downPeriod"),
    }


def _metric(w: Workload, id: str = "") -> Metric:
    """The series of an id, of the scaling metric without one. The base may name what only its overrides replace."""
    found = series(w, id) if id else moved_by(w)
    wanted = id or named(w)
    return found if found is not None else Metric(id=wanted, series=wanted, type="gauge")


def _fact(w: Workload, trigger: str) -> str:
    return f"{trigger}-{w.name}"


def _trigger(w: Workload, name: str, metric: Metric, threshold: Value, kind: str = "AverageValue") -> Row:
    said = {"load": w.scale("metric"), "waiting": queued(w)}.get(name, w.scale("min"))
    row = f"stacks.{w.stack.id}.metrics.{metric.id}" if name == "waiting" else _rows(w)
    own = name == "load" and w.own_metric is not None
    known = () if own else (Value(metric.series, FromCatalogue(row)),)
    told = Derived(f"{metric.id}, read by KEDA", (said, w.scale("by"), *known))
    query = cluster_fact(_fact(w, name), Value(metric.series, told))
    return Row(name=name, kind=kind, server=cluster_fact(PROMETHEUS), query=query, threshold=threshold)


def _rows(w: Workload) -> str:
    return f"engines.{w.engine.id}.metrics"


def _threshold(w: Workload, metric: Metric) -> Value:
    """As the scaler writes it: the series of KV cache use counts to 1, a latency is in seconds."""
    wanted = target(w)
    if wanted is None:
        return text("{}", w.scale("metric"))
    if metric.id == "kv-cache-usage":
        if str(w.scale("by").v) == KEDA:
            return derive("percent as a share of 1", promql.number(Fraction(int(wanted.v), 100)), wanted)
        return derive("percent as thousandths of 1", f"{int(wanted.v) * 10}m", wanted)
    return derive("in seconds", promql.number(latency(wanted)), wanted) if metric.timed else text("{}", wanted)
