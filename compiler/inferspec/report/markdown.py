"""A comment for a pull request: a table first, details folded below, never longer than GitHub accepts."""

from __future__ import annotations

import re
from typing import TextIO

from ..diagnostics import Diagnostic, Span, format_path
from . import Report, summary

MAX_CHARACTERS = 60_000
"""GitHub refuses a comment of more than 65,536 characters."""

_SPECIAL = re.compile(r"[\\`*_{}\[\]<>|#@&~$!]")


def render(report: Report, stream: TextIO) -> None:
    """The counts, a row a finding, then notes and help; what does not fit is counted."""
    parts = [f"**inferspec**: {summary(report.diagnostics)}\n"]
    left = MAX_CHARACTERS
    rows = [_row(d) for d in report.diagnostics]
    if rows:
        parts.append("\n| | rule | where | what |\n|---|---|---|---|\n")
    for shown, row in enumerate(rows):
        left -= len(row)
        if left < 0:
            parts.append(f"\n{len(rows) - shown:,} more findings do not fit here.\n")
            break
        parts.append(row)
    details = [text for d in report.diagnostics if (text := _details(report, d))]
    if details and left > 0:
        parts.append("\n<details><summary>Details</summary>\n\n")
        for text in details:
            left -= len(text)
            if left < 0:
                parts.append("More details do not fit here.\n\n")
                break
            parts.append(text)
        parts.append("</details>\n")
    stream.write("".join(parts))


def _row(d: Diagnostic) -> str:
    severity = f"~~{d.severity.value}~~ waived" if d.waiver else d.severity.value
    return f"| {severity} | {_prose(d.code)} | {_code(_place(d.span), cell=True)} | {_prose(d.message)} |\n"


def _details(report: Report, d: Diagnostic) -> str:
    items = [f"waived by {d.waiver.owner} until {d.waiver.expires}: {d.waiver.reason}"] if d.waiver else []
    items += d.notes
    items += [f"help: {d.help}"] if d.help else []
    items += [f"{_place(span)} {span.label}" for span in d.related]
    if not items:
        return ""
    source = (report.line(d.span.file, d.span.line) or "").strip()
    line = f"  {_code(source[:200])}\n" if source else ""
    where = f" at {_code(format_path(d.path))}" if d.path else ""
    return (
        f"- **{_prose(d.code)}** {_code(_place(d.span))}{where}: {_prose(d.message)}\n{line}"
        + "".join(f"  - {_prose(item)}\n" for item in items)
        + "\n"
    )


def _place(span: Span) -> str:
    return f"{span.file}:{span.line}:{span.column}"


def _prose(text: str) -> str:
    """User text that stays text: no markup, no mention of a person or an issue."""
    return _SPECIAL.sub(lambda m: f"&#{ord(m[0])};", text.replace("\n", " "))


def _code(text: str, *, cell: bool = False) -> str:
    text = text.replace("\n", " ").replace("\t", " ")
    text = text.replace("|", "\\|") if cell else text
    fence = "`" * (max((len(run) for run in re.findall(r"`+", text)), default=0) + 1)
    blank = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{blank}{text}{blank}{fence}"
