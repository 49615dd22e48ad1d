"""What a RootSync or RepoSync must say: Config Sync's validators (KNV1061) and what the compiler never leaves to a default.

Fields and limits: GoogleContainerTools/kpt-config-sync (2025-08-29), CRDs and pkg/validate/rsync.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from ..quantity import parse
from .findings import mapping, pointer, sequence

Tree = Mapping[str, Any]
Fault = tuple[str, str, str]

SYNC_NAMESPACE = "config-management-system"
ROOT_NAME_MAX = 38
"""63 minus the prefix ``config-management-system_`` of an inventory label."""
REPO_NAME_MAX = 45
"""Name and namespace together."""
_CONTAINERS = frozenset(
    {"reconciler", "git-sync", "hydration-controller", "oci-sync", "helm-sync", "gcenode-askpass-sidecar", "otel-agent"}
)
_SECRET = {"git": {"ssh", "cookiefile", "token", "githubapp"}, "oci": set[str](), "helm": {"token"}}
_NO_SECRET = {
    "git": {"gcenode", "gcpserviceaccount", "none"},
    "oci": {"gcenode", "gcpserviceaccount", "k8sserviceaccount", "none"},
    "helm": {"gcenode", "gcpserviceaccount", "k8sserviceaccount", "none"},
}
_REQUIRED = {"git": ("repo", "auth"), "oci": ("image", "auth"), "helm": ("repo", "chart", "auth")}
_PROXY_AUTH = {"none", "cookiefile", "token", "githubapp"}
_DURATION = re.compile(r"(?:[0-9]+(?:\.[0-9]+)?(?:ns|us|ms|s|m|h))+\Z")
_UNIT_SECONDS = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3600}
_RECOMMENDED = {"reconcileTimeout": (10, 3600), "apiServerTimeout": (3, 60)}


def sync_faults(tree: Tree) -> Iterator[Fault]:
    """Every rule on a RootSync or RepoSync."""
    root = tree.get("kind") == "RootSync"
    spec = mapping(tree.get("spec"))
    yield from _identity(tree, root)
    if spec.get("sourceFormat") != "unstructured":
        yield "source-format", "/spec/sourceFormat", "say unstructured: the default, hierarchy, refuses rendering"
    source = spec.get("sourceType", "git")
    if source not in _REQUIRED:
        yield "KNV1061", "/spec/sourceType", f"sourceType is git, oci or helm, not {source!r}"
        return
    block = spec.get(source)
    if not isinstance(block, Mapping):
        yield "KNV1061", pointer("spec", source), f"sourceType {source} wants spec.{source}"
        return
    for other in _REQUIRED:
        if other != source and other in spec:
            yield "KNV1061", pointer("spec", other), f"spec.{other} beside sourceType {source}"
    yield from _source(source, block, root)
    yield from _override(mapping(spec.get("override")), root)


def _identity(tree: Tree, root: bool) -> Iterator[Fault]:
    metadata = mapping(tree.get("metadata"))
    name, namespace = str(metadata.get("name", "")), str(metadata.get("namespace", ""))
    if root and namespace != SYNC_NAMESPACE:
        yield "KNV1061", "/metadata/namespace", f"a RootSync lives in {SYNC_NAMESPACE}, not in {namespace or 'default'}"
    if root and len(name) > ROOT_NAME_MAX:
        yield "KNV1061", "/metadata/name", f"{len(name)} characters, a RootSync's name has at most {ROOT_NAME_MAX}"
    if not root and namespace == SYNC_NAMESPACE:
        yield "KNV1061", "/metadata/namespace", f"a RepoSync never lives in {SYNC_NAMESPACE}"
    if not root and len(name) + len(namespace) > REPO_NAME_MAX:
        yield "KNV1061", "/metadata/name", f"name and namespace have {len(name) + len(namespace)} characters, at most {REPO_NAME_MAX}"


def _source(source: str, block: Tree, root: bool) -> Iterator[Fault]:
    at = ("spec", source)
    for key in _REQUIRED[source]:
        if not block.get(key):
            yield "KNV1061", pointer(*at, key), f"spec.{source}.{key} is required"
    auth = block.get("auth")
    if auth and auth not in _SECRET[source] | _NO_SECRET[source]:
        yield "KNV1061", pointer(*at, "auth"), f"auth {auth!r} is none of {', '.join(sorted(_SECRET[source] | _NO_SECRET[source]))}"
    secret = mapping(block.get("secretRef")).get("name")
    if auth in _SECRET[source] and not secret:
        yield "KNV1061", pointer(*at, "secretRef"), f"auth {auth} wants secretRef.name"
    if auth in _NO_SECRET[source] and secret:
        yield "KNV1061", pointer(*at, "secretRef"), f"auth {auth} takes no secretRef"
    account = str(block.get("gcpServiceAccountEmail", ""))
    if auth == "gcpserviceaccount" and not account.endswith(".iam.gserviceaccount.com"):
        yield (
            "KNV1061",
            pointer(*at, "gcpServiceAccountEmail"),
            "auth gcpserviceaccount wants an address ending in .iam.gserviceaccount.com",
        )
    if source == "git" and block.get("proxy") and auth not in _PROXY_AUTH:
        yield "KNV1061", pointer(*at, "proxy"), f"a proxy works with {', '.join(sorted(_PROXY_AUTH))}, not {auth}"
    if "period" in block and _seconds(str(block["period"])) is None:
        yield "KNV1061", pointer(*at, "period"), f"period {block['period']!r} is no duration"
    if source == "helm":
        yield from _helm(block, root)
    else:
        yield from _explicit(source, block)


def _explicit(source: str, block: Tree) -> Iterator[Fault]:
    """Defaults that surprise: branch master, dir the root of the repository."""
    if not block.get("dir"):
        yield "dir-unset", pointer("spec", source, "dir"), "say the directory: the default is the root of the source"
    if source == "git" and not block.get("branch") and not block.get("revision"):
        yield "branch-unset", "/spec/git/branch", "say the branch or the revision: the default branch is master"
    if block.get("noSSLVerify"):
        yield "no-ssl-verify", pointer("spec", source, "noSSLVerify"), "certificates are always verified"


def _helm(block: Tree, root: bool) -> Iterator[Fault]:
    if "/" in str(block.get("chart", "")):
        yield "KNV1061", "/spec/helm/chart", f"chart {block['chart']!r}: the name has no '/'"
    if root and block.get("namespace") and block.get("deployNamespace"):
        yield "KNV1061", "/spec/helm", "namespace and deployNamespace exclude each other"
    for i, reference in enumerate(sequence(block.get("valuesFileRefs"))):
        if not mapping(reference).get("name"):
            yield "KNV1061", pointer("spec", "helm", "valuesFileRefs", i, "name"), "a values file names its ConfigMap"


def _override(override: Tree, root: bool) -> Iterator[Fault]:
    for key in ("namespaceStrategy", "roleRefs"):
        if not root and key in override:
            yield "KNV1061", pointer("spec", "override", key), f"override.{key} is a RootSync's"
    for key, (low, high) in _RECOMMENDED.items():
        if key in override:
            seconds = _seconds(str(override[key]))
            if seconds is None:
                yield "KNV1061", pointer("spec", "override", key), f"{override[key]!r} is no duration"
            elif not low <= seconds <= high:
                yield "timeout-range", pointer("spec", "override", key), f"{override[key]}: {low} s to {high} s is recommended"
    if override.get("enableShellInRendering"):
        yield "shell-in-rendering", "/spec/override/enableShellInRendering", "only remote bases need a shell, and none is ever emitted"
    depth = override.get("gitSyncDepth")
    if isinstance(depth, int) and depth < 0:
        yield "KNV1061", "/spec/override/gitSyncDepth", f"{depth}: 0 (everything) or more"
    for i, role in enumerate(sequence(override.get("roleRefs"))):
        role = mapping(role)
        if role.get("kind") not in ("Role", "ClusterRole") or not role.get("name"):
            yield "KNV1061", pointer("spec", "override", "roleRefs", i), "a role reference has kind Role or ClusterRole and a name"
        elif role["kind"] == "Role" and not role.get("namespace"):
            yield "KNV1061", pointer("spec", "override", "roleRefs", i, "namespace"), "a Role is in a namespace"
    yield from _containers(override)


def _containers(override: Tree) -> Iterator[Fault]:
    for field in ("resources", "logLevels"):
        for i, entry in enumerate(sequence(override.get(field))):
            entry = mapping(entry)
            at = ("spec", "override", field, i)
            if entry.get("containerName") not in _CONTAINERS:
                yield (
                    "KNV1061",
                    pointer(*at, "containerName"),
                    f"{entry.get('containerName')!r} is none of {', '.join(sorted(_CONTAINERS))}",
                )
            level = entry.get("logLevel", 0)
            if isinstance(level, int) and not 0 <= level <= 10:
                yield "KNV1061", pointer(*at, "logLevel"), f"log level {level}: 0 to 10"
            for key in ("cpuRequest", "cpuLimit", "memoryRequest", "memoryLimit"):
                if key in entry and (_amount(entry[key]) is None or _amount(entry[key]) < 0):  # type: ignore[operator]
                    yield "KNV1061", pointer(*at, key), f"{entry[key]!r} is no quantity of 0 or more"


def _amount(value: Any) -> Fraction | None:
    try:
        return parse(value)
    except ValueError:
        return None


def _seconds(text: str) -> float | None:
    """A Go duration in seconds."""
    if not _DURATION.match(text):
        return None
    return sum(float(number) * _UNIT_SECONDS[unit] for number, unit in re.findall(r"([0-9.]+)(ns|us|ms|s|m|h)", text))
