"""Config Sync's rules, checked offline over what is emitted: one synced directory, and the syncs of one cluster together.

KNV codes are Config Sync's own. Where its pre-merge check is silent although something bad happens in the cluster, the code is a
word of ours.
"""

from __future__ import annotations

import posixpath
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..emit.strays import PARSED
from .findings import Finding, group_of, mapping, title
from .root_sync import sync_faults
from .scopes import Scopes
from .sync_objects import CLUSTER_SELECTOR, MANAGED, annotations_of, is_local, list_items, object_faults, parse_depends_on

SyncFinding = Finding
Tree = Mapping[str, Any]
Placed = tuple[str, Tree]
"""A file's path below the synced directory, and one object in it."""

KUSTOMIZATIONS = frozenset({"kustomization.yaml", "kustomization.yml", "Kustomization"})
SKIPPED = frozenset({".git", ".github", ".gitlab", ".gitlab-ci.yml"})
OBJECTS_MAX = 1000
"""Recommended ceiling of Config Sync's pre-merge check; the inventory holds about 5,000."""
SLOW_KINDS = frozenset({("apps", "Deployment"), ("apps", "StatefulSet"), ("leaderworkerset.x-k8s.io", "LeaderWorkerSet")})


def check_sync_dir(
    files: Mapping[str, str], objects: Sequence[Placed] | None = None, *, sync: Tree | None = None, limit: int = OBJECTS_MAX
) -> list[SyncFinding]:
    """Everything wrong with one synced directory.

    files    text by posix path below the directory, all of it
    objects  what Config Sync would apply: the rendered objects where the directory is rendered. None: parse them from the files
    sync     the RootSync or RepoSync that reads the directory, if known
    """
    rendered = any(name in files for name in KUSTOMIZATIONS)
    parsed, found = parse_files(files)
    found += _kustomizations(files, rendered)
    placed = [p for p in (parsed if objects is None else objects) if not is_local(p[1])]
    trees = [tree for _, tree in placed]
    scopes = Scopes(trees)
    repo_sync = mapping(sync).get("kind") == "RepoSync"
    for path, tree in placed:
        faults = list(object_faults(tree, scopes, repo_sync=repo_sync))
        if group_of(tree) == "configsync.gke.io" and tree.get("kind") in ("RootSync", "RepoSync"):
            faults += sync_faults(tree)
        found += [Finding(code, message, title(tree), field, path) for code, field, message in faults]
    found += _together(placed, scopes)
    if sync is not None:
        found += _itself(placed, sync)
    if len(trees) > limit:
        found.append(Finding("KNV1070", f"{len(trees)} objects in one sync, at most {limit} are recommended"))
    return found


def check_syncs(syncs: Mapping[str, Sequence[Placed]]) -> list[SyncFinding]:
    """Objects that two syncs of one cluster would fight over, and namespaces that more than one declares."""
    owners: dict[tuple[str, str, str, str], list[tuple[str, str, Tree]]] = defaultdict(list)
    for name, placed in syncs.items():
        for path, tree in placed:
            if not is_local(tree) and annotations_of(tree).get(MANAGED) != "disabled":
                owners[_identity(tree)].append((name, path, tree))
    found = []
    for held in owners.values():
        if len({name for name, _, _ in held}) > 1:
            _, path, tree = held[-1]
            said = ", ".join(f"{name} ({where})" for name, where, _ in held)
            found.append(Finding("KNV1060", f"managed by more than one sync: {said}", title(tree), "/metadata/name", path))
    return found


