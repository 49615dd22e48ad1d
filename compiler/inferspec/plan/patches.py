"""Fields set by hand: ``patches`` of a service, applied to its objects before they become layers or residuals.

They never reach kustomize as they are, so a patch that hits nothing, or that would break what other objects rely on, is found here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ..diagnostics import SpecPath, parse_path
from ..model.serving import Patch
from ..values import SpecAt, Value
from .objects import Object, Objects
from .owned import CLASS, owned
from .skeleton import Skeletons, clone, unfold

_WAYS = {
    "eplicas": "scale: {min: N, max: N} says how many",
    "ReplicaCount": "scale: {min: N, max: N} says how many",
    ".resources": "resources: {cpu: N, memory: N} of the service says what its server asks for",
    ".args": "flags of the service are its command line",
    f"[{CLASS}]": "capacity of the service says which machines it runs on",
}
"""Ends of paths."""
_CONTAINER = re.compile(r"(.*spec\.(?:containers|initContainers)\.)[^.]+")
_A_PATH = "a path such as env.NCCL_DEBUG or spec.template.spec.schedulerName"


class Problem(NamedTuple):
    """A patch that cannot be applied; ``path`` is where it is written."""

    code: str
    path: SpecPath
    message: str
    help: str = ""


class _Refused(Exception):
    """Code, message, help."""


def apply_patches(
    skeletons: Skeletons, objects: Objects, patches: Iterable[tuple[SpecPath, Patch]], hits: set[SpecPath]
) -> tuple[Objects, list[Problem]]:
    """``objects`` with the patches applied, and what is wrong with them. ``hits`` collects the patches that found an object."""
    found: list[Problem] = []
    for path, patch in patches:
        objects = tuple(_patched(skeletons, obj, path, patch, hits, found) for obj in objects)
    return objects, found


def _patched(skeletons: Skeletons, obj: Object, path: SpecPath, patch: Patch, hits: set[SpecPath], found: list[Problem]) -> Object:
    if obj.identity.kind != patch.target or patch.name not in (None, obj.identity.name):
        return obj
    tree = unfold(obj)
    if patch.container is not None and _container(tree, patch.container) is None:
        return obj
    hits.add(path)
    for field, value in patch.set.items():
        at = (*path, "set", field)
        if any(problem.path == at for problem in found):
            continue  # of a patch of several objects one finding is enough
        changed = clone(tree)
        try:
            _set(changed if patch.container is None else _container(changed, patch.container) or {}, field, value, at)
            _refuse_owned(owned(tree), owned(changed))
            tree = changed
        except _Refused as refused:
            found.append(Problem(refused.args[0], at, f"{obj.identity}: {refused.args[1]}", refused.args[2]))
    return skeletons.fold(obj.skeleton.template, tree)


def _container(tree: Any, name: str) -> dict[str, Any] | None:
    spec = tree.get("spec", {}).get("template", {}).get("spec", {})
    held = [*spec.get("containers", ()), *spec.get("initContainers", ())]
    return next((c for c in held if c.get("name") == name), None)


def _set(start: dict[str, Any], field: str, value: Any, at: SpecPath) -> None:
    try:
        steps = parse_path(field)
    except ValueError as error:
        raise _Refused("SPC021", str(error), _A_PATH) from None
    if not steps or "<<" in steps:
        raise _Refused("SPC021", "'<<' is a merge key to kustomize" if steps else "an empty path leads to no field", _A_PATH)
    node: Any = start
    for step in steps[:-1]:
        node = _child(node, step)
    _put(node, steps[-1], value, at)


def _refuse_owned(before: Mapping[str, str], after: Mapping[str, str]) -> None:
    """Whichever path leads there. What a container of one's own has is one's own."""
    for path in dict.fromkeys([*before, *after]):
        added = path not in before and (".tolerations[" in path or _is_of_a_new_container(path, before))
        if before.get(path) != after.get(path) and not added:
            way = next((way for end, way in _WAYS.items() if path.endswith(end)), "set it by its own key of the spec, other fields by name")
            raise _Refused("SPC021", f"{path} belongs to the compiler: other objects rely on it", way)


def _is_of_a_new_container(path: str, before: Mapping[str, str]) -> bool:
    place = _CONTAINER.match(path)
    return place is not None and f"{place[0]}.name" not in before and any(known.startswith(place[1]) for known in before)


def _child(node: Any, step: str | int) -> Any:
    """The next node: a key, made where it is missing; an item of a list by its name, or by its index."""
    if isinstance(node, dict) and isinstance(step, str):
        return node.setdefault(step, {})
    if isinstance(node, list):
        index = step if isinstance(step, int) else _named(node, step)
        if index is not None and index < len(node):
            _by_name(node, step)
            return node[index]
    raise _Refused("SPC020", f"there is no {step!r} to go into", "inferspec why KIND/NAME shows the fields there are")


def _named(items: list[Any], name: str) -> int | None:
    return next((i for i, item in enumerate(items) if isinstance(item, dict) and item.get("name") == name), None)


def _by_name(items: list[Any], step: str | int) -> None:
    """Items that have names are named: their order is the compiler's, and another patch may change it."""
    if isinstance(step, int) and isinstance(items[step], dict) and "name" in items[step]:
        name = items[step]["name"]
        name = name.v if isinstance(name, Value) else name
        raise _Refused("SPC021", f"item [{step}] is '{name}' today: an index moves when one is added", f"write {name} instead")


