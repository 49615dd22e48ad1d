"""What libyaml says about broken YAML, in the words of somebody who looks at the file."""

from __future__ import annotations

import re
from typing import Any

from ..diagnostics import Diagnostic, Span
from .nodes import uncommented

_INDENT_HELP = "indent with spaces, and line each key up with its neighbours"
_HOST_HELP = 'quote the value: a host such as "*.example.com" needs quotes'
_FLOW_HELP = "close it with '{}'; quote what holds ': ' or ', '"
_QUOTE_HELP = "quote the value, or put it in single quotes with every ' doubled"

# (what libyaml was doing, what it found) -> (message, label of the place it started from, help). An empty first
# element matches everything. Texts: scanner.c and parser.c of libyaml 0.2.5.
_KNOWN: tuple[tuple[str, str, str, str, str], ...] = (
    ("anchor", "", "'&' starts an anchor, which is not part of the spec language", "", "quote the value if it starts with '&'"),
    (
        "alias",
        "",
        "'*' starts an alias, which is not part of the spec language",
        "",
        _HOST_HELP,
    ),
    ("tag", "", "'!' starts a tag, which is not part of the spec language", "", "quote the value if it starts with '!'"),
    (
        "node",
        "undefined tag handle",
        "'!' starts a tag, which is not part of the spec language",
        "",
        "quote the value if it starts with '!'",
    ),
    ("directive", "", "'%' starts a directive, which is not part of the spec language", "", "delete the line, or quote the value"),
    (
        "",
        "mapping values are not allowed",
        "a ':' where no key can stand",
        "",
        "quote the value if the ':' belongs to it; else " + _INDENT_HELP,
    ),
    (
        "",
        "block sequence entries are not allowed",
        "a list item where none can stand",
        "",
        "start the list on the next line; quote a value that starts with '- '",
    ),
    ("", "mapping keys are not allowed", "a '?' where none can stand", "", "quote a value that starts with '? '"),
    (
        "simple key",
        "could not find expected ':'",
        "this line is no 'key: value'",
        "here",
        "add ':' and a space after the key; quote text that runs over lines",
    ),
    (
        "block mapping",
        "did not find expected key",
        "this does not belong to the map around it",
        "that map starts here",
        _INDENT_HELP + "; text after a closing quote or bracket belongs inside it",
    ),
    (
        "block collection",
        "did not find expected '-'",
        "this does not belong to the list around it",
        "that list starts here",
        "start the item with '- ', or " + _INDENT_HELP,
    ),
    (
        "flow sequence",
        "did not find expected ',' or ']'",
        "the list in brackets ends without ']', or lacks a ','",
        "opened here",
        _FLOW_HELP.format("]"),
    ),
    (
        "flow mapping",
        "did not find expected ',' or '}'",
        "the map in braces ends without '}', or lacks a ','",
        "opened here",
        _FLOW_HELP.format("}"),
    ),
    ("quoted scalar", "unexpected end of stream", "the quoted text never ends", "opened here", "close the quote"),
    (
        "quoted scalar",
        "unexpected document indicator",
        "the quoted text runs into a '---' or '...' line",
        "opened here",
        "close the quote",
    ),
    (
        "quoted scalar",
        "",
        "an escape that double quotes do not know",
        "the text starts here",
        "write \\\\ for a backslash, or use single quotes",
    ),
    (
        "block scalar",
        "",
        "the line after '|' or '>' is not one that block text can start with",
        "the text starts here",
        "indent the text with two spaces more than its key",
    ),
    (
        "flow node",
        "expected node content",
        "a value is missing inside the brackets",
        "",
        "delete the extra ',' or write the value; close every bracket",
    ),
    ("block node", "expected node content", "a value cannot start with this character", "", _QUOTE_HELP),
    ("next token", "cannot start any token", "a value cannot start with this character", "", _QUOTE_HELP),
    (
        "",
        "expected <document start>",
        "text after the end of the document",
        "",
        "a spec is one document: delete the '...' line or what follows it",
    ),
)
_MARKED = {"'&'": "SYN020", "'*'": "SYN020", "'!'": "SYN022", "'%'": "SYN023"}
_OPENED = ("quoted scalar", "flow sequence", "flow mapping", "simple key")


def shown(text: str) -> str:
    """User text for a message: quoted, on one line, at most 40 characters."""
    flat = " ".join(text.split()) if len(text) < 4096 else text[:40]
    return f"'{flat if len(flat) <= 40 else flat[:37] + '...'}'"


def explain(error: Any, text: str, file: str) -> list[Diagnostic]:
    """A YAML error as one problem, at the place where the user has to look."""
    problem_mark = getattr(error, "problem_mark", None)
    if problem_mark is None:  # a reader error; the text was checked before, so only its encoding can be at fault
        return [Diagnostic("SYN010", "this is not YAML", Span(file, 1, 1), help="save the file as UTF-8 text")]
    context, problem = error.context or "", error.problem or ""
    lines = text.split("\n")
    line, column = problem_mark.line + 1, problem_mark.column + 1
    if "tab" in problem or _tab_indented(lines, line):
        return [_tabs(lines, line, file)]
    message, label, help = _words(context, problem)
    at = _inside(lines, line, column, file)
    related: tuple[Span, ...] = ()
    origin = error.context_mark
    code = _MARKED.get(message[:3], "SYN010")
    if code != "SYN010" and origin is not None:
        at = _whole(lines, Span(file, origin.line + 1, origin.column + 1))
    elif label and origin is not None:
        start = Span(file, origin.line + 1, origin.column + 1, origin.column + 2)
        if any(kind in context for kind in _OPENED) and "escape" not in message:
            at = _whole(lines, start)
            related = () if line > len(lines) or at.line == line else (Span(file, line, column, column + 1, "noticed here"),)
        elif start.line != at.line:
            related = (start.labelled(label),)
    return [Diagnostic(code, message, at, related=related, help=help)]


def _words(context: str, problem: str) -> tuple[str, str, str]:
    for doing, found, message, label, help in _KNOWN:
        if doing in context and found in problem:
            return message, label, help
    return "this is not YAML", "", f"the parser says: {problem}"


def _inside(lines: list[str], line: int, column: int, file: str) -> Span:
    """The place itself; the end of the last line with content where the text ended too early."""
    if line > len(lines) or (line == len(lines) and not lines[-1]):
        line = max((n for n, content in enumerate(lines, 1) if content.strip()), default=1)
        column = len(lines[line - 1].rstrip()) + 1
    return Span(file, line, column, column + 1)


def _whole(lines: list[str], start: Span) -> Span:
    """From ``start`` to the end of its line, less a comment."""
    rest = uncommented(lines[start.line - 1][start.column - 1 :]) if start.line <= len(lines) else ""
    return Span(start.file, start.line, start.column, start.column + max(1, len(rest)))


def _tab_indented(lines: list[str], line: int) -> bool:
    return line <= len(lines) and re.match(r" *\t", lines[line - 1]) is not None


def _tabs(lines: list[str], line: int, file: str) -> Diagnostic:
    content = lines[line - 1] if line <= len(lines) else ""
    match = re.search(r"\t+", content)
    column = match.start() + 1 if match else 1
    others = sum(1 for other in lines if re.match(r" *\t", other)) - _tab_indented(lines, line)
    notes = (f"indented with tabs too: {others:,} other line{'s' if others > 1 else ''}",) if others else ()
    end = match.end() + 1 if match else column + 1
    return Diagnostic(
        "SYN011",
        "a tab where YAML wants spaces",
        Span(file, line, column, end),
        notes=notes,
        help="indent with spaces, two a level",
    )
