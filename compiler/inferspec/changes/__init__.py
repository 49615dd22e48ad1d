"""What one change of a spec changes: objects and fields of every cluster, each difference once, with the lines of the spec behind it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..diagnostics import format_path
from ..emit.diff import leaf_key
from ..plan.objects import ClusterPlan, FleetPlan, Identity, Object
from ..plan.provenance import objects
from ..plan.skeleton import unfold
from ..resolve.fleet import Fleet
from ..resolve.quota import demands
from ..values import Catalogue, Derived, Origin, Scalar, SpecAt, Value, bind

ADDED, REMOVED, CHANGED = "added", "removed", "changed"
TERRAFORM, DNS = "terraform.tfvars.json", "dns/terraform.tfvars.json"
"""Files beside the objects."""
ROLLING = {"Deployment": ("spec.template.",), "LeaderWorkerSet": ("spec.leaderWorkerTemplate.",), "RayService": ("spec.rayClusterConfig.",)}
"""Kind -> fields whose change replaces its Pods."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A field: None before or after where it is not there. ``because``: lines of the spec, after the change or else before it."""

    path: str
    before: Scalar | None
    after: Scalar | None
    because: tuple[str, ...]


@dataclass(slots=True)
class Change:
    """An object, or a file beside them, that changes alike in some clusters; ``rolls``: its Pods are replaced."""

    what: str
    subject: str
    differences: tuple[Difference, ...]
    clusters: list[str] = field(default_factory=list)
    rolls: bool = False


@dataclass(frozen=True, slots=True)
class Changes:
    """``chips``: accelerator -> most that servers may ask for, before and after, where they differ."""

    changes: tuple[Change, ...]
    chips: Mapping[str, tuple[int, int]]

    def __bool__(self) -> bool:
        return bool(self.changes)


def changes(before: tuple[FleetPlan, Fleet], after: tuple[FleetPlan, Fleet]) -> Changes:
    """In the order of the clusters and objects after the change; what is gone comes last."""
    old, new = ({cluster.name: cluster for cluster in plan.clusters} for plan, _ in (before, after))
    found: dict[Any, Change] = {}
    seen: dict[tuple[int, int], tuple[Difference, ...]] = {}
    for name in dict.fromkeys([*new, *old]):
        for what, subject, differences, rolls in _of_cluster(before[0], after[0], old.get(name), new.get(name), seen):
            found.setdefault((what, subject, differences), Change(what, subject, differences, rolls=rolls)).clusters.append(name)
    records = differing(before[0].dns, after[0].dns)
    if records:
        found[DNS] = Change(CHANGED, DNS, tuple(records))
    order = {ADDED: 0, CHANGED: 0, REMOVED: 1}
    return Changes(tuple(sorted(found.values(), key=lambda change: order[change.what])), _chips(before[1], after[1]))


def _of_cluster(
    before: FleetPlan,
    after: FleetPlan,
    old: ClusterPlan | None,
    new: ClusterPlan | None,
    seen: dict[tuple[int, int], tuple[Difference, ...]],
) -> Iterator[tuple[str, str, tuple[Difference, ...], bool]]:
    """``seen``: differences of pairs of objects; clusters of one cohort share them, and then their facts are the same."""
    olds, news = _held(before, old), _held(after, new)
    same = old is not None and new is not None and old.facts == new.facts
    for identity, obj in news.items():
        was = olds.get(identity)
        if was is None:
            yield ADDED, _named(identity), (), False
            continue
        differences = seen.get((id(was), id(obj))) if same else None
        if differences is None:
            assert old is not None and new is not None
            differences = tuple(_differences(was, obj, old.facts, new.facts))
            if same:
                seen[id(was), id(obj)] = differences
        if differences:
            yield CHANGED, str(identity), differences, _rolls(identity, differences)
    for identity in olds:
        if identity not in news:
            yield REMOVED, _named(identity), (), False
    told = differing(old.terraform if old is not None else {}, new.terraform if new is not None else {})
    if told:
        yield CHANGED, TERRAFORM, tuple(told), False


