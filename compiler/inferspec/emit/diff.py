"""Difference of two manifests as JSON 6902 operations, and the strict application of such operations.

Leaves are scalars or ``Value``s; a cluster fact equals only the same fact. The operations come in an order in which no
pointer shifts under a later one: within a list, changes at old indexes, removals from the last to the first, additions
at final indexes from the first to the last.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal, NamedTuple

from ..plan.skeleton import clone
from ..values import Value

Path = tuple[str | int, ...]


class Op(NamedTuple):
    """One operation. ``value`` is None for a removal."""

    op: Literal["add", "remove", "replace"]
    path: Path
    value: Any = None


class NotApplicable(ValueError):
    """An operation has no place to act on."""


def leaf_key(leaf: Any) -> tuple[Any, Any]:
    """What makes two leaves equal. The type counts: Python's ``True == 1 == 1.0`` is not ours."""
    if type(leaf) is Value:
        return (Value, leaf.fact) if leaf.fact is not None else (type(leaf.v), leaf.v)
    return type(leaf), leaf


def frozen(tree: Any) -> Any:
    """A hashable form: equal for equal trees, whatever the order of keys."""
    if type(tree) is dict:
        return dict, frozenset([(key, frozen(item)) for key, item in tree.items()])
    if type(tree) is list:
        return list, *[frozen(item) for item in tree]
    return leaf_key(tree)


def same(a: Any, b: Any) -> bool:
    if type(a) is dict and type(b) is dict:
        return a.keys() == b.keys() and all(same(item, b[key]) for key, item in a.items())
    if type(a) is list and type(b) is list:
        return len(a) == len(b) and all(map(same, a, b))
    if type(a) in (dict, list) or type(b) in (dict, list):
        return False
    return leaf_key(a) == leaf_key(b)


def diff(a: Any, b: Any) -> list[Op]:
    """Operations that make ``a`` into ``b``: ``same(apply(diff(a, b), a), b)``."""
    return list(_diff(a, b, ()))


def _diff(a: Any, b: Any, at: Path) -> Iterator[Op]:
    if type(a) is dict and type(b) is dict:
        for key in a:
            if key not in b:
                yield Op("remove", (*at, key))
        for key, item in b.items():
            if key in a:
                yield from _diff(a[key], item, (*at, key))
            else:
                yield Op("add", (*at, key), item)
    elif type(a) is list and type(b) is list:
        if not same(a, b):  # most are, and what tells their items apart is dear
            yield from _list_diff(a, b, at)
    elif not same(a, b):
        yield Op("replace", at, b)


def _list_diff(a: list[Any], b: list[Any], at: Path) -> Iterator[Op]:
    old, new = [_item_key(item) for item in a], [_item_key(item) for item in b]
    old_places = {key: place for place, key in enumerate(old)}
    new_places = {key: place for place, key in enumerate(new)}
    kept = [key for key in old if key in new_places]
    ambiguous = len(old_places) < len(old) or len(new_places) < len(new)
    if len(a) == len(b) and all(old_places[key] == new_places[key] for key in kept) and not (ambiguous and old != new):
        yield from _in_place(a, b, at)
        return
    if ambiguous or not kept or kept != [key for key in new if key in old_places]:
        # Reordered, ambiguous or nothing in common: operations on single items would be wrong or longer.
        if not same(a, b):
            yield Op("replace", at, b)
        return
    for place, key in enumerate(old):
        if key in new_places:
            yield from _diff(a[place], b[new_places[key]], (*at, place))
    for place in range(len(a) - 1, -1, -1):
        if old[place] not in new_places:
            yield Op("remove", (*at, place))
    for place, key in enumerate(new):
        if key not in old_places:
            yield Op("add", (*at, place), b[place])


def _in_place(a: list[Any], b: list[Any], at: Path) -> Iterator[Op]:
    for place, (item, other) in enumerate(zip(a, b, strict=True)):
        named = type(item) is dict and type(other) is dict and ("name" in item or "name" in other)
        if named and _item_key(item) != _item_key(other):
            # Another thing, not the same thing renamed.
            yield Op("replace", (*at, place), other)
        else:
            yield from _diff(item, other, (*at, place))


def _item_key(item: Any) -> Any:
    if type(item) is dict and type(name := item.get("name")) in (str, Value):
        return "name", leaf_key(name)
    return frozen(item)


def apply(ops: Iterable[Op], tree: Any) -> Any:
    """A changed copy of ``tree``. Raises NotApplicable where kustomize would fail, and where it would silently create
    the field that a ``replace`` names."""
    changed = clone(tree)
    for op in ops:
        if not op.path:
            changed = clone(op.value)
            continue
        *parents, last = op.path
        _act(op, _at(changed, parents, op), last)
    return changed


def _at(tree: Any, path: Sequence[str | int], op: Op) -> Any:
    for step in path:
        if not _holds(tree, step):
            raise NotApplicable(f"{op.op} {op.path}: no {step!r}")
        tree = tree[step]
    return tree


def _holds(tree: Any, step: str | int) -> bool:
    if type(tree) is dict:
        return step in tree
    return type(tree) is list and type(step) is int and 0 <= step < len(tree)


def _act(op: Op, parent: Any, last: str | int) -> None:
    if op.op == "add":
        if type(parent) is dict and type(last) is str:
            parent[last] = clone(op.value)
        elif type(parent) is list and type(last) is int and 0 <= last <= len(parent):
            parent.insert(last, clone(op.value))
        else:
            raise NotApplicable(f"add {op.path}: no place for it")
    elif not _holds(parent, last):
        raise NotApplicable(f"{op.op} {op.path}: nothing there")
    elif op.op == "replace":
        parent[last] = clone(op.value)
    else:
        del parent[last]
