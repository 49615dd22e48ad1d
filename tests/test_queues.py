"""Queues of Kueue: which servers ask which queue, and what a queue holds of each class."""

from __future__ import annotations

from typing import Any

from inferspec.plan.objects import ClusterPlan
from inferspec.plan.provenance import objects

from tests import line

LABEL = "kueue.x-k8s.io/queue-name"
CLASS = "cloud.google.com/compute-class"


def trees(cluster: ClusterPlan) -> list[dict[str, Any]]:
    return [obj.tree(cluster.facts) for _, _, obj in objects(line.fleet_plan("queues"), cluster)]


def by_name() -> dict[str, list[dict[str, Any]]]:
    return {cluster.name: trees(cluster) for cluster in line.fleet_plan("queues").clusters}


def of(found: list[dict[str, Any]], kind: str) -> dict[str, dict[str, Any]]:
    return {tree["metadata"]["name"]: tree for tree in found if tree["kind"] == kind}


def classes(tree: dict[str, Any]) -> set[str]:
    held = tree["spec"].get("leaderWorkerTemplate", {"template": tree["spec"].get("template")})
    return {pod["spec"]["nodeSelector"][CLASS] for key, pod in held.items() if key.endswith("emplate") and "nodeSelector" in pod["spec"]}


def test_servers_alone_ask_a_queue_and_only_where_there_is_one() -> None:
    asked = {
        name: {tree["metadata"]["name"]: tree["metadata"]["labels"].get(LABEL) for tree in found if LABEL in tree["metadata"]["labels"]}
        for name, found in by_name().items()
    }
    search = {"chat-hopper": "search", "wide": "search"}
    assert asked == {
        "usc1-dev": {},
        "usc1-prod": {**search, "chat-ada": "search", "draft": "assist", "tpu": "assist"},
        "usc1-spare": search,
    }


def test_every_server_finds_its_class_in_its_queue_and_no_other() -> None:
    """As Kueue looks: the queue of the label in the server's namespace, a flavor that the Pods select, chips of their kind."""
    for name, found in by_name().items():
        local, cluster, flavors = of(found, "LocalQueue"), of(found, "ClusterQueue"), of(found, "ResourceFlavor")
        queued = [tree for tree in found if LABEL in tree["metadata"]["labels"]]
        assert bool(queued) == bool(local) == bool(cluster) == bool(flavors) == (name != "usc1-dev")
        for tree in queued:
            queue = local[tree["metadata"]["labels"][LABEL]]
            assert queue["metadata"]["namespace"] == tree["metadata"]["namespace"]
            spec = cluster[queue["spec"]["clusterQueue"]]["spec"]
            assert spec["namespaceSelector"]["matchLabels"] == {"kubernetes.io/metadata.name": tree["metadata"]["namespace"]}
            (group,) = spec["resourceGroups"]
            fitting = [f for f in group["flavors"] if {flavors[f["name"]]["spec"]["nodeLabels"][CLASS]} == classes(tree)]
            (flavor,) = fitting
            chips = "google.com/tpu" if flavor["name"] == "v6e" else "nvidia.com/gpu"
            assert int(next(r["nominalQuota"] for r in flavor["resources"] if r["name"] == chips)) > 0


def test_each_flavor_lists_what_the_group_covers_in_its_order_and_lends_as_written() -> None:
    queues = of(by_name()["usc1-prod"], "ClusterQueue")
    for queue in queues.values():
        (group,) = queue["spec"]["resourceGroups"]
        assert group["coveredResources"][:3] == ["cpu", "memory", "ephemeral-storage"]
        for flavor in group["flavors"]:
            assert [r["name"] for r in flavor["resources"]] == group["coveredResources"]
    assert queues["search"]["spec"]["preemption"] == {"reclaimWithinCohort": "Any"} and "preemption" not in queues["assist"]["spec"]
    assert {queue["spec"]["cohortName"] for queue in queues.values()} == {"serving"}
    flavors = ((name, flavor) for name, queue in queues.items() for flavor in queue["spec"]["resourceGroups"][0]["flavors"])
    held = {(name, flavor["name"]): flavor["resources"][3:] for name, flavor in flavors}
    assert held == {
        ("search", "h100-x2"): [{"name": "nvidia.com/gpu", "nominalQuota": "20", "lendingLimit": "8"}],
        ("search", "l4-x4"): [{"name": "nvidia.com/gpu", "nominalQuota": "20"}],
        ("assist", "h100-x2"): [
            {"name": "nvidia.com/gpu", "nominalQuota": "4", "borrowingLimit": "4"},
            {"name": "google.com/tpu", "nominalQuota": "0"},
        ],
        ("assist", "v6e"): [{"name": "nvidia.com/gpu", "nominalQuota": "0"}, {"name": "google.com/tpu", "nominalQuota": "16"}],
    }


def test_a_queue_that_comes_and_goes_changes_the_label_of_its_servers_alone() -> None:
    """Whoever has no queue compiles to what it was."""
    spec = line.data("queues")
    del spec["queues"]
    without = {c.name: [o.tree(c.facts) for _, _, o in objects(p, c)] for p in [line.planned(line.written(spec))] for c in p.clusters}
    for name, found in by_name().items():
        kept = [tree for tree in found if tree["kind"] not in ("ClusterQueue", "LocalQueue", "ResourceFlavor")]
        for tree in kept:
            tree["metadata"]["labels"].pop(LABEL, None)
        assert kept == without[name]
