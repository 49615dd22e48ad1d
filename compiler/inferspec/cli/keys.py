"""The keys that a spec may hold, walked along the spec's own schema: what each takes, and which key was meant."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any, NamedTuple

from ..diagnostics import SpecPath, format_path
from ..nearest import closest

Node = Mapping[str, Any]
NAME = "NAME"
"""Stands for a name of the user's own where a path is made up."""

MOST_EXAMPLES = 10
"""Examples of a value that are listed; the schema has them all."""

_TYPES = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false"}


class NoKey(Exception):
    """A path that no spec has: ``path`` ends at the first step that is wrong, ``known`` are the keys that stand there."""

    def __init__(self, path: SpecPath, known: tuple[str, ...], meant: tuple[str, ...]) -> None:
        owner = format_path(path[:-1])
        keys = f"; its keys are {', '.join(known)}" if known else ""
        super().__init__(f"{owner or 'the spec'} has no key {path[-1]}{did_you_mean(meant) or keys}")
        self.path, self.known = path, known


class Place(NamedTuple):
    """What may stand at ``path``, whose list indexes are numbers; ``required`` by the map around it."""

    path: SpecPath
    node: Node
    required: bool


class Keys:
    @cached_property
    def schema(self) -> Node:
        from .schema import document

        return document()

    def at(self, path: SpecPath) -> Place:
        """Raises NoKey where no spec has such a key."""
        node, required = self.schema, False
        walked: SpecPath = ()
        for step in path:
            found = list(self._inside(node, step))
            if not found:
                known = tuple(self.properties(node))
                raise NoKey((*walked, step), known, self._meant((*walked, step), known))
            inner, index, required = found[0]
            node = inner if len(found) == 1 else {"anyOf": [inner for inner, _, _ in found]}
            walked = (*walked, int(step) if index else step)
        return Place(walked, node, required)

    def entry(self, node: Node) -> Node:
        """What stands under each name of the user's own; {} where there are none, or where anything may stand."""
        return next(filter(None, map(_entries, self._forms(node))), {})

    def named(self, path: SpecPath) -> SpecPath:
        """``path`` with NAME where a name of the user's own was left out: ``gateways.dns`` means ``gateways.NAME.dns``."""
        node, found = self.schema, list[str | int]()
        for step in path:
            entry = self.entry(node) if step not in self.properties(node) else {}
            if entry and step in self.properties(entry):
                found.append(NAME)
                node = entry
            found.append(step)
            node = next((inner for inner, _, _ in self._inside(node, step)), {})
        return tuple(found)

    def properties(self, node: Node) -> dict[str, Place]:
        """The keys of a map of the language, in its order."""
        return {
            key: Place((key,), inner, key in form.get("required", ()))
            for form in self._forms(node)
            for key, inner in form.get("properties", {}).items()
        }

    def docs(self, node: Node) -> list[str]:
        """What the key is for, and what the map that stands there is."""
        return list(dict.fromkeys(_plain(n["description"]) for n in (node, *self._forms(node)) if n.get("description")))

    def facts(self, place: Place) -> list[tuple[str, str]]:
        """(label, text): the type first, then what it has of values, limits, form, example and default."""
        found: dict[str, list[str]] = {"type": []}
        for form in self._forms(place.node):
            for label, text in self._facts(form):
                if text not in found.setdefault(label, []):
                    found[label].append(text)
        for label in ("such as", "keys such as"):
            if len(examples := found.get(label, [])) > MOST_EXAMPLES:
                plain_first = sorted(examples, key=lambda example: "@" in example)
                found[label] = [", ".join(plain_first[:MOST_EXAMPLES]) + f" and {len(examples) - MOST_EXAMPLES} more"]
        kinds = found["type"] or ["anything"]
        if len(kinds) == 2 and kinds[1] == f"list of {kinds[0]}":
            kinds = [kinds[0], "a list of them"]
        told = [("type", " or ".join(kinds)), *((label, " or ".join(texts)) for label, texts in found.items() if label != "type")]
        default = place.node.get("default")
        if place.required:
            told.append(("required", "yes"))
        elif default is not None and _says_something(default):
            told.append(("default", default if isinstance(default, str) else json.dumps(default)))
        return told

    def line(self, place: Place) -> str:
        """The facts in one line."""
        (_, kind), *rest = self.facts(place)
        told = (label if label == "required" else text if label == "limits" else f"{label} {text}" for label, text in rest)
        return ", ".join([kind, *told])

    def others(self, place: Place, value: Any) -> tuple[list[Any], bool]:
        """Values that the key may take in the place of this one, and whether they are made up: any text of a form."""
        if isinstance(value, bool):
            return [not value], False
        if isinstance(value, int):
            return [value + 1, value - 1], False
        forms = list(self._forms(place.node))
        known = [each for form in forms for each in form.get("enum", ()) if each != value]
        if known or any("const" in form for form in forms):
            return known, False
        return [f"{value}0", f"{value}-a"], True

    # -- the schema ----------------------------------------------------------------------------------------------------

    def _forms(self, node: Node) -> Iterator[Node]:
        """The alternatives of a node, without null."""
        if "$ref" in node:
            yield from self._forms(self.schema["$defs"][node["$ref"].rpartition("/")[2]])
        elif "anyOf" in node:
            for inner in node["anyOf"]:
                yield from self._forms(inner)
        elif node.get("type") != "null":
            yield node

    def _inside(self, node: Node, step: str | int) -> Iterator[tuple[Node, bool, bool]]:
        """(what stands below, whether the step is a list index, whether it is required)."""
        for form in self._forms(node):
            if isinstance(step, str) and step in form.get("properties", {}):
                yield form["properties"][step], False, step in form.get("required", ())
            elif "items" in form and (isinstance(step, int) or step.isdigit()):
                yield form["items"], True, False
            elif isinstance(step, str) and (inner := _entries(form)) is not None:
                yield inner, False, False

    def _facts(self, form: Node) -> Iterator[tuple[str, str]]:
        kind = form.get("type", "")
        if "const" in form:
            yield "type", f"'{form['const']}'"
        elif "enum" in form:
            yield "type", "text"
            yield "one of", ", ".join(map(str, form["enum"]))
        elif kind == "array":
            inner = dict(self.facts(Place((), form.get("items", {}), False)))
            yield "type", f"list of {inner.pop('type')}"
            yield from inner.items()
        elif (entries := _entries(form)) is not None:
            yield "type", f"map of {self.facts(Place((), entries, False))[0][1]}" if entries else "map"
            for example in form.get("propertyNames", {}).get("examples", ()):
                yield "keys such as", example
        elif kind == "object":
            yield "type", "map"
        elif kind:
            yield "type", _TYPES[kind]
        if limits := _limits(form):
            yield "limits", limits
        if "pattern" in form:
            yield "form", form["pattern"].removeprefix("^(?:").removesuffix(")$")
        for example in form.get("examples", ()):
            yield "such as", str(example)

    # -- what was meant ------------------------------------------------------------------------------------------------

    def _meant(self, path: SpecPath, known: Iterable[str]) -> tuple[str, ...]:
        """Keys beside the wrong one that look much like it, else places anywhere that have its very name, else those that look a little."""
        known = list(known)
        alike, somewhat = (
            tuple(format_path((*path[:-1], key)) for key in near(str(path[-1]), known, cutoff=cutoff)) for cutoff in (0.8, 0.6)
        )
        return alike or tuple(self._anywhere(str(path[-1]).lower(), self.schema, (), frozenset()))[:3] or somewhat

    def _anywhere(self, name: str, node: Node, path: SpecPath, above: frozenset[int]) -> Iterator[str]:
        for form in self._forms(node):
            if id(form) in above:
                continue
            for key, inner in form.get("properties", {}).items():
                if key.lower() == name:
                    yield format_path((*path, key))
                yield from self._anywhere(name, inner, (*path, key), above | {id(form)})
            for step, inner in ((NAME, _entries(form)), (0, form.get("items"))):
                if inner:
                    yield from self._anywhere(name, inner, (*path, step), above | {id(form)})


