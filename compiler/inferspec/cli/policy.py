"""``inferspec policy test``"""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..policy.testing import run_fixtures
from ..report import Report, render
from . import NO_INPUT
from .stop import Stop


def run(options: Namespace) -> int:
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
    from ..diagnostics import Severity
    from ..load import load_spec
    from ..model.errors import read_platform
    from ..resolve.facts import facts
    from ..resolve.fleet import Fleet

    document, found = load_spec(spec, root=root)
    if document is not None:
        platform, problems = read_platform(document)
        found += problems
        if platform is not None and not any(d.severity is Severity.ERROR for d in found):
            fleet, problems = check(Fleet(platform, catalogue()), document)
            errors = [d for d in problems if d.severity is Severity.ERROR]
            if not errors:
                return facts(fleet)
            found += errors
    worst = found[0]
    raise ValueError(f"{worst.span.file}:{worst.span.line}: {worst.message}")
