"""Every object of the specs is applied to a real API server, strictly and for good, twice: taken, without a warning, and settled."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest
from inferspec.plan.objects import ClusterPlan
from inferspec.plan.provenance import objects

from tests import line
from tests.controlplane import ApiError, ControlPlane

pytestmark = pytest.mark.controlplane

FIRST = ("Namespace", "PriorityClass", "ComputeClass", "ServiceAccount", "ConfigMap", "SecretProviderClass")
SYNC_NAMESPACE = "config-management-system"
"""Config Sync's own; it is there before the first RootSync."""

IMMUTABLE = ("PersistentVolumeClaim", "PersistentVolume", "StorageClass")
"""What no cluster ever changes: here one server stands for clusters that differ in them."""

DEFAULTED_STATUS = ("Gateway", "PersistentVolumeClaim", "PersistentVolume")
"""Their status has a default. A create drops it and the next write stores it: one new version, whatever is applied."""


def in_order(trees: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What others need comes first, as Config Sync applies it."""
    return sorted(trees, key=lambda tree: FIRST.index(tree["kind"]) if tree["kind"] in FIRST else len(FIRST))


def manifests(name: str, cluster: ClusterPlan) -> list[dict[str, Any]]:
    """The objects of a cluster, its RootSyncs included, in the order of applying."""
    plan = line.fleet_plan(name)
    found = [obj for _, _, obj in objects(plan, cluster)]
    return in_order([obj.tree(cluster.facts) for obj in (*found, *cluster.syncs)])


def served(plane: ControlPlane, trees: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Those whose kind the server has; the others are printed, so that a run without their CRDs says what it left out."""
    absent = set()
    for tree in trees:
        try:
            plane.path_of(tree)
        except ApiError:
            absent.add(f"{tree['apiVersion']} {tree['kind']}")
        else:
            yield tree
    if absent:
        print("no CRD for", ", ".join(sorted(absent)))


def remove(plane: ControlPlane, path: str) -> None:
    """Delete an object at once: no controller runs that would take its finalizers off."""
    with contextlib.suppress(ApiError):
        plane.request("PATCH", path, {"metadata": {"finalizers": None}}, "application/merge-patch+json")
        plane.request("DELETE", f"{path}?gracePeriodSeconds=0")
        plane.request("PATCH", path, {"metadata": {"finalizers": None}}, "application/merge-patch+json")


CLUSTERS = [(name, cluster) for name in line.SPECS for cluster in line.synced(name)]


@pytest.mark.parametrize(("name", "cluster"), CLUSTERS, ids=[f"{name}-{cluster}" for name, cluster in CLUSTERS])
def test_every_object_of_a_cluster_is_taken_and_a_second_apply_changes_nothing(
    control_plane: ControlPlane, name: str, cluster: str
) -> None:
    control_plane.ensure_namespace(SYNC_NAMESPACE)
    control_plane.take_warnings()
    plan = next(c for c in line.fleet_plan(name).clusters if c.name == cluster)
    trees = list(served(control_plane, manifests(name, plan)))
    for tree in trees:
        if tree["kind"] in IMMUTABLE:
            remove(control_plane, control_plane.path_of(tree))
    first, refused = {}, []
    for tree in trees:
        try:
            for _ in range(2 if tree["kind"] in DEFAULTED_STATUS else 1):
                first[control_plane.path_of(tree)] = control_plane.apply(tree, dry_run=False)
        except ApiError as problem:
            refused.append(f"{tree['kind']} {tree['metadata']['name']}: {problem}")
    assert refused == []
    assert len(first) == len(trees)
    for tree in trees:
        path = control_plane.path_of(tree)
        again = control_plane.apply(tree, dry_run=False)
        if tree["kind"] == "APIService":  # the server itself writes into its status whether somebody answers
            assert again["spec"] == first[path]["spec"], path
            continue
        assert again["metadata"]["resourceVersion"] == first[path]["metadata"]["resourceVersion"], path
        assert again["metadata"].get("generation") == first[path]["metadata"].get("generation"), path
    assert control_plane.take_warnings() == []
    for tree in trees:
        # Enforced from now on, also against the Pods of other tests; an API that nobody answers, a fault of everybody's discovery;
        # an address of the 254 that there are for Services.
        if tree["kind"] in ("ValidatingAdmissionPolicyBinding", "APIService", "Service"):
            control_plane.request("DELETE", control_plane.path_of(tree))


def test_nothing_is_left_out_where_every_crd_is_there(control_plane: ControlPlane) -> None:
    """The kinds of every spec, against what the server serves; the real CRDs of the shared folder may be absent in a plain clone."""
    kinds = {(t["apiVersion"], t["kind"]): t for name in line.SPECS for c in line.fleet_plan(name).clusters for t in manifests(name, c)}
    left = {kind for kind, tree in kinds.items() if not list(served(control_plane, [tree]))}
    print("kinds applied:", ", ".join(sorted(f"{version} {kind}" for version, kind in kinds.keys() - left)))
    assert left == set()


def test_without_its_namespace_an_object_is_refused(control_plane: ControlPlane) -> None:
    plan = line.fleet_plan("quickstart").clusters[0]
    tree = next(t for t in manifests("quickstart", plan) if t["kind"] == "Deployment")
    with pytest.raises(ApiError, match="not found"):
        control_plane.apply({**tree, "metadata": {**tree["metadata"], "namespace": "nobody-made-this"}})