def _held(plan: FleetPlan, cluster: ClusterPlan | None) -> dict[Identity, Object]:
    """RootSyncs last: of which revision a cluster reads what."""
    if cluster is None:
        return {}
    return {obj.identity: obj for obj in (*(obj for _, _, obj in objects(plan, cluster)), *cluster.syncs)}


def _named(identity: Identity) -> str:
    """With its API: what changes that alone is another object."""
    return f"{identity} ({identity.api_version})"


def _rolls(identity: Identity, differences: tuple[Difference, ...]) -> bool:
    return any(d.path.startswith(ROLLING.get(identity.kind, ())) for d in differences)


def _differences(before: Object, after: Object, old: Mapping[str, Scalar], new: Mapping[str, Scalar]) -> Iterator[Difference]:
    was, now = dict(_leaves(unfold(before), "")), dict(_leaves(unfold(after), ""))
    for path in dict.fromkeys([*now, *was]):
        a, b = was.get(path), now.get(path)
        left, right = _bound(a, old), _bound(b, new)
        if (a is None) != (b is None) or (a is not None and leaf_key(left) != leaf_key(right)):
            yield Difference(path, left, right, _because(b) or _because(a))


def _bound(leaf: Any, facts: Mapping[str, Scalar]) -> Any:
    return bind(leaf, facts) if isinstance(leaf, Value) else leaf


def _because(leaf: Any) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_lines(leaf.origin))) if isinstance(leaf, Value) else ()


def _lines(origin: Origin) -> Iterator[str]:
    """Places of the spec; a row of the stack profile is there because of ``stack``."""
    if isinstance(origin, SpecAt):
        yield format_path(origin.path)
    elif isinstance(origin, Catalogue) and origin.row.startswith("stacks."):
        yield "stack"
    elif isinstance(origin, Derived):
        for value in origin.inputs:
            yield from _lines(value.origin)


def _leaves(node: Any, at: str) -> Iterator[tuple[str, Any]]:
    """Path -> scalar. Items of a list go by their names; those that have none by what they say, so that one more of them is one more."""
    if isinstance(node, dict):
        for key, item in node.items():
            yield from _leaves(item, f"{at}.{key}" if at else str(key))
    elif isinstance(node, list):
        counted: Counter[str] = Counter()
        for i, item in enumerate(node):
            mark = _mark(item, i)
            counted[mark] += 1
            again = f" ({counted[mark]})" if counted[mark] > 1 else ""
            yield from _leaves(item, f"{at}[{mark}{again}]")
    else:
        yield at, node


def _mark(item: Any, index: int) -> str:
    """An argument goes by its flag, so that another value of it is a change; any other text by itself."""
    if isinstance(item, dict):
        item = item.get("name", item.get("key", index))
    if isinstance(item, (dict, list)):
        return str(index)
    text = str(item.v if isinstance(item, Value) else item)
    return text.partition("=")[0] if text.startswith("--") else text


def differing(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Difference]:
    """Of plain data: no line of the spec is known."""
    was, now = dict(_leaves(dict(before), "")), dict(_leaves(dict(after), ""))
    return [Difference(path, was.get(path), now.get(path), ()) for path in dict.fromkeys([*now, *was]) if was.get(path) != now.get(path)]


def _chips(before: Fleet, after: Fleet) -> dict[str, tuple[int, int]]:
    totals = [Counter[str](), Counter[str]()]
    for fleet, total in zip((before, after), totals, strict=True):
        for demand in demands(fleet):
            machine = fleet.catalogue.machines[fleet.platform.capacity_classes[demand.capacity].shape[0]]
            total[machine.accelerator] += demand.most
    return {name: (totals[0][name], totals[1][name]) for name in sorted({*totals[0], *totals[1]}) if totals[0][name] != totals[1][name]}
