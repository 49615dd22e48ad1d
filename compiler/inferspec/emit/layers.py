"""Base, facts, layers and residual of each facet, as operations.

A cluster's object is base, then facts, then its layers from least to most specific, then its residual. The residual is
the difference between what the others compose and what the plan says, so the result is exact whatever the layers do.
Facts stay symbolic: all clusters that share objects and layers share one residual.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..plan.objects import ClusterPlan, Facet, FleetPlan, Identity, Object, Objects, Skeleton
from ..plan.skeleton import Hole, fill, unfold
from ..values import SENTINEL, Scalar, Value
from .diff import NotApplicable, Op, Path, apply, diff, leaf_key, same

_BINDABLE = re.compile(r"[A-Za-z0-9._:/@-]+")
"""Facts that survive a ConfigMap literal and a replacement unchanged; any other is a patch."""

FACTS = "facts"
"""Suffix of the component that binds facts, beside the names of layers."""

_DNS_LABEL = re.compile(r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?")
_FIELD_STEP = re.compile(r"(?![0-9]+$)(?!-$)[A-Za-z0-9_./-]+")

Patch = tuple[Identity, tuple[Op, ...]]


class EmitError(ValueError):
    """The plan breaks an assumption of the tree's format: a fault of the compiler, not of the spec."""


class Note(NamedTuple):
    """A layer left out of the overlays of some clusters, because it does not apply after an earlier one."""

    facet: str
    layer: str
    after: tuple[str, ...]
    object: Identity
    reason: str


class Composite(NamedTuple):
    """What base, facts and layers make of a facet, up to the first layer that does not apply, which ``refused`` names."""

    trees: tuple[Any, ...]
    refused: Note | None = None


def bindable(value: Scalar) -> bool:
    """Whether a fact can reach its fields by ``replacements``. Numbers cannot: the base holds text there."""
    return type(value) is str and _BINDABLE.fullmatch(value) is not None


@dataclass(frozen=True, slots=True, eq=False)
class _Slot:
    """A hole of a target object and what the composite holds there."""

    hole: int
    path: Path
    key: Any


