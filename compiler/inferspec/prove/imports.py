"""References to imports of inference pools: GKE's controller makes an import of the pools that are exported under its name in one fleet."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..plan.objects import ClusterPlan, FleetPlan, Object
from ..plan.provenance import objects
from .findings import pointer

REFERRING = frozenset({"HTTPRoute", "GRPCRoute", "GCPBackendPolicy", "HealthCheckPolicy"})
IMPORT = ("networking.gke.io", "GCPInferencePoolImport")
EXPORT = "networking.gke.io/export"


def broken_imports(plan: FleetPlan) -> Iterator[tuple[ClusterPlan, Object, str, str]]:
    """(cluster, object, field, message) of each reference to an import that is not there.

    No pool of the fleet is exported under its name, or the cluster is not the fleet's config cluster.
    """
    groups = {id(group): group for c in plan.clusters for group in (*c.facets.values(), *c.own.values())}
    held = {id(obj): obj for group in groups.values() for obj in group if obj.identity.kind in REFERRING}
    referring = {key: found for key, obj in held.items() if (found := list(_references(obj.tree(), obj.identity.namespace)))}
    if not referring:
        return
    exported = set(_exported(plan))
    for cluster in plan.clusters:
        for _, _, obj in objects(plan, cluster):
            for field, namespace, name in referring.get(id(obj), ()):
                project = cluster.facts["project"]
                if not cluster.terraform.get("config_cluster"):
                    yield cluster, obj, field, f"imports are in the config cluster of project {project}, and {cluster.name} is another"
                elif (project, namespace, name) not in exported:
                    yield cluster, obj, field, f"no InferencePool {namespace}/{name} is exported in a cluster of project {project}"


def _references(node: Any, namespace: str, *steps: str | int) -> Iterator[tuple[str, str, str]]:
    """(field, namespace, name) of every import that the object names."""
    if isinstance(node, dict):
        if (node.get("group"), node.get("kind")) == IMPORT:
            yield pointer(*steps, "name"), str(node.get("namespace", namespace)), str(node.get("name"))
        for key, child in node.items():
            yield from _references(child, namespace, *steps, key)
    elif isinstance(node, list):
        for i, child in enumerate(node):
            yield from _references(child, namespace, *steps, i)


def _exported(plan: FleetPlan) -> Iterator[tuple[Any, str, str]]:
    for cluster in plan.clusters:
        for _, _, obj in objects(plan, cluster):
            if obj.identity.kind == "InferencePool" and obj.tree()["metadata"].get("annotations", {}).get(EXPORT) == "True":
                yield cluster.facts["project"], obj.identity.namespace, obj.identity.name
