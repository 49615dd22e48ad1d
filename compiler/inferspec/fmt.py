"""One layout for specs: two spaces a level, one newline at the end, comments, quotes, flow style and order as written.

Whatever the library underneath makes of a file, the result is given out only if it loads to the same values, holds the
same comments and formats to itself.
"""

from __future__ import annotations

import io
import re
from typing import Any

from yaml import ScalarEvent
from yaml._yaml import CParser

from .diagnostics import Diagnostic, Severity, Span
from .load import Document, Map, Seq, load_text

_COMMENT = re.compile(r"(?:^|(?<=\s))#.*$", re.MULTILINE)
_PASSES = 4
_UNBROKEN = 1_000_000
"""Columns: lines are never broken for the reader, who broke them as they should be."""


class Unformattable(Exception):
    """The text has problems of its own, or would not survive. ``diagnostics`` say which."""

    def __init__(self, diagnostics: list[Diagnostic]) -> None:
        super().__init__("; ".join(d.message for d in diagnostics))
        self.diagnostics = diagnostics


def format_text(text: str, name: str = "spec.yaml") -> str:
    """``text`` in its one layout. Raises ``Unformattable``; ``name`` stands for the file in its diagnostics."""
    before = _loaded(text, name)
    source = before.texts[name].replace("\r\n", "\n")
    laid_out = source
    for _ in range(_PASSES):
        try:
            # Nothing to lay out in an empty list or map, and ruamel would drop the comments above it.
            again = _lay_out(laid_out, type(before.root)) if before.root else _tidied(laid_out)
        except Exception as error:  # ruamel fails in many ways on comments in odd places, none of them the user's mistake
            raise _refused(name, "the layout of this file is too unusual") from error
        if again == laid_out:
            break
        laid_out = again
    else:
        raise _refused(name, "the layout of this file does not settle")
    after, problems = load_text(laid_out, name, top=type(before.root))
    if after is None or problems or after.root != before.root or not _same_types(before.root, after.root):
        raise _refused(name, "formatting would change the meaning of this file")
    if _comments(laid_out) != _comments(source):
        raise _refused(name, "formatting would lose or move a comment of this file")
    return laid_out


def _loaded(text: str, name: str) -> Document:
    document, problems = load_text(text, name)
    if any(problem.code == "SYN014" for problem in problems):
        document, problems = load_text(text, name, top=Seq)
    errors = [problem for problem in problems if problem.severity is Severity.ERROR]
    if errors or document is None:
        raise Unformattable(errors)
    return document


def _refused(name: str, message: str) -> Unformattable:
    help = "put comments on lines of their own and maps that span lines in block style"
    return Unformattable([Diagnostic("SYN060", message, Span(name, 1, 1), help=help)])


def _lay_out(text: str, top: type[Map] | type[Seq]) -> str:
    from ruamel.yaml import YAML
    from ruamel.yaml.nodes import ScalarNode
    from ruamel.yaml.representer import RoundTripRepresenter

    class Representer(RoundTripRepresenter):
        """Writes null out: the empty form of a flow map would read as another key."""

        def represent_none(self, data: None) -> ScalarNode:
            return self.represent_scalar("tag:yaml.org,2002:null", "null")

    Representer.add_representer(type(None), Representer.represent_none)
    layout = YAML(typ="rt")
    layout.Representer = Representer
    layout.preserve_quotes = True
    layout.brace_single_entry_mapping_in_flow_sequence = True
    layout.width = _UNBROKEN
    if top is Map:
        layout.indent(mapping=2, sequence=4, offset=2)
    stream = io.StringIO()
    layout.dump(layout.load(text), stream)
    return _tidied(stream.getvalue())


def _tidied(text: str) -> str:
    """No blanks at line ends, comments indented as what they stand above or below.

    Lines of a text that runs over lines are left alone: blanks count there.
    """
    kept = {line for event in _scalars(text) for line in range(event.start_mark.line, event.end_mark.line)}
    lines = [line if n in kept else line.rstrip() for n, line in enumerate(text.strip("\n").split("\n"))]
    below = 0
    for n in range(len(lines) - 1, -1, -1):
        content = lines[n].lstrip()
        if n not in kept and content.startswith("#"):
            above = _indent_above(lines, n, kept)
            lines[n] = " " * (above if above > below and _indent(lines[n]) > below else below) + content
        elif content:
            below = _indent(lines[n])
    return "\n".join(lines) + "\n"


def _indent_above(lines: list[str], n: int, kept: set[int]) -> int:
    """Of the nearest line of content above line ``n``; of its first line if it is a text that runs over lines."""
    for above in range(n - 1, -1, -1):
        goes_on = above in kept and above - 1 in kept
        if lines[above] and not goes_on and (above in kept or not lines[above].lstrip().startswith("#")):
            return _indent(lines[above])
    return 0


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _comments(text: str) -> list[str]:
    """Comments in order. A ``#`` inside a scalar is none."""
    inside: set[int] = set()
    for event in _scalars(text):
        value = text[event.start_mark.index : event.end_mark.index]
        inside.update(event.start_mark.index + match.start() for match in re.finditer("#", value))
    return [match[0].rstrip() for match in _COMMENT.finditer(text) if match.start() not in inside]


def _scalars(text: str) -> list[Any]:
    parser, found = CParser(text), []
    while (event := parser.get_event()) is not None:
        if isinstance(event, ScalarEvent):
            found.append(event)
    return found


def _same_types(a: object, b: object) -> bool:
    """Equal values of equal types: ``1``, ``1.0`` and ``true`` are equal to Python."""
    if isinstance(a, Map) and isinstance(b, Map):
        return list(a) == list(b) and all(_same_types(a[key], b[key]) for key in a)
    if isinstance(a, Seq) and isinstance(b, Seq):
        return len(a) == len(b) and all(map(_same_types, a, b))
    return type(a) is type(b)
