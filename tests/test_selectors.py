"""Whatever selects Pods hits some of its cluster, and a budget can be counted: for every spec, object by object."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from inferspec.emit.tree import cluster_objects
from inferspec.prove.pods import pod_templates

from tests import line

LEADER = {"leaderworkerset.sigs.k8s.io/worker-index": "0"}
"""Only the controller of LeaderWorkerSet writes it."""


def objects(name: str) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    for cluster in line.fleet_plan(name).clusters:
        yield cluster.name, [tree for part in cluster_objects(line.fleet_plan(name), cluster).values() for tree in part.values()]


def labels(tree: dict[str, Any]) -> Iterator[tuple[str, dict[str, str]]]:
    """(namespace, labels) of each kind of Pod that the object makes."""
    for template, path in pod_templates(tree):
        led = LEADER if "leaderTemplate" in path else {}
        yield tree["metadata"]["namespace"], {**template["metadata"].get("labels", {}), **led}


def selector(tree: dict[str, Any]) -> dict[str, str] | None:
    spec = tree.get("spec", {})
    if tree["kind"] == "Service":
        return spec.get("selector")
    if tree["kind"] in ("PodDisruptionBudget", "PodMonitoring", "InferencePool"):
        found = spec["selector"]
        return found.get("matchLabels", found)
    return spec["podSelector"].get("matchLabels") if tree["kind"] == "NetworkPolicy" else None


@pytest.mark.parametrize("name", list(line.SPECS))
def test_every_selector_hits_a_pod(name: str) -> None:
    for cluster, held in objects(name):
        pods = [pod for tree in held for pod in labels(tree)]
        for tree in held:
            if wanted := selector(tree):
                there = [pod for namespace, pod in pods if namespace == tree["metadata"]["namespace"]]
                assert any(wanted.items() <= pod.items() for pod in there), (cluster, tree["kind"], tree["metadata"]["name"], wanted)


@pytest.mark.parametrize("name", list(line.SPECS))
def test_budgets_of_ray_are_counted_in_pods(name: str) -> None:
    """A RayCluster has no scale subresource: the controller can count neither a share of its Pods nor maxUnavailable."""
    for _, held in objects(name):
        of_ray = {tree["metadata"]["name"] for tree in held if tree["kind"] == "RayService"}
        for tree in held:
            if tree["kind"] == "PodDisruptionBudget":
                budget = tree["spec"]
                assert ("minAvailable" in budget) == (tree["metadata"]["name"] in of_ray)
                assert isinstance(budget.get("minAvailable", 0), int)
