"""The format for programs. Version 1: keys are added, never renamed or removed; a change that breaks is version 2."""

from __future__ import annotations

import json
from typing import Any, TextIO

from .. import __version__
from ..diagnostics import Diagnostic, Span, format_path
from . import Report, counts

VERSION = 1


def render(report: Report, stream: TextIO) -> None:
    """One JSON object in ASCII, indented by two. Lines and columns count from 1, in characters; ends are exclusive."""
    document = {
        "version": VERSION,
        "tool": {"name": "inferspec", "version": __version__},
        "counts": counts(report.diagnostics),
        "diagnostics": [_diagnostic(d) for d in report.diagnostics],
    }
    json.dump(document, stream, indent=2)
    stream.write("\n")


def _diagnostic(d: Diagnostic) -> dict[str, Any]:
    fix = d.fix and {
        "title": d.fix.title,
        "edits": [
            {
                "file": e.file,
                "line": e.line,
                "column": e.column,
                "endLine": e.end_line,
                "endColumn": e.end_column,
                "text": e.text,
            }
            for e in d.fix.edits
        ],
    }
    waiver = d.waiver and {
        "rule": d.waiver.rule,
        "at": format_path(d.waiver.at),
        "reason": d.waiver.reason,
        "owner": d.waiver.owner,
        "expires": d.waiver.expires.isoformat(),
    }
    return {
        "code": d.code,
        "severity": d.severity.value,
        "message": d.message,
        "path": format_path(d.path),
        "span": _span(d.span),
        "related": [_span(span) for span in d.related],
        "notes": list(d.notes),
        "help": d.help,
        "object": d.object,
        "field": d.field,
        "fix": fix,
        "waiver": waiver,
    }


def _span(span: Span) -> dict[str, Any]:
    end = span.end_column if span.end_column > span.column else span.column + 1
    return {"file": span.file, "line": span.line, "column": span.column, "endColumn": end, "label": span.label}
