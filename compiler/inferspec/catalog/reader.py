"""Reads catalogue files: a small YAML reader over PyYAML's C event parser, and JSON for the large tables.

PyYAML's own loader resolves YAML 1.1 scalars in Python and would cost more than the whole reading budget of ``vet``; this one resolves
the JSON subset (null, booleans, integers, floats), so that ``no`` and ``2026-08-21`` stay text. Lines are kept for messages.
"""

from __future__ import annotations

import json
import re
from typing import Any

from .. import __version__
from ..kept import kept

_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?(?:[eE][-+]?[0-9]+)?\Z")
_WORDS = {"null": None, "~": None, "": None, "true": True, "false": False}
_NUMERIC_START = frozenset("-0123456789")


class CatalogueError(Exception):
    """A catalogue file cannot be used: where, and what is wrong. In the package it is a bug, in a team's folder a finding."""

    def __init__(self, file: str, line: int, message: str, row: str = "", column: int = 1, end: int = 0, help: str = "") -> None:
        super().__init__(f"{file}:{line}: {message}")
        self.file, self.line, self.message, self.row = file, line, message, row
        self.column, self.end, self.help = column, end, help


class Document(dict[str, Any]):
    """One catalogue file: its top-level mapping, the path it was read from and the line of each row."""

    def __init__(self, data: dict[str, Any], file: str, lines: dict[str, int]) -> None:
        super().__init__(data)
        self.file, self.lines = file, lines


def read(folder: str, name: str) -> Document | None:
    """``name`` without its suffix; ``.json`` before ``.yaml``. None where the folder has no such file."""
    for suffix in (".json", ".yaml"):
        path = f"{folder}/{name}{suffix}"
        try:
            with open(path, encoding="utf-8") as handle:
                text = handle.read()
        except (FileNotFoundError, NotADirectoryError):
            continue
        except UnicodeDecodeError as error:
            raise CatalogueError(path, 1, "not UTF-8 text") from error
        except OSError as error:
            raise CatalogueError(path, 1, f"cannot be read: {error.strerror}") from error
        try:
            data, lines = _parse_json(text, path) if suffix == ".json" else _parsed_before(text, path)
        except RecursionError as error:
            raise CatalogueError(path, 1, "maps and lists stand too deep in each other") from error
        except ValueError as error:
            raise CatalogueError(path, 1, "a number of more digits than can be read") from error
        if not isinstance(data, dict):
            raise CatalogueError(path, 1, "a catalogue file is a mapping")
        return Document(data, path, lines)
    return None


def place(file: str, steps: tuple[str | int, ...], *, key: bool = False) -> tuple[int, int, int]:
    """Line, column and end column of a value in a file that was read, or of its key; of what holds it, where it is not there.

    JSON is YAML to the reader of positions; a file it cannot read (tabs between the tokens) is told of at its top.
    """
    import yaml

    try:
        with open(file, encoding="utf-8") as handle:
            node = yaml.compose(handle, Loader=yaml.CSafeLoader)
    except (OSError, RecursionError, yaml.YAMLError):
        return 1, 1, 0
    found = node
    for i, step in enumerate(steps):
        if isinstance(node, yaml.MappingNode):
            held = next(((k, v) for k, v in node.value if k.value == str(step)), None)
            if held is None:
                break
            node, found = held[1], held[0] if key and i == len(steps) - 1 else held[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            node = found = node.value[step]
        else:
            break
    if found is None:
        return 1, 1, 0
    start, end = found.start_mark, found.end_mark
    return start.line + 1, start.column + 1, end.column + 1 if end.line == start.line else 0


def _parsed_before(text: str, path: str) -> tuple[Any, dict[str, int]]:
    """YAML as it was parsed the last time it said this: JSON is read ten times as fast. What is wrong in it is not kept."""
    found = kept("catalogue", [__version__.encode(), text.encode()], lambda: json.dumps(_parse_yaml(text, path)).encode())
    assert found is not None
    data, lines = json.loads(found)
    return data, lines


def _parse_json(text: str, path: str) -> tuple[Any, dict[str, int]]:
    try:
        return json.loads(text, object_pairs_hook=_unique), {}
    except json.JSONDecodeError as error:
        raise CatalogueError(path, error.lineno, error.msg, column=error.colno) from error
    except KeyError as error:
        raise CatalogueError(path, 1, f"duplicate key {error.args[0]!r}") from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    mapping = dict(pairs)
    if len(mapping) != len(pairs):
        seen: set[str] = set()
        raise KeyError(next(k for k, _ in pairs if k in seen or seen.add(k)))  # type: ignore[func-returns-value]
    return mapping


def _parse_yaml(text: str, path: str) -> tuple[Any, dict[str, int]]:
    import yaml

    try:
        return _compose(yaml.parse(text, Loader=yaml.CLoader), path)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise CatalogueError(path, line, str(getattr(error, "problem", None) or error), column=column) from error


def _compose(events: Any, path: str) -> tuple[Any, dict[str, int]]:
    """Plain data, and the line of each ``id``."""
    root: list[Any] = []
    lines: dict[str, int] = {}
    open_nodes: list[tuple[Any, str | None]] = []
    here: Any = root
    key: str | None = None
    for event in events:
        kind = type(event).__name__
        if kind == "ScalarEvent" and not event.anchor:
            if type(here) is not dict:
                here.append(_scalar(event.value) if event.implicit[0] else event.value)
            elif key is None:
                key = event.value
                if key in here:
                    raise CatalogueError(path, event.start_mark.line + 1, f"duplicate key {key!r}")
            else:
                here[key] = _scalar(event.value) if event.implicit[0] else event.value
                if key == "id":
                    lines.setdefault(event.value, event.start_mark.line + 1)
                key = None
        elif kind in ("MappingEndEvent", "SequenceEndEvent"):
            here, key = open_nodes.pop()
        elif kind in ("MappingStartEvent", "SequenceStartEvent") and not event.anchor:
            child: Any = {} if kind == "MappingStartEvent" else []
            if type(here) is not dict:
                here.append(child)
            elif key is None:
                raise CatalogueError(path, event.start_mark.line + 1, "a key is text")
            else:
                here[key] = child
            open_nodes.append((here, None))
            here, key = child, None
        elif not kind.startswith(("Stream", "Document")):
            raise CatalogueError(path, event.start_mark.line + 1, "anchors and aliases are not allowed")
    if len(root) != 1:
        raise CatalogueError(path, 1, "one document a file")
    return root[0], lines


def _scalar(text: str) -> Any:
    if text in _WORDS:
        return _WORDS[text]
    if text[0] in _NUMERIC_START and (found := _NUMBER.match(text)):
        return float(text) if found[1] or "e" in text or "E" in text else int(text)
    return text
