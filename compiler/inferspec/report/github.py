"""GitHub Actions workflow commands: each finding becomes an annotation on its line of the pull request.

Escapes follow actions/toolkit, packages/core/src/command.ts.
"""

from __future__ import annotations

from typing import TextIO

from ..diagnostics import Diagnostic
from . import Report, summary

_LEVELS = {"error": "error", "warning": "warning", "info": "notice"}


def render(report: Report, stream: TextIO) -> None:
    """A command a finding, waived ones as notices, then the counts as plain text."""
    for diagnostic in report.diagnostics:
        stream.write(_command(diagnostic) + "\n")
    stream.write(summary(report.diagnostics) + "\n")


def _command(d: Diagnostic) -> str:
    level = "notice" if d.waiver else _LEVELS[d.severity.value]
    title = f"{d.code} (waived until {d.waiver.expires})" if d.waiver else d.code
    end = d.span.end_column if d.span.end_column > d.span.column else d.span.column + 1
    properties = {
        "file": d.span.file,
        "line": d.span.line,
        "endLine": d.span.line,
        "col": d.span.column,
        "endColumn": end,
        "title": title,
    }
    lines = [d.message, *([d.span.label] if d.span.label else []), *d.notes]
    if d.help:
        lines.append(f"help: {d.help}")
    lines += [f"{span.file}:{span.line}:{span.column} {span.label}".rstrip() for span in d.related]
    if d.waiver:
        lines.append(f"waived by {d.waiver.owner}: {d.waiver.reason}")
    written = ",".join(f"{name}={_property(str(value))}" for name, value in properties.items())
    return f"::{level} {written}::{_data(chr(10).join(lines))}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
