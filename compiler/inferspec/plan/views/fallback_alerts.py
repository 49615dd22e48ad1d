"""The alert on replicas that are not on the capacity their class asks for first, and what tells nodes of that kind.

A ClusterNodeMonitoring reads the nodes that have a label, and its series say of each node its name (GoogleCloudPlatform/prometheus-engine
v0.17.2, pkg/operator/apis/monitoring/v1/node_types.go); the servers' PodMonitoring says on which node a server is. Series of nodes have no
namespace: ClusterRules alone see both.
"""

from __future__ import annotations

from fractions import Fraction

from ...model.platform import Platform
from ...resolve.fallback import LABELS, fallback, tolerated
from ...resolve.workload import Workload
from ...values import SENTINEL, Value, derive, text
from ..row import Drawn, Row, labels
from . import promql
from .alert_row import WARNING, of_workload
from .alerts import up_of


def node_monitoring(platform: Platform, kind: str, interval: Value) -> list[Drawn]:
    """Nodes of a kind of capacity: one series of each, enough to know that it is there."""
    name = job_of(kind)
    own = {"name": name, "labels": labels(platform.name, name, "alerts")}
    return [("cluster-node-monitoring", Row(**own, selector={LABELS[kind]: "true"}, interval=text("{}s", interval)))]


def job_of(kind: str) -> str:
    return f"inference-nodes-{kind}"


def alerts(workload: Workload) -> list[Drawn]:
    w = workload
    name = f"{w.namespace}-{w.name}-fallback"
    interval = text("{}s", w.default("alerts.interval"))
    return [("cluster-rules", Row(name=name, labels=labels(w.platform.name, name, "alerts"), interval=interval, alerts=[_alert(w)]))]


def _alert(w: Workload) -> Row:
    most, found = tolerated(w), fallback(w)
    up, origin = up_of(w, (promql.matcher("namespace", w.namespace), *promql.job(w.name)))
    wait = w.default("alerts.fallbackWait")
    told, kinds = SENTINEL, ""
    if most is not None and found is not None:
        nodes = promql.up(w.stack, (promql.matcher("job", [job_of(kind) for kind in found.kinds]),))
        there = f"count({up} == 1 {'unless' if found.first else 'and'} on(node) {nodes})"
        told = f"{there} / count({up} == 1) > {promql.number(Fraction(int(most.v), 100))}"
        kinds = f"not on {found.kinds[0]}" if found.first else f"on {' or '.join(found.kinds)}"
    given = most if most is not None else Value(0, origin.origin)
    return of_workload(
        w,
        "CapacityFallback",
        WARNING,
        wait,
        derive("servers by the kind of the node they are on", told, origin, given),
        text(f"{w.name}: more than {{}} % of the replicas are {kinds} nodes, and have been for {{}} s", given, wait),
        "what comes first in the class: a reservation that is full or gone, quota, a zone without machines",
    )
