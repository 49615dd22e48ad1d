"""Fields of emitted objects that are the compiler's own: by them objects find each other, and accounts of memory and machines hold."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..values import Value

ROOT = (
    "apiVersion",
    "kind",
    "metadata.name",
    "metadata.namespace",
    "spec.replicas",
    "spec.selector",
    "spec.ports",
    "spec.targetPorts",
    "spec.endpointPickerRef",
    "spec.scaleTargetRef",
    "spec.minReplicas",
    "spec.maxReplicas",
    "spec.minReplicaCount",
    "spec.maxReplicaCount",
    "spec.metrics",
    "spec.parentRefs",
    "spec.targetRef",
    "spec.podSelector",
    "spec.default.config",
    "spec.leaderWorkerTemplate.size",
    "roleRef",
    "subjects",
)
"""How many servers there are, what load balancers ask for, who is selected, granted, scaled and reached."""
OF_POD = ("serviceAccountName", "enableServiceLinks", "ephemeralContainers")
"""The account of the grants; variables of Services, which a server of that name would take for its own; what no template may have."""
CLASS = "cloud.google.com/compute-class"
OF_CONTAINER = ("name", "ports", "args", "command")
"""The command line belongs to ``flags``, ports to the objects that point there."""
SERVER, WEIGHTS = "server", "weights"
EXPORT, FUSE, APP = "networking.gke.io/export", "gke-gcsfuse/", "app"
OF_ITEMS = {
    "spec.rules": ("backendRefs",),
    "spec.rayClusterConfig.workerGroupSpecs": ("replicas", "minReplicas", "maxReplicas"),
    "spec.endpoints": ("port", "path"),
}
"""Of the items of a list."""


def owned(tree: Any) -> dict[str, str]:
    """Path -> what stands there. A patch may add, change or remove none of them, but for a toleration more."""
    return {path: repr(node) for path, node in _owned(tree)}


def _owned(tree: Any) -> Iterator[tuple[str, Any]]:
    for path in ROOT:
        node = _at(tree, path)
        if node is not None:
            yield path, node
    if EXPORT in (annotations := _map(_at(tree, "metadata.annotations"))):
        yield f"metadata.annotations[{EXPORT}]", annotations[EXPORT]
    for path, keys in OF_ITEMS.items():
        for i, item in enumerate(_items(_at(tree, path))):
            yield from [(f"{path}[{i}].{key}", item[key]) for key in keys if key in _map(item)]
    yield from _templates(tree, "")


def _templates(node: Any, at: str) -> Iterator[tuple[str, Any]]:
    """Every Pod template, wherever it stands: a map whose ``spec`` has containers."""
    if isinstance(node, list):
        for i, item in enumerate(node):
            yield from _templates(item, f"{at}[{i}]")
    elif isinstance(node, dict):
        spec = node.get("spec")
        if isinstance(spec, dict) and isinstance(spec.get("containers"), list):
            yield from _template(node, f"{at}." if at else "")
        for key, child in node.items():
            yield from _templates(child, f"{at}.{key}" if at else str(key))


def _template(template: dict[str, Any], at: str) -> Iterator[tuple[str, Any]]:
    held, spec = _map(template.get("metadata")), template["spec"]
    labels, annotations = _map(held.get("labels")), _map(held.get("annotations"))
    yield from [(f"{at}metadata.labels[{name}]", value) for name, value in labels.items() if name == APP]
    yield from [(f"{at}metadata.annotations[{name}]", value) for name, value in annotations.items() if str(name).startswith(FUSE)]
    for key in OF_POD:
        if key in spec:
            yield f"{at}spec.{key}", spec[key]
    if CLASS in (chosen := _map(spec.get("nodeSelector"))):
        yield f"{at}spec.nodeSelector[{CLASS}]", chosen[CLASS]
    for toleration in _items(spec.get("tolerations")):
        yield f"{at}spec.tolerations[{_text(_map(toleration).get('key'))}]", toleration
    for kind in ("containers", "initContainers"):
        for container in _items(spec.get(kind)):
            yield from _container(_map(container), f"{at}spec.{kind}.{_text(_map(container).get('name'))}")


def _container(container: dict[str, Any], at: str) -> Iterator[tuple[str, Any]]:
    for key in (*OF_CONTAINER, *(("resources",) if _text(container.get("name")) == SERVER else ())):
        if key in container:
            yield f"{at}.{key}", container[key]
    for mount in _items(container.get("volumeMounts")):
        if _text(_map(mount).get("name")) == WEIGHTS:
            yield f"{at}.volumeMounts.{WEIGHTS}", mount


def _at(tree: Any, path: str) -> Any:
    for step in path.split("."):
        tree = tree.get(step) if isinstance(tree, dict) else None
    return tree


def _items(node: Any) -> list[Any]:
    return node if isinstance(node, list) else []


def _map(node: Any) -> dict[str, Any]:
    return node if isinstance(node, dict) else {}


def _text(name: Any) -> str:
    return str(name.v if isinstance(name, Value) else name)
