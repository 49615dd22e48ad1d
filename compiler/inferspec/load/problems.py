"""What composing finds wrong, collected while it goes on."""

from __future__ import annotations

from typing import Any

from ..diagnostics import Diagnostic, Edit, Fix, Span, SpecPath
from .limits import MAX_DEPTH, MAX_KEY, MAX_NODES, MAX_PROBLEMS, MAX_SCALAR
from .nodes import KeyMark
from .scalars import Ambiguous
from .syntax import shown

_SHARE = "overrides and classes are the spec's own way to share settings"

# code -> (message, help)
_WORDS: dict[str, tuple[str, str]] = {
    "SYN005": ("the value holds {what}, written as an escape", "delete the escape: no field may hold this character"),
    "SYN012": (
        "a second document starts here; a spec is one document",
        "delete the '---' line, or put the second document in a file of its own and include it",
    ),
    "SYN020": ("anchors and aliases are not part of the spec language: {what}", f"write shared values out; {_SHARE}"),
    "SYN021": ("merge keys are not part of the spec language", f"write the keys out; {_SHARE}"),
    "SYN022": ("tags are not part of the spec language: {what}", "delete it; quote the value if it is text"),
    "SYN023": ("the file sets YAML directives", "delete the lines that start with %"),
    "SYN031": ("{what}", "keys are text: quote it, and quote a value that starts with '{' or '['"),
    "SYN035": (
        "unquoted text runs on over the next line",
        "indent as its neighbours if it is a key or an item of its own; quote it, or use '>-', if it is one text",
    ),
    "SYN040": (f"more than {MAX_DEPTH} levels inside one another", "no part of the language is nearly this deep"),
    "SYN041": (f"the file has more than {MAX_NODES:,} values", "split it into included files"),
    "SYN042": (
        f"{{what}} characters; at most {MAX_SCALAR:,} are allowed in a value and {MAX_KEY} in a key",
        "put long content in a file of its own",
    ),
}


class Stop(Exception):
    """Reading on is pointless; the reason is already among the problems."""


class Problems:
    """The problems of one file. ``path`` is where composing stands; an empty step is a key not read yet."""

    __slots__ = ("file", "found", "path")

    def __init__(self, file: str) -> None:
        self.file = file
        self.found: list[Diagnostic] = []
        self.path: list[str | int] = []

    def report(self, code: str, start: Any, end: Any = None, *, what: str = "") -> None:
        """The problem ``code`` between two marks of the parser, in the words above with ``what`` put in."""
        message, help = _WORDS[code]
        self._add(Diagnostic(code, message.format(what=what), self._between(start, end), path=self._here(), help=help))

    def ambiguous(self, text: str, value: Ambiguous, start: Any, end: Any) -> None:
        fix = None
        if value.certain:
            edit = Edit(self.file, start.line + 1, start.column + 1, end.line + 1, end.column + 1, value.certain)
            fix = Fix(f"write {value.certain}", (edit,))
        message, span = f"{shown(text)} {value.why}", self._between(start, end)
        self._add(Diagnostic(value.code, message, span, path=self._here(), help=value.help, fix=fix))

    def duplicate(self, key: str, event: Any, first: KeyMark) -> None:
        related = (Span(self.file, first[0], first[1], first[1] + len(key), "first set here"),)
        span, message = self._between(event.start_mark, event.end_mark), f"the key {shown(key)} is set twice in one map"
        self._add(Diagnostic("SYN030", message, span, path=self._here(), related=related, help="keep one of the two"))

    def _between(self, start: Any, end: Any) -> Span:
        on_one_line = end is not None and end.line == start.line and end.column > start.column
        return Span(self.file, start.line + 1, start.column + 1, end.column + 1 if on_one_line else 0)

    def _here(self) -> SpecPath:
        return tuple(step for step in self.path if step != "")

    def _add(self, problem: Diagnostic) -> None:
        self.found.append(problem)
        if len(self.found) == MAX_PROBLEMS:
            message = f"{MAX_PROBLEMS} problems so far; the rest of the file was not read"
            self.found.append(Diagnostic("SYN043", message, problem.span, help="is this the right file?"))
            raise Stop
