"""Locks: which files the compiler owns, with their hashes, and which objects they describe.

One lock a cluster and one for what clusters share, so that two pull requests rarely meet in one file.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..plan.objects import DASHBOARDS, DNS, ClusterPlan, FleetPlan, Identity, Objects
from .text import json_text

VERSION = 1
LOCK = "manifest.lock"
LARGEST = 64_000_000
"""Bytes of a lock."""

Inventory = dict[str, frozenset[Identity]]
"""``<region>/<cluster>`` -> what Config Sync manages there, the RootSyncs included."""


@dataclass(frozen=True, slots=True)
class Lock:
    """One parsed lock. ``facets`` stands in the shared one; ``parts``, ``own`` and ``syncs`` in a cluster's."""

    files: Mapping[str, str]
    facets: Mapping[str, list[str]] = field(default_factory=dict)
    parts: Mapping[str, list[str]] = field(default_factory=dict)
    own: Mapping[str, list[str]] = field(default_factory=dict)
    syncs: list[str] = field(default_factory=list)


class DamagedLock(ValueError):
    """Not a lock of ours: edited, or a merge conflict."""


def shared_lock_path(platform: str) -> str:
    return f"overlays/{platform}/{LOCK}"


def cluster_lock_path(platform: str, region: str, cluster: str) -> str:
    return f"clusters/{platform}/{region}/{cluster}/{LOCK}"


def owned_by(lock_path: str) -> tuple[str, ...]:
    """Prefixes below which a lock may own files; a lock that names any other is damaged."""
    top, platform, *place = lock_path.split("/")[:-1]
    if top == "overlays":
        return tuple(f"overlays/{platform}/{folder}/" for folder in ("base", "components", DASHBOARDS, DNS))
    below = "/".join([platform, *place])
    # One of them is the management cluster's; a lock does not say so.
    return f"clusters/{below}/", f"overlays/{below}/", f"overlays/{platform}/management/"


def shared_lock(plan: FleetPlan, hashes: Mapping[str, str]) -> str:
    facets = {name: _identities(facet.base) for name, facet in plan.facets.items()}
    return _lock(hashes, {"facets": facets})


def cluster_lock(plan: FleetPlan, cluster: ClusterPlan, hashes: Mapping[str, str]) -> str:
    parts: dict[str, list[str]] = {}
    for name in sorted(cluster.facets):
        parts.setdefault(plan.facets[name].part, []).append(name)
    own = {part: _identities(cluster.own[part]) for part in sorted(cluster.own) if cluster.own[part]}
    return _lock(hashes, {"parts": {part: parts[part] for part in sorted(parts)}, "own": own, "syncs": _identities(cluster.syncs)})


def parse_lock(text: str, path: str) -> Lock:
    """Raises DamagedLock for anything that ``shared_lock`` or ``cluster_lock`` would not write at ``path``."""
    try:
        found = json.loads(text)
        if found.pop("version") != VERSION:
            raise DamagedLock(f"{path}: written by another version")
        lock = Lock(**found)
        _typed(lock)
        for owned, digest in lock.files.items():
            steps = owned.split("/")
            if not owned.startswith(owned_by(path)) or ".." in steps or "." in steps or "" in steps or len(digest) != 64:
                raise DamagedLock(f"{path}: cannot own {owned}")
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:
        if isinstance(error, DamagedLock):
            raise
        raise DamagedLock(f"{path}: not a lock") from None
    return lock


def _typed(lock: Lock) -> None:
    """Raises ValueError for anything but texts in the maps and lists that a lock has, and for a text that names no object."""
    named = [*lock.facets.values(), *lock.own.values(), lock.syncs]
    texts = [*lock.files.values(), *(name for names in (*lock.parts.values(), *named) for name in names)]
    if not all(isinstance(held, list) for held in (*lock.parts.values(), *named)) or not all(isinstance(text, str) for text in texts):
        raise ValueError("not a text")
    for identities in named:
        _parsed(identities)


def inventory(locks: Mapping[str, Lock]) -> Inventory:
    """What the clusters of ``locks`` (by path) have. A facet that the shared lock does not know counts for nothing."""
    shared = [lock for path, lock in locks.items() if path.startswith("overlays/")]
    facets = {name: _parsed(objects) for lock in shared for name, objects in lock.facets.items()}
    found: Inventory = {}
    for path, lock in locks.items():
        if not path.startswith("clusters/"):
            continue
        objects = set(_parsed(lock.syncs))
        for names in lock.parts.values():
            for name in names:
                objects.update(facets.get(name, ()))
        for own in lock.own.values():
            objects.update(_parsed(own))
        found["/".join(path.split("/")[2:4])] = frozenset(objects)
    return found


def removed_objects(old: Inventory, new: Inventory) -> list[tuple[str, Identity]]:
    """(cluster, object) for all that Config Sync would prune, clusters that leave the fleet included.

    Another API version is the same object. A Job whose successor has the same stem (its name up to the content hash)
    is replaced, not removed: Jobs are immutable.
    """
    removed = []
    for cluster, before in old.items():
        after = new.get(cluster, frozenset())
        if before == after:
            continue
        stays = {_unversioned(identity) for identity in after}
        fresh = {_stem(identity) for identity in after - before if identity.kind == "Job"}
        gone = [identity for identity in before if _unversioned(identity) not in stays]
        removed += [(cluster, identity) for identity in gone if identity.kind != "Job" or _stem(identity) not in fresh]
    return sorted(removed)


def _unversioned(identity: Identity) -> tuple[str, ...]:
    return identity.group, identity.kind, identity.namespace, identity.name


def _stem(identity: Identity) -> tuple[str, ...]:
    stem, dash, _ = identity.name.rpartition("-")
    return identity.group, identity.namespace, stem if dash else identity.name


def _identities(objects: Objects) -> list[str]:
    found = [obj.identity for obj in objects]
    return sorted([f"{one.api_version} {one.kind} {one.namespace}/{one.name}" for one in found])


def _parsed(identities: Iterable[str]) -> list[Identity]:
    found = []
    for text in identities:
        api_version, kind, name = text.split(" ")
        group, _, version = api_version.rpartition("/")
        namespace, _, name = name.partition("/")
        found.append(Identity(group, version, kind, namespace, name))
    return found


def _lock(hashes: Mapping[str, str], inventory: Mapping[str, Any]) -> str:
    """One line a file, so that two branches which touch different files merge."""
    files = ",\n".join([f"  {json_text(path)}: \"{hashes[path]}\"" for path in sorted(hashes)])
    rest = "".join([f',\n "{key}": {_entries(found)}' for key, found in inventory.items() if found])
    return f'{{\n "version": {VERSION},\n "files": {{\n{files}\n }}{rest}\n}}\n'


def _entries(found: Any) -> str:
    if isinstance(found, list):
        return "[\n" + ",\n".join([f"  {json_text(item)}" for item in found]) + "\n ]"
    return "{\n" + ",\n".join([f"  {json_text(key)}: {json_text(items)}" for key, items in found.items()]) + "\n }"
