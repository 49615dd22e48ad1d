"""JUnit XML, as CI servers read it: a test case a finding, or one that passes where there is none."""

from __future__ import annotations

from typing import TextIO
from xml.sax.saxutils import escape, quoteattr

from ..diagnostics import Diagnostic
from . import Report, counts


def render(report: Report, stream: TextIO) -> None:
    """Errors and warnings are failures, infos pass with output, waived findings are skipped."""
    found = counts(report.diagnostics)
    cases = [_case(d) for d in report.diagnostics] or ['    <testcase classname="inferspec" name="no problems found"/>']
    totals = f'tests="{len(cases)}" failures="{found["error"] + found["warning"]}" errors="0" skipped="{found["waived"]}"'
    stream.write('<?xml version="1.0" encoding="UTF-8"?>\n')
    stream.write(f'<testsuites name="inferspec" {totals}>\n  <testsuite name="inferspec" {totals}>\n')
    stream.write("\n".join(cases) + "\n  </testsuite>\n</testsuites>\n")


def _case(d: Diagnostic) -> str:
    place = f"{d.span.file}:{d.span.line}:{d.span.column}"
    opened = f"    <testcase classname={quoteattr(d.code)} name={quoteattr(f'{place} {d.message}')} file={quoteattr(d.span.file)}"
    opened += f' line="{d.span.line}">'
    if d.waiver:
        body = f"<skipped message={quoteattr(f'waived by {d.waiver.owner} until {d.waiver.expires}: {d.waiver.reason}')}/>"
    elif d.severity.value == "info":
        body = f"<system-out>{escape(_details(d))}</system-out>"
    else:
        body = f'<failure type="{d.severity.value}" message={quoteattr(d.message)}>{escape(_details(d))}</failure>'
    return f"{opened}\n      {body}\n    </testcase>"


def _details(d: Diagnostic) -> str:
    lines = [f"{d.span.file}:{d.span.line}:{d.span.column}: {d.severity.value}[{d.code}]: {d.message}"]
    lines += [d.span.label] if d.span.label else []
    lines += d.notes
    lines += [f"help: {d.help}"] if d.help else []
    lines += [f"{span.file}:{span.line}:{span.column} {span.label}".rstrip() for span in d.related]
    return "\n".join(lines)
