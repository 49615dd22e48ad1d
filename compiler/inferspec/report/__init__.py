"""What was found, for people and for machines: one module a format, each with ``render(report, stream)``.

A ``Report`` holds nothing that a terminal would obey and nothing that looks like a secret, so no format can leak either.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Protocol, TextIO

from ..diagnostics import Diagnostic, Severity, settled
from .masking import clean, clean_diagnostic, masked_lines, neutral

FORMATS = ("text", "json", "sarif", "github", "junit", "markdown")


@dataclass(frozen=True, slots=True, init=False)
class Report:
    """Findings and the texts they point into, by the file names the spans use.

    ``colour`` and ``width`` (columns) concern the text format only. Findings are sorted, masked and neutralised here.
    """

    diagnostics: tuple[Diagnostic, ...]
    texts: Mapping[str, str] = field(default_factory=dict)
    colour: bool = False
    width: int = 120
    _lines: dict[str, list[str]] = field(default_factory=dict, repr=False, compare=False)

    def __init__(
        self, diagnostics: Iterable[Diagnostic], texts: Mapping[str, str] | None = None, *, colour: bool = False, width: int = 120
    ) -> None:
        own = {
            "diagnostics": tuple(clean_diagnostic(d) for d in settled(diagnostics)),
            "texts": {clean(file): text for file, text in (texts or {}).items()},  # findings name files in clean form too
            "colour": colour,
            "width": width,
            "_lines": {},
        }
        for name, value in own.items():
            object.__setattr__(self, name, value)

    def line(self, file: str, n: int) -> str | None:
        """Line ``n`` of ``file``, from 1, safe to show; None where the text is not known. Every character keeps its column."""
        lines = self._lines.get(file)
        if lines is None:
            if file not in self.texts:
                return None
            lines = self._lines[file] = masked_lines(self.texts[file])
        return neutral(lines[n - 1]) if 1 <= n <= len(lines) else None


class Format(Protocol):
    """What a module of this package provides."""

    def render(self, report: Report, stream: TextIO) -> None: ...


def render(format: str, report: Report, stream: TextIO) -> None:
    """Write ``report`` in one of ``FORMATS``; any other name is a ValueError."""
    if format not in FORMATS:
        raise ValueError(f"no such format: {format}")
    module: Format = import_module(f".{format}", __package__)
    module.render(report, stream)


def counts(diagnostics: Iterable[Diagnostic]) -> dict[str, int]:
    """Findings by severity, waived ones apart: ``{"error": 1, "warning": 0, "info": 0, "waived": 2}``."""
    found = {**{severity.value: 0 for severity in Severity}, "waived": 0}
    for diagnostic in diagnostics:
        found["waived" if diagnostic.waiver else diagnostic.severity.value] += 1
    return found


def summary(diagnostics: Iterable[Diagnostic]) -> str:
    """One line: ``2 errors, 1 warning, 3 waived``."""
    found = counts(diagnostics)
    parts = [f"{n:,} {name}{'s' if n != 1 and name != 'waived' and name != 'info' else ''}" for name, n in found.items() if n]
    if not any(found[severity.value] for severity in Severity):
        parts.insert(0, "no problems found")
    return ", ".join(parts)


def exit_code(diagnostics: Iterable[Diagnostic], fail_on: Severity = Severity.ERROR) -> int:
    """1 where a finding that is not waived is as bad as ``fail_on`` or worse, else 0."""
    return int(any(d.severity.rank <= fail_on.rank for d in diagnostics if not d.waiver))
