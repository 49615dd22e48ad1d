"""One mistake, one finding: what follows from another mistake is not told as one more."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ..diagnostics import Diagnostic, Severity, Span

NAMES = "names"
"""What a finding presumes that is untrue where a name leads nowhere."""
SHOWN = 4
"""Further places of one cause that are shown; the others are counted."""


CONTRADICTED = "CAT008"
"""The finding of numbers that no account of memory can be made of."""


def numbers_of(model: str) -> str:
    """What an account of a model's memory presumes."""
    return f"models.{model}.architecture"


def once(found: Iterable[Diagnostic], left_out: frozenset[str]) -> list[Diagnostic]:
    """Without what may be untrue because an entry was left out, and one finding a cause: the worst, with the places of the others."""
    found = list(found)
    untold = left_out | {NAMES for d in found if d.cause and d.severity is not Severity.INFO}
    untold |= {numbers_of(str(d.path[1])) for d in found if d.code == CONTRADICTED}
    groups: dict[str | int, list[Diagnostic]] = {}
    for i, diagnostic in enumerate(found):
        if untold.isdisjoint(diagnostic.presumes):
            groups.setdefault(diagnostic.cause or i, []).append(diagnostic)
    return [_together(group) if len(group) > 1 else group[0] for group in groups.values()]


def _together(group: list[Diagnostic]) -> Diagnostic:
    first = min(group, key=lambda d: (d.severity.rank, d.order))
    places: list[Span] = []
    for other in sorted(group, key=lambda d: d.order):
        if other is not first and _at(other.span) != _at(first.span) and _at(other.span) not in map(_at, places):
            places.append(other.span.labelled("here too" if other.severity is not Severity.INFO else "not checked further until then"))
    rest = len(places) - SHOWN
    more = (f"and in {rest} more {'place' if rest == 1 else 'places'}",) if rest > 0 else ()
    return replace(first, related=(*first.related, *places[:SHOWN]), notes=(*first.notes, *more))


def _at(span: Span) -> tuple[str, int, int]:
    return span.file, span.line, span.column
