"""A class that names its teams, at a real API server: Pods of their namespaces are admitted, all others refused, however they ask."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from inferspec.plan.provenance import objects

from tests import line
from tests.controlplane import ApiError, ControlPlane

pytestmark = pytest.mark.controlplane

CLASS = "h100-chat"
LABEL = "cloud.google.com/compute-class"
TEAM, OTHER = "search-llm", "intruders"
LIMITS = ("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding")


def pod(namespace: str, name: str, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"containers": [{"name": "main", "image": "registry.example/main"}], **spec},
    }


def affinity(strength: str, **expression: Any) -> dict[str, Any]:
    term = {"matchExpressions": [{"key": LABEL, **expression}]}
    if strength == "required":
        return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}}
    return {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1, "preference": term}]}}


ASKING = {
    "selector": {"nodeSelector": {LABEL: CLASS}},
    "required-in": {"affinity": affinity("required", operator="In", values=["cpu", CLASS])},
    "required-exists": {"affinity": affinity("required", operator="Exists")},
    "preferred": {"affinity": affinity("preferred", operator="In", values=[CLASS])},
    "toleration": {"tolerations": [{"key": LABEL, "operator": "Equal", "value": CLASS, "effect": "NoSchedule"}]},
    "toleration-exists": {"tolerations": [{"key": LABEL, "operator": "Exists"}]},
    "tolerates-all": {"tolerations": [{"operator": "Exists"}]},
}
"""Ways onto a node of the class."""

ELSEWHERE = {
    "plain": {},
    "other-class": {"nodeSelector": {LABEL: "cpu"}},
    "not-in": {"affinity": affinity("required", operator="In", values=["cpu"])},
    "other-toleration": {"tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists"}]},
}


def limits() -> list[dict[str, Any]]:
    plan = line.fleet_plan("capacity")
    cluster = next(c for c in plan.clusters if c.name == "usc1-prod")
    made = [obj.tree(cluster.facts) for _, _, obj in objects(plan, cluster)]
    return [tree for tree in made if tree["kind"] in LIMITS and tree["metadata"]["name"] == "class-h100-chat-teams"]


@pytest.fixture(scope="module")
def guarded(control_plane: ControlPlane) -> Iterator[ControlPlane]:
    """The server once it enforces the policy: the first refusal shows that."""
    policy, binding = sorted(limits(), key=lambda tree: LIMITS.index(tree["kind"]))
    for namespace in (TEAM, OTHER):
        control_plane.ensure_namespace(namespace)
    for tree in (policy, binding):
        control_plane.apply(tree, dry_run=False)
    end = time.monotonic() + 60
    try:
        while True:
            try:
                control_plane.apply(pod(OTHER, "probe", **ASKING["selector"]), dry_run=True)
            except ApiError:
                break
            assert time.monotonic() < end, "the policy is never enforced"
            time.sleep(0.2)
        yield control_plane
    finally:
        for tree in (binding, policy):
            control_plane.request("DELETE", control_plane.path_of(tree))


@pytest.mark.parametrize("way", ASKING)
def test_a_pod_of_another_namespace_is_refused_however_it_asks(guarded: ControlPlane, way: str) -> None:
    with pytest.raises(ApiError, match="ComputeClass h100-chat is for the namespaces of search alone"):
        guarded.apply(pod(OTHER, f"asks-{way}", **ASKING[way]), dry_run=True)


@pytest.mark.parametrize("way", ASKING)
def test_a_pod_of_the_team_is_admitted(guarded: ControlPlane, way: str) -> None:
    assert guarded.apply(pod(TEAM, f"asks-{way}", **ASKING[way]), dry_run=True)["metadata"]["namespace"] == TEAM


@pytest.mark.parametrize("way", ELSEWHERE)
def test_who_does_not_ask_for_the_class_is_admitted(guarded: ControlPlane, way: str) -> None:
    assert guarded.apply(pod(OTHER, f"goes-{way}", **ELSEWHERE[way]), dry_run=True)["metadata"]["namespace"] == OTHER


def test_a_daemon_set_of_every_node_is_admitted(guarded: ControlPlane) -> None:
    agent = pod(OTHER, "agent", **ASKING["tolerates-all"])
    agent["metadata"]["ownerReferences"] = [{"apiVersion": "apps/v1", "kind": "DaemonSet", "name": "agent", "uid": "1"}]
    assert guarded.apply(agent, dry_run=True)["metadata"]["ownerReferences"] == agent["metadata"]["ownerReferences"]


def test_a_pod_that_was_there_before_may_be_labelled_and_may_not_ask_anew(guarded: ControlPlane) -> None:
    """Its labels and finalizers must stay writable, or nobody could delete it."""
    binding = next(tree for tree in limits() if tree["kind"] == LIMITS[1])
    guarded.request("DELETE", guarded.path_of(binding))
    old = pod(OTHER, "old", **ASKING["selector"])
    end = time.monotonic() + 60
    while True:
        try:
            guarded.apply(old, dry_run=False)
            break
        except ApiError:
            assert time.monotonic() < end, "the policy outlives its binding"
            time.sleep(0.2)
    guarded.apply(binding, dry_run=False)
    while True:
        try:
            guarded.apply(pod(OTHER, "probe", **ASKING["selector"]), dry_run=True)
        except ApiError:
            break
        assert time.monotonic() < end, "the policy is never enforced again"
        time.sleep(0.2)
    old["metadata"]["labels"] = {"seen": "true"}
    guarded.apply(old, dry_run=False)
    old["spec"]["tolerations"] = ASKING["toleration"]["tolerations"]
    with pytest.raises(ApiError, match="alone"):
        guarded.apply(old, dry_run=False)
