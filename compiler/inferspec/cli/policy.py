"""``inferspec policy test``"""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from ..policy.testing import run_fixtures
from ..report import Report, render
from . import NO_INPUT, USAGE
from .stop import Stop


def run(options: Namespace) -> int:
    if options.action is None:
        options.parser.print_help(sys.stderr)
        return USAGE
    root = Path(options.directory)
    folder = root / options.policies
    if not sorted(folder.glob("*.cue")):
        raise Stop(NO_INPUT, f"{folder} holds no .cue file")
    outcomes, found = run_fixtures(folder, root, lambda spec: _facts(spec, root))
    if found:
        texts = {p.relative_to(root).as_posix(): p.read_text(encoding="utf-8", errors="replace") for p in folder.glob("*.cue")}
        render("text", Report(found, texts), sys.stdout)
        return 1
    for outcome in outcomes:
        print(f"{outcome.verdict:8} {outcome.rule} {outcome.fixture}{': ' + outcome.reason if outcome.reason else ''}")
    return 0 if all(o.verdict == "passed" for o in outcomes) else 1


def _facts(spec: Path, root: Path) -> Mapping[str, Any]:
    from ..catalog import catalogue
    from ..check import check
    from ..diagnostics import Diagnostic, Severity, format_path
    from ..load import load_spec
    from ..model.errors import read_platform
    from ..resolve.facts import facts
    from ..resolve.fleet import Fleet

    def sound(found: list[Diagnostic]) -> None:
        for worst in (d for d in found if d.severity is Severity.ERROR):
            raise ValueError(f"{format_path(worst.path)}: {worst.message}" if worst.path else worst.message)

    # A fixture that was merged with its base stands in a folder of its own, outside the repository.
    inside = spec.resolve().is_relative_to(root.resolve())
    document, found = load_spec(spec, root=root if inside else spec.parent)
    sound(found)
    assert document is not None
    platform, found = read_platform(document)
    sound(found)
    assert platform is not None
    own = root / "catalog"
    known = catalogue()
    if own.is_dir():
        from ..catalog.team import overlay

        known, problems = overlay(own)
        for problem in problems:
            raise problem
    fleet, found = check(Fleet(platform, known), document, date.today())
    sound(found)
    return facts(fleet)
