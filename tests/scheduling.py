"""Nodes for the real kube-scheduler and its verdicts: no kubelet, a Node is one create and two patches."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence

from tests.controlplane import ControlPlane

MERGE = "application/merge-patch+json"


def start_scheduler(plane: ControlPlane) -> None:
    """Start kube-scheduler against a running control plane. Port 0: it serves nothing, so that runs cannot clash."""
    plane.spawn("kube-scheduler", "--kubeconfig", plane.kubeconfig, "--secure-port=0", "--leader-elect=false")
    plane.check_alive()


def add_node(
    plane: ControlPlane,
    name: str,
    labels: Mapping[str, str],
    taints: Sequence[Mapping[str, str]],
    allocatable: Mapping[str, str],
) -> None:
    """Make a Ready Node. `taints` are all it carries: setting them also lifts the not-ready taint of admission."""
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name, **labels}}}
    plane.request("POST", "/api/v1/nodes", node)
    ready = {"capacity": dict(allocatable), "allocatable": dict(allocatable), "conditions": [{"type": "Ready", "status": "True"}]}
    plane.request("PATCH", f"/api/v1/nodes/{name}/status", {"status": ready}, MERGE)
    plane.request("PATCH", f"/api/v1/nodes/{name}", {"spec": {"taints": [dict(t) for t in taints]}}, MERGE)


def await_nodes(plane: ControlPlane, namespace: str, timeout: float = 60) -> None:
    """Return once the scheduler has every Node made so far: it watches Nodes in order, so the last one bound to says so.

    Nodes and Pods come to it by two watches. A Pod it sees before its Node gets a reason that is about the Node's absence.
    """
    name = f"last-{namespace}"
    own = {"key": "last", "value": namespace, "effect": "NoSchedule"}  # no other Pod may have it
    # Room for each attempt: the scheduler goes on counting a Pod that was deleted while it was bound.
    add_node(plane, name, {}, [own], {"cpu": "1", "memory": "1Gi", "pods": "110"})
    spec = {
        "nodeSelector": {"kubernetes.io/hostname": name},
        "tolerations": [own | {"operator": "Equal"}],
        "containers": [{"name": "probe", "image": "example.com/probe"}],
    }
    pods = f"/api/v1/namespaces/{namespace}/pods"
    end, attempt = time.monotonic() + timeout, 0
    while True:
        # A Pod that is tried between a Node's create and its patches is told of no later change that it waits for: another one is.
        probe, attempt = f"{name}-{attempt}", attempt + 1
        plane.request("POST", pods, {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": probe, "namespace": namespace}, "spec": spec})
        again = time.monotonic() + 3
        while time.monotonic() < again:
            plane.check_alive()
            if "nodeName" in plane.request("GET", f"{pods}/{probe}")["spec"]:
                return
            time.sleep(0.02)
        if time.monotonic() > end:
            told = plane.request("GET", f"{pods}/{probe}").get("status", {}).get("conditions")
            seen = plane.request("GET", f"/api/v1/nodes/{name}")
            raise AssertionError(f"the scheduler did not use Node {name} within {timeout:g} s: {told}; {seen['spec']}, {seen['status']}")
        plane.request("DELETE", f"{pods}/{probe}?gracePeriodSeconds=0")


def remove_nodes(plane: ControlPlane) -> None:
    """Delete every Node and, so that none counts against a later one of the same name, every Pod."""
    for namespace in {item["metadata"]["namespace"] for item in plane.request("GET", "/api/v1/pods")["items"]}:
        plane.request("DELETE", f"/api/v1/namespaces/{namespace}/pods?gracePeriodSeconds=0")
    plane.request("DELETE", "/api/v1/nodes")


def verdicts(plane: ControlPlane, namespace: str, names: Iterable[str], timeout: float = 20) -> dict[str, str]:
    """Pod name -> Node name, or the scheduler's reason. A Pod that it did not reach within `timeout` seconds is absent."""
    wanted, found, end = set(names), {}, time.monotonic() + timeout
    while wanted - found.keys() and time.monotonic() < end:
        plane.check_alive()
        for pod in plane.request("GET", f"/api/v1/namespaces/{namespace}/pods")["items"]:
            for condition in pod.get("status", {}).get("conditions", []):
                if condition["type"] == "PodScheduled" and pod["metadata"]["name"] in wanted:
                    found[pod["metadata"]["name"]] = pod["spec"].get("nodeName") or condition["message"]
        time.sleep(0.02)
    return found
