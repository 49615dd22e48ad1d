"""Mistyped keys: which one was meant, and the spec as if it were written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from ..diagnostics import Diagnostic, SpecPath
from ..load import Map
from ..load.nodes import Seq
from ..nearest import nearest


def near_key(key: str, known: list[str], root: Any, owner: SpecPath) -> str:
    """The key that ``key`` was meant to be; empty where none is near. One that stands there as well was not meant."""
    held = _at(root, owner)
    free = [k for k in known if k not in held] if isinstance(held, dict) else known
    for among in (free, known):
        near = nearest(key, among) or [k for k in among if _one_letter(key, k)]
        if near:
            return near[0]
    return ""


def _one_letter(a: str, b: str) -> bool:
    """Whether one letter is changed: too little of a key of two or three for a share of what is alike."""
    return len(a) == len(b) and sum(x != y for x, y in zip(a, b, strict=True)) == 1


def meant_keys(root: Any, found: Iterable[Diagnostic]) -> Iterator[tuple[SpecPath, str]]:
    """Each mistyped key with the one that was meant, where that is not there itself."""
    taken = set()
    for diagnostic in found:
        if diagnostic.code == "SPC001" and diagnostic.fix is not None:
            key, owner = diagnostic.fix.edits[0].text, diagnostic.path[:-1]
            if key not in _at(root, owner) and (owner, key) not in taken:
                taken.add((owner, key))
                yield diagnostic.path, key


def _at(root: Any, path: SpecPath) -> Any:
    for step in path:
        root = root[step]
    return root


def renamed(node: Any, path: SpecPath, key: str) -> Any:
    """The spec with the last key of ``path`` called ``key``: in its old place, with its old marks. The rest is shared."""
    step, rest = path[0], path[1:]
    if isinstance(node, Seq) and isinstance(step, int):
        items = Seq(node.file)
        items.marks = node.marks
        items.extend(renamed(item, rest, key) if i == step else item for i, item in enumerate(node))
        return items
    made = Map(node.file)
    made.grafted = dict(node.grafted) if node.grafted else None
    for name, value in node.items():
        called = key if name == step and not rest else name
        made[called] = renamed(value, rest, key) if name == step and rest else value
        made.marks[called] = node.marks[name]
        if made.grafted and name in made.grafted:
            made.grafted[called] = made.grafted[name]
    return made
