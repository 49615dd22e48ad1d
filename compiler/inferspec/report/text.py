"""The format for people: one block a finding, the line it is about, and what to do."""

from __future__ import annotations

import unicodedata
from typing import TextIO

from ..diagnostics import Diagnostic, Span
from ..rules import is_registered
from . import Report, summary

TAB = "    "
_CUT = "..."
_COLOURS = {"error": "1;31", "warning": "1;33", "info": "1;36", "waived": "1;90", "bold": "1", "rule": "1;34"}


def render(report: Report, stream: TextIO) -> None:
    """Blocks in the order of the lines they are about, then the counts."""
    for diagnostic in report.diagnostics:
        block = _waived(report, diagnostic) if diagnostic.waiver else _block(report, diagnostic)
        stream.write("\n".join(block) + "\n\n")
    stream.write(summary(report.diagnostics) + "\n")


def _block(report: Report, d: Diagnostic) -> list[str]:
    margin = " " * len(str(d.span.line))
    rule, equals = _paint(report, "rule", "|"), _paint(report, "rule", "=")
    lines = [_head(report, d.severity.value, d), _arrow(report, margin, d.span)]
    source = report.line(d.span.file, d.span.line)
    if source is not None:
        shown, pad, carets = excerpt(source, d.span, max(40, report.width - len(margin) - 3))
        mark = _paint(report, d.severity.value, f"{carets} {d.span.label}".rstrip())
        number = _paint(report, "rule", str(d.span.line))
        lines += [f"{margin} {rule}", f"{number} {rule} {shown}".rstrip(), f"{margin} {rule} {pad}{mark}"]
    elif d.span.label:
        lines.append(f"{margin} {equals} {d.span.label}")
    lines += [f"{margin} {equals} {note}" for note in d.notes]
    if d.object:
        lines.append(f"{margin} {equals} in {d.object}" + (f" at {d.field}" if d.field else ""))
    if d.help:
        lines.append(f"{margin} {equals} help: {d.help}")
    lines += [f"{_arrow(report, margin, span)}  {span.label}".rstrip() for span in d.related]
    if is_registered(d.code):
        lines.append(f"{margin} {equals} explain: inferspec explain {d.code}")
    return lines


def _waived(report: Report, d: Diagnostic) -> list[str]:
    """Waived findings stay visible, in three lines."""
    assert d.waiver
    margin = " " * len(str(d.span.line))
    why = f"{d.waiver.reason} ({d.waiver.owner}, until {d.waiver.expires})"
    return [_head(report, "waived", d), _arrow(report, margin, d.span), f"{margin} {_paint(report, 'rule', '=')} waived: {why}"]


def _head(report: Report, word: str, d: Diagnostic) -> str:
    return _paint(report, word, f"{word}[{d.code}]") + _paint(report, "bold", f": {d.message}")


def _arrow(report: Report, margin: str, span: Span) -> str:
    return f"{margin}{_paint(report, 'rule', '-->')} {span.file}:{span.line}:{span.column}"


def _paint(report: Report, name: str, text: str) -> str:
    return f"\x1b[{_COLOURS[name]}m{text}\x1b[0m" if report.colour else text


def excerpt(source: str, span: Span, width: int) -> tuple[str, str, str]:
    """(the line as shown, blanks before the carets, carets), for ``width`` columns of a terminal.

    Tabs take four columns, wide characters two, combining ones none. A line that is too long is cut around the carets.
    """
    cells = [_cell(char) for char in source]
    start = min(span.column - 1, len(cells))
    end = min(max(span.end_column - 1, start + 1), max(len(cells), start + 1))
    first, last = _window([w for _, w in cells], start, end, width)
    before, after = (_CUT if first > 0 else ""), (_CUT if last < len(cells) else "")
    shown = before + "".join(text for text, _ in cells[first:last]) + after
    pad = " " * (len(before) + sum(w for _, w in cells[first:start]))
    carets = sum(w for _, w in cells[start : min(end, last)])
    return shown, pad, "^" * max(1, carets)


def _cell(char: str) -> tuple[str, int]:
    if char == "\t":
        return TAB, len(TAB)
    if char.isascii():
        return char, 1
    if unicodedata.combining(char) or unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return char, 0
    return char, 2 if unicodedata.east_asian_width(char) in "WF" else 1


def _window(widths: list[int], start: int, end: int, width: int) -> tuple[int, int]:
    """Which characters to show: all of them, or those around the carets, from a third before them."""
    if sum(widths) <= width:
        return 0, len(widths)
    room = width - 2 * len(_CUT)
    first, used = start, 0
    while first > 0 and used + widths[first - 1] <= room // 3:
        first -= 1
        used += widths[first]
    last = start
    while last < len(widths) and used + widths[last] <= room:
        used += widths[last]
        last += 1
    while first > 0 and used + widths[first - 1] <= room:
        first -= 1
        used += widths[first]
    return first, last