def near(word: str, known: Iterable[str], most: int = 3, cutoff: float = 0.6) -> list[str]:
    """Those of ``known`` that look like ``word``, whatever the case."""
    by_form = {name.lower(): name for name in known}
    return [by_form[form] for form in closest(word.lower(), list(by_form), most, cutoff)]


def did_you_mean(names: Iterable[str]) -> str:
    listed = ", ".join(names)
    return f"; did you mean {listed}?" if listed else ""


def _entries(form: Node) -> Node | None:
    """What stands under a key of the user's own; {} for anything, None where there are no such keys."""
    held: list[Node] = list(form.get("patternProperties", {}).values())
    if held:
        return held[0]
    more = form.get("additionalProperties")
    if more is True or (not form.keys() - {"description", "default", "title"}):
        return {}
    return more or None


def _limits(form: Node) -> str:
    low, high = form.get("minimum"), form.get("maximum")
    if low is not None and high is not None:
        return f"{low} to {high}"
    told = [f"{low} or more"] if low is not None else [f"at most {high}"] if high is not None else []
    if form.get("type") == "string":
        if "minLength" in form:
            told.append(f"at least {form['minLength']} characters")
        if "maxLength" in form:
            told.append(f"at most {form['maxLength']} characters")
    fewest = form.get("minItems", form.get("minProperties", form.get("minLength") if form.get("type") == "array" else None))
    return ", ".join(told + ([f"{fewest} or more entries"] if fewest else []))


def _says_something(default: Any) -> bool:
    """Whether a default is more than nothing at all."""
    if isinstance(default, dict):
        return any(map(_says_something, default.values()))
    return default is not None and default != []


def _plain(text: str) -> str:
    return text.strip().replace("``", "'")
