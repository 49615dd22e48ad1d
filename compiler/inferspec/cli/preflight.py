"""``inferspec preflight``: whether what the platform relies on is there. It reads three APIs and changes nothing."""

from __future__ import annotations

import io
import json
import os
import sys
from argparse import Namespace

from ..check.context import Context
from ..diagnostics import Diagnostic, Severity
from ..outcome import Outcome
from ..pipeline import vet
from ..preflight.asked import Check, asked
from ..preflight.listing import lines, prerequisites
from ..preflight.needs import needs
from ..report import Report, exit_code, render
from ..resolve.fleet import Fleet
from ..resolve.places import Place
from ..weights.errors import Refusal
from . import USAGE
from .session import colour, count, known, named, note, refused, request
from .stop import Stop
from .table import aligned


def run(options: Namespace) -> int:
    """Raises Stop where a cluster is not in the spec, or Google Cloud cannot be asked."""
    wanted = request(options)
    outcome = vet(wanted)
    if outcome.fleet is None or outcome.document is None or outcome.failed:
        return refused(options, outcome)
    places = _places(outcome.fleet, options.only)
    if options.list:
        return _list(options, outcome.fleet, places)
    try:
        checks, found = _ask(Context(outcome.fleet, outcome.document, wanted.today), places)
    except Refusal as refusal:
        raise Stop(refusal.code, str(refusal)) from None
    _show(options, outcome, checks, found)
    return exit_code(found)


def _places(fleet: Fleet, only: list[str]) -> list[Place]:
    for name in only:
        known("cluster", name, (place.name for place in fleet.places))
    return [place for place in fleet.places if not only or place.name in only]


def _list(options: Namespace, fleet: Fleet, places: list[Place]) -> int:
    said = [prerequisites(fleet, place) for place in places]
    print(json.dumps(said, indent=2) if options.format == "json" else "\n\n".join("\n".join(lines(one)) for one in said))
    return 0


def _ask(context: Context, places: list[Place]) -> tuple[list[Check], list[Diagnostic]]:
    from ..preflight.cloud import Cloud
    from ..weights.patience import Patience

    first = os.environ.get("MODEL_RETRY_SECONDS", "1")
    try:
        patience = Patience(first=float(first))
    except ValueError:
        raise Stop(USAGE, f"MODEL_RETRY_SECONDS is {first!r}, not a number") from None
    answers = list(asked(context, Cloud(patience), needs(context.fleet, places)))
    return [check for check, _ in answers], [problem for _, problems in answers for problem in problems]


def _show(options: Namespace, outcome: Outcome, checks: list[Check], found: list[Diagnostic]) -> None:
    if options.format == "json":
        written = io.StringIO()
        render("json", Report(found, outcome.texts), written)
        listed = [{"kind": c.kind, "what": c.what, "clusters": list(c.clusters), "state": c.state} for c in checks]
        print(json.dumps({**json.loads(written.getvalue()), "checks": listed}, indent=2))
        return
    rows: list[tuple[str, ...]] = [("kind", "what", "state", "clusters"), *((c.kind, c.what, c.state, named(c.clusters)) for c in checks)]
    print("\n".join(aligned(rows, {0, 1, 2, 3})))
    if found:
        print()
        render("text", Report(found, outcome.texts, colour=colour(options, sys.stdout.isatty())), sys.stdout)
    wrong = sum(d.severity is Severity.ERROR for d in found)
    note(options, f"preflight: {count(len(checks), 'thing')} looked at, {count(wrong, 'error')}")