def _put(node: Any, last: str | int, value: Any, at: SpecPath) -> None:
    if isinstance(node, list):
        _put_item(node, last, value, at)
    elif not isinstance(node, dict) or not isinstance(last, str):
        raise _Refused("SPC020", f"there is no {last!r} to set", "")
    elif value is not None:
        node[last] = valued(value, at)
    elif last in node:
        del node[last]
    else:
        raise _Refused("SPC020", f"there is no {last} to remove", "")


def _put_item(items: list[Any], last: str | int, value: Any, at: SpecPath) -> None:
    """An item of a list by name: a scalar is the item's ``value`` (an environment variable), a map is the item itself."""
    index = last if isinstance(last, int) else _named(items, last)
    if index is not None and index < len(items):
        _by_name(items, last)
    if value is None:
        if index is None or index >= len(items):
            raise _Refused("SPC020", f"there is no {last} to remove", "")
        del items[index]
        return
    named = {"name": str(last)} if isinstance(last, str) else {}
    made = valued(value, at)
    if named:
        made = {**named, **(made if isinstance(value, dict) else {"value": made})}
    if index is None:
        items.append(made)
    elif index < len(items):
        items[index] = made
    else:
        raise _Refused("SPC020", f"the list has {len(items)} items, there is no [{index}]", "")


def valued(value: Any, at: SpecPath) -> Any:
    """Scalars with their place; objects hold no floats and nothing empty."""
    if isinstance(value, dict) and value:
        return {str(key): valued(item, (*at, key)) for key, item in value.items()}
    if isinstance(value, list) and value:
        return [valued(item, (*at, i)) for i, item in enumerate(value)]
    if isinstance(value, float):
        raise _Refused("SPC021", f"{value} is a decimal: objects hold quantities as text", f'write "{value}"')
    if isinstance(value, (str, int)):
        return Value(value, SpecAt(at))
    raise _Refused("SPC021", "an empty value cannot be set", "null removes a field")


def manifest(tree: dict[str, Any], at: SpecPath) -> dict[str, Any]:
    """A manifest of the spec with its place behind every field. What makes it itself stays plain."""
    made = valued(tree, at)
    metadata = {**made["metadata"], "name": tree["metadata"]["name"], "namespace": tree["metadata"]["namespace"]}
    return {**made, "apiVersion": tree["apiVersion"], "kind": tree["kind"], "metadata": metadata}
