"""Strict reading of manifests: YAML that every reader understands alike, and nothing else.

A manifest that leans on what YAML 1.1 and 1.2 read differently (``on``, ``012``, ``12:30``), on anchors, tags or duplicate
keys is refused, not interpreted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
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
    kind = type(event)  # not isinstance: builds of a fleet are hundreds of thousands of events
    if event.anchor:  # an alias has one too
        raise ReadError(_line(event), "anchors and aliases are not allowed")
    if kind is yaml.ScalarEvent:
        if top and event.value == "" and event.implicit[0]:
            return None
        return _scalar(event, leaf)
    if event.tag:
        raise ReadError(_line(event), f"tag {event.tag} is not allowed")
    if kind is yaml.SequenceStartEvent:
        items = []
        while type(item := next(events)) is not yaml.SequenceEndEvent:
            items.append(_node(item, events, leaf))
        return items
    return _mapping(events, leaf)


def _mapping(events: Iterator[Any], leaf: Text) -> dict[str, Any]:
    found: dict[str, Any] = {}
    while type(event := next(events)) is not yaml.MappingEndEvent:
        key = _node(event, events, leaf)
        if type(key) is not str:
            plain = isinstance(key, bool | int | dict | list)
            raise ReadError(_line(event), "a key must be text: quote it" if plain else "a hole in a key")
        if key == "<<":
            raise ReadError(_line(event), "merge keys are not allowed")
        if key in found:
            raise ReadError(_line(event), f"duplicate key {key!r}")
        found[key] = _node(next(events), events, leaf)
    return found


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1


def _scalar(event: Any, leaf: Text) -> Any:
    text = event.value
    if not event.implicit[0]:
        if event.tag:
            raise ReadError(_line(event), f"tag {event.tag} is not allowed")
        return leaf(text, _line(event))
    said, problem = _bare(text)
    if problem:
        raise ReadError(_line(event), problem)
    return leaf(text, _line(event)) if said is None else said


@lru_cache(maxsize=1 << 14)
def _bare(text: str) -> tuple[bool | int | None, str]:
    """What an unquoted scalar says, None for text, and why it may not stand there. Most are keys that manifests repeat."""
    if text == "true" or text == "false":
        return text == "true", ""
    if _INTEGER.fullmatch(text) and text != "-0":
        if abs(int(text)) > LARGEST_INTEGER:
            return None, f"{text} is beyond 2^53 and would be rounded"
        return int(text), ""
    if text in ("", "~", "null"):
        return None, "an empty value: omit the field"
    # kustomize writes these two bare. To the readers of a cluster they are text; "<<" as a key is refused above.
    if retyped(text) and text not in ("<<", "="):
        return None, f"{text} is read differently by different readers: quote it"
    return None, ""
