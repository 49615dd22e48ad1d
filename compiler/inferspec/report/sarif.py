"""SARIF 2.1.0, for code scanning. Waived findings are results with a suppression, so they stay visible."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from typing import Any, TextIO
from urllib.parse import quote

from .. import __version__
from ..diagnostics import Diagnostic, Edit, Fix, Span, format_path
from ..rules import codes, page
from . import Report

_LEVELS = {"error": "error", "warning": "warning", "info": "note"}
MAX_SNIPPET = 500
"""Characters of a line; a longer one is left out, as a report must stay small whatever it is about."""

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def render(report: Report, stream: TextIO) -> None:
    """One run. Columns count characters; ends are exclusive, as SARIF's are."""
    used = sorted({d.code for d in report.diagnostics})
    known = codes()
    seen: Counter[str] = Counter()
    run = {
        "tool": {"driver": {"name": "inferspec", "semanticVersion": __version__, "rules": [_rule(code, known) for code in used]}},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {"REPOSITORY": {"description": {"text": "The root of the repository"}}},
        "results": [_result(report, d, used.index(d.code), seen) for d in report.diagnostics],
    }
    json.dump({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, stream, indent=2)
    stream.write("\n")


def _rule(code: str, known: frozenset[str]) -> dict[str, Any]:
    if code not in known:
        return {"id": code}
    text = page(code)
    return {
        "id": code,
        "shortDescription": {"text": text.title},
        "fullDescription": {"text": text.what},
        "help": {"text": text.why, "markdown": text.markdown},
    }


def _result(report: Report, d: Diagnostic, index: int, seen: Counter[str]) -> dict[str, Any]:
    parts = [d.message, *([d.span.label] if d.span.label else []), *d.notes, *([f"help: {d.help}"] if d.help else [])]
    location: dict[str, Any] = {"physicalLocation": _place(report, d.span)}
    logical = [{"fullyQualifiedName": format_path(d.path), "kind": "member"}] if d.path else []
    if d.object:
        logical.append({"fullyQualifiedName": f"{d.object}{' ' if d.field else ''}{d.field}", "kind": "object"})
    if logical:
        location["logicalLocations"] = logical
    result: dict[str, Any] = {
        "ruleId": d.code,
        "ruleIndex": index,
        "level": _LEVELS[d.severity.value],
        "message": {"text": "\n".join(parts)},
        "locations": [location],
        "partialFingerprints": {"inferspec/v1": _fingerprint(report, d, seen)},
    }
    if d.related:
        result["relatedLocations"] = [
            {"id": i, "message": {"text": span.label}, "physicalLocation": _place(report, span)} for i, span in enumerate(d.related)
        ]
    if d.fix:
        result["fixes"] = [_fix(d.fix)]
    if d.waiver:
        why = f"{d.waiver.reason} ({d.waiver.owner}, until {d.waiver.expires})"
        result["suppressions"] = [{"kind": "external", "status": "accepted", "justification": why}]
    return result


def _place(report: Report, span: Span) -> dict[str, Any]:
    end = span.end_column if span.end_column > span.column else span.column + 1
    region: dict[str, Any] = {"startLine": span.line, "startColumn": span.column, "endColumn": end}
    source = report.line(span.file, span.line)
    if source is not None and len(source) <= MAX_SNIPPET:
        region["snippet"] = {"text": source}
    return {"artifactLocation": _file(span.file), "region": region}


def _file(name: str) -> dict[str, str]:
    return {"uri": quote(name), "uriBaseId": "REPOSITORY"}


def _fix(fix: Fix) -> dict[str, Any]:
    changes: dict[str, list[dict[str, Any]]] = {}
    for edit in fix.edits:
        changes.setdefault(edit.file, []).append({"deletedRegion": _region(edit), "insertedContent": {"text": edit.text}})
    return {
        "description": {"text": fix.title},
        "artifactChanges": [{"artifactLocation": _file(file), "replacements": edits} for file, edits in changes.items()],
    }


def _region(edit: Edit) -> dict[str, int]:
    return {"startLine": edit.line, "startColumn": edit.column, "endLine": edit.end_line, "endColumn": edit.end_column}


def _fingerprint(report: Report, d: Diagnostic, seen: Counter[str]) -> str:
    """The same for the same finding after lines above it have moved: by path where there is one, else by the line's text."""
    place = format_path(d.path) or (report.line(d.span.file, d.span.line) or "").strip()
    identity = "\0".join((d.code, d.span.file, place, d.object, d.field))
    seen[identity] += 1
    return hashlib.sha256(f"{identity}\0{seen[identity]}".encode()).hexdigest()[:32]
