"""Strict reading of manifests: YAML that every reader understands alike, and nothing else.

A manifest that leans on what YAML 1.1 and 1.2 read differently (``on``, ``012``, ``12:30``), on anchors, tags or duplicate
keys is refused, not interpreted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import yaml

from .scalars import LARGEST_INTEGER, retyped

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]*)")

Text = Callable[[str, int], Any]
"""What stands for a quoted or unambiguous scalar: (text, line) -> leaf."""


class ReadError(ValueError):
    """``line`` counts from 1 in the text that was read."""

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(f"line {line}: {problem}")
        self.line = line
        self.problem = problem


def _as_is(text: str, _line: int) -> str:
    return text


def read_manifests(text: str | bytes, leaf: Text = _as_is) -> list[Any]:
    """The documents of ``text`` without empty ones; raises ReadError. ``leaf`` maps strings, keys included."""
    documents = []
    try:
        events = iter(yaml.parse(text, Loader=_Loader))
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                tree = _node(next(events), events, leaf, top=True)
                if tree is not None:
                    documents.append(tree)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise ReadError(mark.line + 1 if mark else 1, error.problem or "not YAML") from None
    except yaml.YAMLError as error:
        raise ReadError(1, str(error).splitlines()[0]) from None
    return documents


def _node(event: Any, events: Iterator[Any], leaf: Text, *, top: bool = False) -> Any:
    line = event.start_mark.line + 1
    if isinstance(event, yaml.AliasEvent) or event.anchor:
        raise ReadError(line, "anchors and aliases are not allowed")
    if isinstance(event, yaml.ScalarEvent):
        if top and event.value == "" and event.implicit[0]:
            return None
        return _scalar(event, line, leaf)
    if event.tag:
        raise ReadError(line, f"tag {event.tag} is not allowed")
    if isinstance(event, yaml.SequenceStartEvent):
        items = []
        while not isinstance(item := next(events), yaml.SequenceEndEvent):
            items.append(_node(item, events, leaf))
        return items
    return _mapping(events, leaf)


def _mapping(events: Iterator[Any], leaf: Text) -> dict[str, Any]:
    found: dict[str, Any] = {}
    while not isinstance(event := next(events), yaml.MappingEndEvent):
        line = event.start_mark.line + 1
        key = _node(event, events, leaf)
        if not isinstance(key, str):
            plain = isinstance(key, bool | int | dict | list)
            raise ReadError(line, "a key must be text: quote it" if plain else "a hole in a key")
        if key == "<<":
            raise ReadError(line, "merge keys are not allowed")
        if key in found:
            raise ReadError(line, f"duplicate key {key!r}")
        found[key] = _node(next(events), events, leaf)
    return found


def _scalar(event: Any, line: int, leaf: Text) -> Any:
    text = event.value
    if not event.implicit[0]:
        if event.tag:
            raise ReadError(line, f"tag {event.tag} is not allowed")
        return leaf(text, line)
    if text == "true" or text == "false":
        return text == "true"
    if _INTEGER.fullmatch(text) and text != "-0":
        if abs(int(text)) > LARGEST_INTEGER:
            raise ReadError(line, f"{text} is beyond 2^53 and would be rounded")
        return int(text)
    if text in ("", "~", "null"):
        raise ReadError(line, "an empty value: omit the field")
    # kustomize writes these two bare. To the readers of a cluster they are text; "<<" as a key is refused above.
    if retyped(text) and text not in ("<<", "="):
        raise ReadError(line, f"{text} is read differently by different readers: quote it")
    return leaf(text, line)
