"""What loading yields: plain dicts and lists that remember where each entry was written."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from ..diagnostics import Span, SpecPath

KeyMark = tuple[int, int, int, int, int]
"""(key line, key column, value line, value column, value end column), from 1; end 0: a block, or more than one line."""

ItemMark = tuple[int, int, int]
"""(line, column, end column) of a list item."""


_COMMENT = re.compile(r"(?<!\s)\s++#.*$")
"""Each run of blanks is read once: a line may be a megabyte of them."""


def uncommented(text: str) -> str:
    """A piece of a line without the comment and the blanks at its end."""
    return _COMMENT.sub("", text, 1).rstrip()


class Map(dict[str, Any]):
    """A dict whose ``marks`` hold a ``KeyMark`` for every key.

    ``file`` is where the map was written; ``grafted`` names the file of the keys that came from an included one.
    """

    __slots__ = ("file", "grafted", "marks")

    file: str
    marks: dict[str, KeyMark]
    grafted: dict[str, str] | None

    def __init__(self, file: str = "") -> None:
        self.file = file
        self.marks = {}
        self.grafted = None

    def file_of(self, key: str) -> str:
        """The file that holds ``key``."""
        return self.grafted.get(key, self.file) if self.grafted else self.file


class Seq(list[Any]):
    """A list whose ``marks`` hold an ``ItemMark`` for every item; ``file`` is where it was written."""

    __slots__ = ("file", "marks")

    file: str
    marks: list[ItemMark]

    def __init__(self, file: str = "") -> None:
        self.file = file
        self.marks = []


@dataclass(slots=True)
class Document:
    """One file with all it includes. ``file`` and the keys of ``texts`` are posix paths relative to the repository."""

    file: str
    root: Map | Seq
    texts: dict[str, str]
    _lines: dict[str, list[str]] = field(default_factory=dict, repr=False, compare=False)

    def line(self, file: str, n: int) -> str:
        """Line ``n`` of ``file``, counted from 1, without its end; empty where there is none."""
        lines = self._lines.get(file)
        if lines is None:
            lines = self._lines[file] = self.texts.get(file, "").split("\n")
        return lines[n - 1].removesuffix("\r") if 1 <= n <= len(lines) else ""

    def span(self, path: SpecPath, *, key: bool = False, label: str = "") -> Span:
        """Where ``path`` is written: its value, or its key with ``key=True``.

        A path that does not exist gives its nearest ancestor that does. A block has no single line to underline, so its
        key stands for it.
        """
        node: Any = self.root
        at = Span(self.file, 1, 1, len(self.line(self.file, 1)) + 1)
        for i, step in enumerate(path):
            if isinstance(node, Map) and step in node:
                wants_key = key and i == len(path) - 1
                at = self._entry(node, str(step), wants_key)
                node = node[str(step)]
            elif isinstance(node, Seq) and isinstance(step, int) and 0 <= step < len(node):
                line, column, end = node.marks[step]
                at = self._value(node.file, line, column, end)
                node = node[step]
            else:
                break
        return at.labelled(label)

    def _entry(self, parent: Map, key: str, wants_key: bool) -> Span:
        file = parent.file_of(key)
        key_line, key_column, line, column, end = parent.marks[key]
        if wants_key or (end == 0 and isinstance(parent[key], (Map, Seq))):
            return Span(file, key_line, key_column, key_column + self._key_width(file, key_line, key_column, key))
        return self._value(file, line, column, end)

    def _value(self, file: str, line: int, column: int, end: int) -> Span:
        if end <= column:
            end = column + max(1, len(uncommented(self.line(file, line)[column - 1 :])))
        return Span(file, line, column, end)

    def _key_width(self, file: str, line: int, column: int, key: str) -> int:
        written = re.match(r"""'(?:[^']|'')*'|"(?:[^"\\]|\\.)*\"""", self.line(file, line)[column - 1 :])
        return len(written[0]) if written else max(1, len(key))
