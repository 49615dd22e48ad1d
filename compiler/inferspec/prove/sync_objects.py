"""Config Sync's rules on one object, by their KNV codes, and the faults of one object that its own pre-merge check lets through.

Rules and messages: GoogleContainerTools/kpt-config-sync (2025-08-29), pkg/validate and pkg/status.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from .. import names
from .findings import group_of, mapping, pointer, sequence
from .scopes import Scopes

Tree = Mapping[str, Any]
Fault = tuple[str, str, str]

CONTROLLER_NAMESPACES = frozenset({"config-management-system", "resource-group-system", "config-management-monitoring"})
SPECIAL_NAMESPACES = frozenset({"default", "kube-system", "kube-public", "kube-node-lease", "gatekeeper-system"})
RESERVED_PREFIXES = ("configmanagement.gke.io/", "configsync.gke.io/")
MANAGED = "configmanagement.gke.io/managed"
CLUSTER_SELECTOR = "configmanagement.gke.io/cluster-selector"
NAMESPACE_SELECTOR = "configmanagement.gke.io/namespace-selector"
CLUSTER_NAMES = "configsync.gke.io/cluster-name-selector"
SOURCE_ANNOTATIONS = frozenset(
    {MANAGED, CLUSTER_SELECTOR, NAMESPACE_SELECTOR, CLUSTER_NAMES, "configsync.gke.io/deletion-propagation-policy"}
)
LOCAL_CONFIG = "config.kubernetes.io/local-config"
DEPENDS_ON = "config.kubernetes.io/depends-on"

_SERVER_FIELDS = (
    "ownerReferences",
    "resourceVersion",
    "uid",
    "selfLink",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
)
_HIERARCHY_KINDS = frozenset({"Repo", "HierarchyConfig"})
_DEPRECATED = frozenset({"DaemonSet", "Deployment", "Ingress", "ReplicaSet", "NetworkPolicy", "PodSecurityPolicy", "StatefulSet"})
_RBAC = "rbac.authorization.k8s.io"
_DEPENDENCY = re.compile(r"[^/]*/[^/]+/[^/]+\Z|[^/]*/namespaces/[^/]+/[^/]+/[^/]+\Z")


def annotations_of(tree: Tree) -> Mapping[str, Any]:
    return mapping(mapping(tree.get("metadata")).get("annotations"))


def is_local(tree: Tree) -> bool:
    """Config Sync skips it: local-config with any value but "false"."""
    value = annotations_of(tree).get(LOCAL_CONFIG)
    return value is not None and value != "false"


def object_faults(tree: Tree, scopes: Scopes, *, repo_sync: bool = False) -> Iterator[Fault]:
    """Every rule that one object can break by itself."""
    yield from _name(tree, repo_sync=repo_sync, scopes=scopes)
    yield from _namespace(tree, scopes)
    yield from _metadata_maps(tree)
    yield from _selectors(tree, scopes)
    yield from _server_fields(tree)
    yield from _kind(tree)
    yield from _depends_on(tree)


def _name(tree: Tree, *, repo_sync: bool, scopes: Scopes) -> Iterator[Fault]:
    name = mapping(tree.get("metadata")).get("name")
    if not name:
        yield "KNV1031", "/metadata/name", "missing field metadata.name (the parser says KNV2010)"
    elif not isinstance(name, str):
        yield "KNV2010", "/metadata/name", f"metadata.name is {name!r}, not text: quote it"
    else:
        problem = names.path_segment_problem if group_of(tree) == _RBAC else names.dns1123_subdomain_problem
        if why := problem(name):
            yield "KNV1036", "/metadata/name", f"name {name!r} {why}"
    if repo_sync and scopes.namespaced(tree) is False:
        yield "KNV1058", "/kind", f"{tree.get('kind')} is cluster-scoped: a RepoSync holds namespaced objects only"


def _namespace(tree: Tree, scopes: Scopes) -> Iterator[Fault]:
    metadata = mapping(tree.get("metadata"))
    namespace, name = metadata.get("namespace"), metadata.get("name")
    if tree.get("kind") == "Namespace" and group_of(tree) == "":
        if name in CONTROLLER_NAMESPACES:
            yield "KNV1034", "/metadata/name", f"Namespace {name} belongs to a controller and must not be declared"
        elif name in SPECIAL_NAMESPACES:
            yield (
                "special-namespace",
                "/metadata/name",
                f"Namespace {name} would be managed by Config Sync; say namespaceStrategy explicit instead",
            )
    if namespace is not None and not isinstance(namespace, str):
        yield "KNV2010", "/metadata/namespace", f"metadata.namespace is {namespace!r}, not text: quote it"
        return
    if namespace and (why := names.dns1123_label_problem(namespace)):
        yield "KNV1055", "/metadata/namespace", f"namespace {namespace!r} {why}"
    scoped = scopes.namespaced(tree)
    if namespace and scoped is False:
        yield "KNV1052", "/metadata/namespace", f"{tree.get('kind')} is cluster-scoped and must not declare a namespace"
    if namespace and NAMESPACE_SELECTOR in annotations_of(tree):
        yield "KNV1053", "/metadata/namespace", "a namespace and a namespace-selector exclude each other"
    if not namespace and scoped and NAMESPACE_SELECTOR not in annotations_of(tree):
        yield "namespace-missing", "/metadata/namespace", "without a namespace the object lands in default, silently"
    if namespace in CONTROLLER_NAMESPACES and group_of(tree) != "configsync.gke.io":
        yield "controller-namespace", "/metadata/namespace", f"{namespace} belongs to Config Sync: the object would be applied there"


def _metadata_maps(tree: Tree) -> Iterator[Fault]:
    metadata = mapping(tree.get("metadata"))
    for field in ("labels", "annotations"):
        for key, value in mapping(metadata.get(field)).items():
            if not isinstance(value, str):
                yield "KNV1054", pointer("metadata", field, key), f"{field[:-1]} {key} is {value!r}, not text: quote it"
    for key in mapping(metadata.get("labels")):
        at = pointer("metadata", "labels", key)
        if str(key).startswith(RESERVED_PREFIXES):
            yield "KNV1011", at, f"label {key}: the prefix is Config Sync's"
        elif str(key).startswith("applyset.kubernetes.io/"):
            yield "reserved-label", at, f"label {key}: Config Sync sets it on every object"
        if str(key).endswith(".tree.hnc.x-k8s.io/depth"):
            yield "KNV1057", at, f"label {key}: a depth label is the hierarchy controller's"
        if key == "app.kubernetes.io/managed-by":
            yield "managed-by", at, "Config Sync overwrites it silently: put an owner elsewhere"
    for key, value in mapping(metadata.get("annotations")).items():
        at = pointer("metadata", "annotations", key)
        if key == MANAGED and value != "disabled":
            yield "KNV1005", at, f'management annotation {value!r}: if set, the value is "disabled"'
        elif str(key).startswith(RESERVED_PREFIXES) and key not in SOURCE_ANNOTATIONS:
            yield "KNV1010", at, f"annotation {key}: not one a source may declare"
        if key == "config.k8s.io/owning-inventory":
            yield "reserved-annotation", at, "the inventory annotation is the applier's"


def _selectors(tree: Tree, scopes: Scopes) -> Iterator[Fault]:
    said = annotations_of(tree)
    at = "/metadata/annotations"
    if CLUSTER_SELECTOR in said and CLUSTER_NAMES in said:
        yield "KNV1066", at, "one cluster-selector annotation, not both"
    unselectable = (group_of(tree), tree.get("kind")) in (
        ("clusterregistry.k8s.io", "Cluster"),
        ("configmanagement.gke.io", "ClusterSelector"),
    )
    if unselectable and (CLUSTER_SELECTOR in said or CLUSTER_NAMES in said or NAMESPACE_SELECTOR in said):
        yield "KNV1004", at, f"a {tree.get('kind')} may not be selected itself"
    elif NAMESPACE_SELECTOR in said and scopes.namespaced(tree) is False:
        yield "KNV1004", at, f"{tree.get('kind')} is cluster-scoped and may not be namespace-selected"


def _server_fields(tree: Tree) -> Iterator[Fault]:
    if tree.get("status") is not None:
        yield "KNV1045", "/status", "status is the cluster's to write"
    for field in _SERVER_FIELDS:
        if mapping(tree.get("metadata")).get(field) is not None:
            yield "KNV1045", pointer("metadata", field), f"metadata.{field} is the server's to write"


def _kind(tree: Tree) -> Iterator[Fault]:
    kind, group, spec = tree.get("kind"), group_of(tree), mapping(tree.get("spec"))
    if group == "configmanagement.gke.io" and kind in _HIERARCHY_KINDS:
        yield "KNV1032", "/kind", f"{kind} belongs to the hierarchy format; the source is unstructured"
    if group == "configmanagement.gke.io" and kind == "Sync":
        yield "KNV1043", "/kind", "Sync cannot be configured"
    if tree.get("apiVersion") == "extensions/v1beta1" and kind in _DEPRECATED:
        yield "KNV1050", "/apiVersion", f"extensions/v1beta1 {kind} is deprecated"
    if kind == "Secret" and group == "":
        yield "secret-in-git", "/kind", "Config Sync applies a Secret from Git without a word; secrets go by reference"
    if kind == "CustomResourceDefinition":
        if spec.get("group") == "configmanagement.gke.io":
            yield "KNV1043", "/spec/group", "CRDs of configmanagement.gke.io cannot be configured"
        wanted = f"{mapping(spec.get('names')).get('plural')}.{spec.get('group')}"
        name = mapping(tree.get("metadata")).get("name")
        if name != wanted:
            yield "KNV1048", "/metadata/name", f"CRD name {name!r} is not <plural>.<group>: {wanted}"


def _depends_on(tree: Tree) -> Iterator[Fault]:
    value = annotations_of(tree).get(DEPENDS_ON)
    for i, reference in enumerate(str(value).split(",") if value is not None else ()):
        if not _DEPENDENCY.match(reference.strip()):
            said = f"depends-on reference {i}: {reference.strip()!r} is neither group/kind/name nor group/namespaces/NS/kind/name"
            yield "KNV2009", pointer("metadata", "annotations", DEPENDS_ON), said


def parse_depends_on(tree: Tree) -> list[str]:
    return [part.strip() for part in str(annotations_of(tree).get(DEPENDS_ON, "")).split(",") if part.strip()]


def list_items(tree: Tree) -> list[Tree]:
    """The objects of a List, or the object itself."""
    if str(tree.get("kind", "")).endswith("List") and "items" in tree:
        return [item for item in sequence(tree["items"]) if isinstance(item, Mapping)]
    return [tree]