class Stack:
    """One facet: its base, the places of its facts, its layers' operations; composites and residuals on demand."""

    def __init__(self, facet: Facet, by_fact: Callable[[Identity], bool]) -> None:
        self.facet = facet
        self.places = {obj.identity: place for place, obj in enumerate(facet.base)}
        if not facet.base or len(self.places) != len(facet.base):
            raise EmitError(f"facet {facet.name}: no objects, or one object twice")
        if FACTS in facet.layers:
            raise EmitError(f"facet {facet.name}: {FACTS!r} cannot be the name of a layer")
        self.bindings = self._bindings(by_fact)
        bound = [(fact, identity, path) for fact, fields in self.bindings.items() for identity, path in fields]
        self._bound = frozenset(bound)
        self._drawn: dict[str, Objects] = {}
        self.layers = {name: ops for name, objects in facet.layers.items() if any(ops := self._layer(name, objects))}
        self._composites: dict[Any, Composite] = {}
        self._residuals: dict[Any, tuple[Patch, ...]] = {}
        self._slots: dict[Any, tuple[_Slot, ...] | None] = {}

    def _bindings(self, by_fact: Callable[[Identity], bool]) -> dict[str, tuple[tuple[Identity, Path], ...]]:
        found: dict[str, list[tuple[Identity, Path]]] = {}
        for obj in self.facet.base:
            for path, leaf in zip(obj.skeleton.holes, obj.leaves, strict=True):
                if leaf.fact is not None and by_fact(obj.identity) and _is_field_path(path):
                    found.setdefault(leaf.fact, []).append((obj.identity, path))
        return {fact: tuple(found[fact]) for fact in sorted(found)}

    def _layer(self, name: str, objects: Objects) -> tuple[tuple[Op, ...], ...]:
        """Operations of one layer, object by object in the order of the base."""
        self._drawn[name] = self._placed(objects, f"layer {name}")
        pairs = zip(self.facet.base, self._drawn[name], strict=True)
        return tuple([() if _alike(obj, base) else tuple(diff(unfold(base), unfold(obj))) for base, obj in pairs])

    def _placed(self, objects: Objects, where: str) -> Objects:
        """``objects`` in the order of the base."""
        placed = {self.places.get(obj.identity, -1): obj for obj in objects}
        if len(objects) != len(self.places) or placed.keys() != set(range(len(self.places))):
            raise EmitError(f"facet {self.facet.name}: {where} has other objects than the base")
        return tuple([placed[place] for place in range(len(self.places))])

    @property
    def changed(self) -> frozenset[Identity]:
        """The objects that a layer changes."""
        return frozenset([obj.identity for layer in self.layers.values() for obj, ops in zip(self.facet.base, layer, strict=True) if ops])

    @property
    def notes(self) -> list[Note]:
        """Every layer that was refused so far, each finding once."""
        return list(dict.fromkeys(one.refused for one in self._composites.values() if one.refused))

    def composite(self, layers: tuple[str, ...], unbindable: frozenset[str]) -> Composite:
        """Those of ``layers`` that change the facet on the base, facts bound but for ``unbindable``."""
        key = (tuple([name for name in layers if name in self.layers]), unbindable.intersection(self.bindings))
        if key not in self._composites:
            self._composites[key] = self._composed(*key)
        return self._composites[key]

    def refused(self, layers: tuple[str, ...], unbindable: frozenset[str]) -> Note | None:
        """The first of ``layers`` that does not apply after those before it; one alone always does, for it was made from the base."""
        return self.composite(layers, unbindable).refused if sum(name in self.layers for name in layers) > 1 else None

    def _composed(self, layers: tuple[str, ...], unbindable: frozenset[str]) -> Composite:
        trees = [self._base_tree(obj, unbindable) for obj in self.facet.base]
        for i, name in enumerate(layers):
            for place, ops in enumerate(self.layers[name]):
                try:
                    trees[place] = apply(map(unbound, ops), trees[place]) if ops else trees[place]
                except NotApplicable as error:
                    identity = self.facet.base[place].identity
                    return Composite(tuple(trees), Note(self.facet.name, name, layers[:i], identity, str(error)))
        return Composite(tuple(trees))

    def _base_tree(self, obj: Object, unbindable: frozenset[str]) -> Any:
        leaves: list[Any] = []
        for path, leaf in zip(obj.skeleton.holes, obj.leaves, strict=True):
            fact = leaf.fact
            stays = fact is not None and (fact in unbindable or (fact, obj.identity, path) not in self._bound)
            leaves.append(SENTINEL if stays else leaf)
        return fill(obj.skeleton, leaves)

    def residual(self, layers: tuple[str, ...], objects: Objects, unbindable: frozenset[str] = frozenset()) -> tuple[Patch, ...]:
        """The patches that make ``objects`` of the base and of layers that apply."""
        own = tuple([name for name in layers if name in self.layers])
        # By identity: the plan holds the tuples for as long as the fleet is emitted, and cohorts share them.
        key = (id(objects), own, unbindable)
        found = self._residuals.get(key)
        if found is None:
            made: Objects | tuple[None, ...] = (None,) * len(self.places)
            if len(own) < 2:
                made = self._drawn[own[0]] if own else self.facet.base
            left = [(i, obj) for i, obj in enumerate(self._placed(objects, "a cluster")) if not _is_made(obj, made[i])]
            patches = [(obj.identity, self._remaining(self.composite(own, unbindable), i, obj)) for i, obj in left]
            found = self._residuals[key] = tuple([patch for patch in patches if patch[1]])
        return found

    def _remaining(self, composite: Composite, place: int, obj: Object) -> tuple[Op, ...]:
        """Leaf by leaf where the structure is the same, else by tree difference, which is then tried."""
        key = (id(composite), place, id(obj.skeleton))
        if key not in self._slots:
            self._slots[key] = _aligned(composite.trees[place], obj.skeleton)
        slots = self._slots[key]
        if slots is not None:
            leaves = obj.leaves
            return tuple([Op("replace", slot.path, leaves[slot.hole]) for slot in slots if leaf_key(leaves[slot.hole]) != slot.key])
        target = unfold(obj)
        ops = tuple(diff(composite.trees[place], target))
        if not same(apply(ops, composite.trees[place]), target):
            raise EmitError(f"{obj.identity}: the residual does not make the object")
        return ops


