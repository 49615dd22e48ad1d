"""``inferspec policy test``"""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from ..checked import check_spec
from ..diagnostics import Severity, format_path
from ..load.read import read_source
from ..outcome import Outcome, Request
from ..policy.testing import run_fixtures
from ..report import Report, render
from ..report.masking import clean
from . import NO_INPUT, USAGE
from .stop import Stop


def run(options: Namespace) -> int:
    if options.action is None:
        options.parser.print_help(sys.stderr)
        return USAGE
    root = Path(options.directory)
    folder = root / options.policies
    if not sorted(folder.glob("*.cue")):
        raise Stop(NO_INPUT, f"{clean(str(folder))} holds no .cue file")
    outcomes, found = run_fixtures(folder, root, lambda spec: _facts(spec, root))
    if found:
        sources = [read_source(path, root)[0] for path in folder.glob("*.cue")]  # of what may not be read, nothing is shown
        render("text", Report(found, {source.name: source.text for source in sources if source.text is not None}), sys.stdout)
        return 1
    for outcome in outcomes:
        print(clean(f"{outcome.verdict:8} {outcome.rule} {outcome.fixture}{': ' + outcome.reason if outcome.reason else ''}"))
    return 0 if all(o.verdict == "passed" for o in outcomes) else 1


def _facts(spec: Path, root: Path) -> Mapping[str, Any]:
    # A fixture that was merged with its base stands in a folder of its own, outside the repository.
    inside = Path(os.path.realpath(spec)).is_relative_to(os.path.realpath(root))
    outcome = Outcome()
    told = check_spec(outcome, Request(spec, root if inside else spec.parent, date.today()), root / "catalog")
    for worst in (d for d in outcome.diagnostics if d.severity is Severity.ERROR):
        raise ValueError(f"{format_path(worst.path)}: {worst.message}" if worst.path else worst.message)
    assert told is not None
    return told.facts