def parse_files(files: Mapping[str, str]) -> tuple[list[Placed], list[SyncFinding]]:
    """Every object Config Sync would parse, and every file it could not (KNV2001). Kustomizations are left out."""
    import yaml

    placed: list[Placed] = []
    found: list[SyncFinding] = []
    for path, text in sorted(files.items()):
        if not _is_parsed(path) or posixpath.basename(path) in KUSTOMIZATIONS:
            continue
        try:
            # YAML 1.1 on purpose: that is how the cluster reads `on` and `n`. JSON is a subset of what this reader takes.
            documents = list(yaml.load_all(text, Loader=yaml.CSafeLoader))
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            where = f"line {mark.line + 1}: " if mark else ""
            found.append(Finding("KNV2001", f"{where}{getattr(error, 'problem', None) or error}", file=path))
            continue
        if path.endswith(".json") and len(documents) > 1:
            found.append(Finding("KNV2001", "a JSON file holds exactly one object", file=path))
        for document in documents:
            if document is None:
                continue
            if not isinstance(document, Mapping) or not document.get("kind") or not document.get("apiVersion"):
                found.append(
                    Finding("KNV2001", "not a Kubernetes object: kind or apiVersion is missing; nothing else may stand here", file=path)
                )
                continue
            placed += [(path, item) for item in list_items(document)]
    return placed, found


def _is_parsed(path: str) -> bool:
    return path.endswith(PARSED) and not SKIPPED.intersection(path.split("/"))


def _kustomizations(files: Mapping[str, str], rendered: bool) -> Iterator[SyncFinding]:
    for path in sorted(files):
        if posixpath.basename(path) in KUSTOMIZATIONS and "/" in path:
            if rendered:
                yield Finding("stray-kustomization", "a kustomization stands at the top of a synced directory only", file=path)
            else:
                yield Finding("KNV1068", "kustomization config file is missing from the sync directory", file=path)


def _identity(tree: Tree) -> tuple[str, str, str, str]:
    """Group, kind, namespace, name: the version does not count."""
    metadata = mapping(tree.get("metadata"))
    return group_of(tree), str(tree.get("kind")), str(metadata.get("namespace", "")), str(metadata.get("name"))


def _together(placed: Sequence[Placed], scopes: Scopes) -> Iterator[SyncFinding]:
    """Rules on the objects of one sync among each other."""
    seen: dict[tuple[str, str, str, str], str] = {}
    selectors = {mapping(t.get("metadata")).get("name") for _, t in placed if t.get("kind") == "ClusterSelector"}
    unmanaged = {
        mapping(t.get("metadata")).get("name")
        for _, t in placed
        if t.get("kind") == "Namespace" and annotations_of(t).get(MANAGED) == "disabled"
    }
    for path, tree in placed:
        key = _identity(tree)
        if mapping(tree.get("metadata")).get("name") and key in seen:
            said = (
                f"two {key[1]}s of group {key[0] or 'core'} named {key[3]}"
                + (f" in {key[2]}" if key[2] else "")
                + f"; the other: {seen[key]}"
            )
            yield Finding("KNV1029", said, title(tree), "/metadata/name", path)
        seen.setdefault(key, path)
        legacy = annotations_of(tree).get(CLUSTER_SELECTOR)
        if legacy is not None and legacy not in selectors:
            yield Finding("KNV1013", f"no ClusterSelector {legacy} in the source", title(tree), "/metadata/annotations", path)
        managed = annotations_of(tree).get(MANAGED) != "disabled"
        if managed and key[2] and key[2] in unmanaged:
            yield Finding("KNV1056", f"managed object in the unmanaged Namespace {key[2]}", title(tree), "/metadata/namespace", path)
    for path, tree in placed:
        yield from _slow_dependencies(path, tree)


def _slow_dependencies(path: str, tree: Tree) -> Iterator[SyncFinding]:
    """A model server loads for longer than the reconcile timeout: whatever waits on it is skipped with an error."""
    for reference in parse_depends_on(tree):
        parts = reference.split("/")
        if len(parts) in (3, 5) and (parts[0], parts[-2]) in SLOW_KINDS:
            yield Finding(
                "depends-on-server",
                f"waits on {parts[-2]} {parts[-1]}, which may load for many minutes",
                title(tree),
                "/metadata/annotations",
                path,
            )


def _itself(placed: Sequence[Placed], sync: Tree) -> Iterator[SyncFinding]:
    for path, tree in placed:
        if _identity(tree) == _identity(sync):
            yield Finding("KNV1069", "a sync must not manage itself", title(tree), "/metadata/name", path)
