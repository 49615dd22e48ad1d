"""What ``kustomize build`` gives, against the object model: object by object, as canonical JSON.

Neither text nor order is compared, because kustomize sorts objects and keys; and not Python's ``==``, for which
``True``, ``1`` and ``1.0`` are one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

from ..emit.layers import bindable
from ..plan.objects import ClusterPlan, FleetPlan, Identity
from ..plan.reading import ReadError, read_manifests
from ..plan.scalars import refusal
from ..plan.skeleton import leaves_of, pointer
from ..values import SENTINEL

Kind = Literal["unreadable", "no identity", "twice", "missing", "extra", "differs", "sentinel", "not storable"]


class Difference(NamedTuple):
    """One way in which a build is not the plan. ``expected`` and ``built`` are JSON, or "" where there is nothing."""

    kind: Kind
    identity: Identity | None
    pointer: str = ""
    expected: str = ""
    built: str = ""


def canonical(tree: Any) -> str:
    return json.dumps(tree, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def compare(built_yaml: bytes, expected: Mapping[Identity, Any]) -> list[Difference]:
    """Every difference between the output of a build and the objects it must give; empty if it is proven."""
    try:
        manifests = read_manifests(built_yaml)
    except ReadError as error:
        return [Difference("unreadable", None, built=str(error))]
    found: list[Difference] = []
    built: dict[Identity, Any] = {}
    for manifest in manifests:
        identity = identity_of(manifest)
        if identity is None:
            found.append(Difference("no identity", None, built=canonical(manifest)[:200]))
        elif identity in built:
            found.append(Difference("twice", identity))
        else:
            built[identity] = manifest
    found += [Difference("extra", identity) for identity in built if identity not in expected]
    for identity, tree in expected.items():
        if identity not in built:
            found.append(Difference("missing", identity))
            continue
        found += _faults(identity, built[identity])
        if canonical(tree) != canonical(built[identity]):
            found += _differences(identity, tree, built[identity])
    return found


def identity_of(manifest: Any) -> Identity | None:
    """The identity of a plain manifest, or None if it has none."""
    metadata = manifest.get("metadata") if isinstance(manifest, dict) else None
    if not isinstance(metadata, dict):
        return None
    fields = [manifest.get("apiVersion"), manifest.get("kind"), metadata.get("namespace", ""), metadata.get("name")]
    if not all(isinstance(value, str) for value in fields):
        return None
    group, _, version = fields[0].rpartition("/")
    return Identity(group, version, *fields[1:])


def structures(plan: FleetPlan, cluster: ClusterPlan) -> frozenset[Any]:
    """What a build of the cluster proves: equal for clusters whose builds differ in leaves alone.

    Of each facet its shape (the skeletons, which are the same object for one shape within one process) and each of its
    layers; of each part the shape of the cluster's own objects; the facts that components cannot bind. No patch reaches from
    one facet into another, and how layers combine is applied in Python for every cohort, so clusters that hold every
    structure between them stand for the fleet. ``verify --all`` builds each.
    """
    found: set[Any] = {frozenset([name for name, value in cluster.facts.items() if not bindable(value)])}
    for name, held in (*cluster.facets.items(), *cluster.own.items()):
        found.add((name, tuple([id(obj.skeleton) for obj in held])))
    for name in cluster.facets:
        found.update((name, layer) for layer in cluster.layers if layer in plan.facets[name].layers)
    return frozenset(found)


def cover(plan: FleetPlan) -> list[ClusterPlan]:
    """Clusters that hold every structure of the fleet, few of them, in the order of the plan."""
    held: dict[frozenset[Any], ClusterPlan] = {}
    for cluster in plan.clusters:
        held.setdefault(structures(plan, cluster), cluster)
    left = frozenset().union(*held)
    chosen: list[ClusterPlan] = []
    while left:
        best = max(held, key=lambda present: len(present & left))
        chosen.append(held[best])
        left -= best
    order = {cluster.name: i for i, cluster in enumerate(plan.clusters)}
    return sorted(chosen, key=lambda cluster: order[cluster.name])


def faults(tree: Any) -> list[tuple[str, str]]:
    """(JSON pointer, problem) for each leaf that must not stand in an emitted object: sentinel, empty, null, float."""
    found = []
    for path, leaf in leaves_of(tree):
        if isinstance(leaf, str) and SENTINEL in leaf:
            found.append((pointer(path), "sentinel"))
        elif problem := ("empty" if leaf == {} or leaf == [] else refusal(leaf)):
            found.append((pointer(path), problem))
    return found


def _faults(identity: Identity, tree: Any) -> Iterator[Difference]:
    for where, problem in faults(tree):
        yield Difference("sentinel" if problem == "sentinel" else "not storable", identity, where, built=problem)


def _differences(identity: Identity, expected: Any, built: Any) -> Iterator[Difference]:
    wanted = {pointer(path): canonical(leaf) for path, leaf in leaves_of(expected)}
    present = {pointer(path): canonical(leaf) for path, leaf in leaves_of(built)}
    for where in dict.fromkeys([*wanted, *present]):
        if wanted.get(where) != present.get(where):
            yield Difference("differs", identity, where, wanted.get(where, ""), present.get(where, ""))