class Stacks(Mapping[str, Stack]):
    """The stacks of a fleet, by facet."""

    def __init__(self, plan: FleetPlan) -> None:
        ambiguous = _ambiguous(plan)
        self._stacks = {
            name: Stack(facet, lambda identity: _DNS_LABEL.fullmatch(identity.name) is not None and identity not in ambiguous)
            for name, facet in plan.facets.items()
        }
        self._facts = frozenset(fact for stack in self._stacks.values() for fact in stack.bindings)

    def __getitem__(self, facet: str) -> Stack:
        return self._stacks[facet]

    def __iter__(self) -> Iterator[str]:
        return iter(self._stacks)

    def __len__(self) -> int:
        return len(self._stacks)

    @property
    def notes(self) -> list[Note]:
        return [note for stack in self._stacks.values() for note in stack.notes]

    def unbindable(self, cluster: ClusterPlan) -> frozenset[str]:
        """The facts that components bind everywhere else and this cluster has to patch."""
        facts = cluster.facts
        return frozenset([name for name in self._facts if name in facts and not bindable(facts[name])])

    def listed(self, facets: Sequence[str], applying: tuple[str, ...], unbindable: frozenset[str] = frozenset()) -> tuple[str, ...]:
        """Those of ``applying`` that a cluster lists for ``facets`` whose layers stand in the same components: what changes one
        of them and applies to all. The residual makes up for the others."""
        stacks = [self._stacks[name] for name in facets]
        left = tuple([layer for layer in applying if any(layer in stack.layers for stack in stacks)])
        while refused := next((note for stack in stacks if (note := stack.refused(left, unbindable))), None):
            left = tuple([layer for layer in left if layer != refused.layer])
        return left


def _alike(a: Object, b: Object) -> bool:
    return a is b or (a.skeleton is b.skeleton and all(leaf_key(x) == leaf_key(y) for x, y in zip(a.leaves, b.leaves, strict=True)))


def _is_made(obj: Object, made: Object | None) -> bool:
    """Whether base and one layer make ``obj`` without a closer look: it is what the layer was made from, and binds no fact."""
    return made is not None and _alike(obj, made) and all(leaf.fact is None for leaf in obj.leaves)


def _ambiguous(plan: FleetPlan) -> frozenset[Identity]:
    """Core objects that a replacement cannot tell from one of another group with the same kind and name.

    An empty group in ``select`` means any group: ``Service`` also hits Knative's.
    """
    seen: dict[tuple[str, ...], set[Identity]] = {}
    groups: Iterable[Objects] = [facet.base for facet in plan.facets.values()]
    own = [objects for cluster in plan.clusters for objects in cluster.own.values()]
    for objects in [*groups, *own]:
        for obj in objects:
            seen.setdefault(obj.identity[1:], set()).add(obj.identity)
    return frozenset(one for same_name in seen.values() if len(same_name) > 1 for one in same_name if not one.group)


def _is_field_path(path: Path) -> bool:
    """Whether ``replacements`` of both kustomize versions read the path as we mean it. A numeric key is an index there."""
    return all(type(step) is int or _FIELD_STEP.fullmatch(step) for step in path)  # type: ignore[arg-type]


def unbound(op: Op) -> Op:
    """The operation as a component holds it: facts are bound before layers, so in what a layer adds they stay sentinels."""
    return op if op.value is None else Op(op.op, op.path, _without_facts(op.value))


def _without_facts(node: Any) -> Any:
    if type(node) is dict:
        return {key: _without_facts(item) for key, item in node.items()}
    if type(node) is list:
        return [_without_facts(item) for item in node]
    return SENTINEL if type(node) is Value and node.fact is not None else node


def _aligned(tree: Any, skeleton: Skeleton) -> tuple[_Slot, ...] | None:
    """The holes of ``skeleton`` over ``tree``, or None where they differ in anything but holes."""
    slots: list[_Slot] = []

    def walk(node: Any, pattern: Any, path: Path) -> bool:
        if type(pattern) is Hole:
            if type(node) in (dict, list):
                return False
            slots.append(_Slot(pattern.i, path, leaf_key(node)))
            return True
        if type(pattern) is dict and type(node) is dict:
            return pattern.keys() == node.keys() and all(walk(node[key], item, (*path, key)) for key, item in pattern.items())
        if type(pattern) is list and type(node) is list:
            return len(pattern) == len(node) and all(walk(node[i], item, (*path, i)) for i, item in enumerate(pattern))
        return type(pattern) not in (dict, list) and type(node) not in (dict, list) and leaf_key(node) == leaf_key(pattern)

    return tuple(slots) if walk(tree, skeleton.tree, ()) else None
