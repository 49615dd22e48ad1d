"""Policies over a settled fleet, then waivers over everything found."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

from ..diagnostics import Diagnostic
from ..load import Document
from ..load.read import read_source
from . import team
from .engine import Violation, diagnose
from .waivers import apply, load_waivers

FOLDER = "policies"
WAIVERS = "waivers.yaml"


def policies(root: Path) -> list[Path]:
    """A team's own."""
    return sorted((root / FOLDER).glob("*.cue"))


def judge(
    violations: Sequence[Violation], document: Document, found: Sequence[Diagnostic], root: Path, today: date
) -> tuple[list[Diagnostic], dict[str, str]]:
    """``found`` with what the policies found, less what the waivers excuse, and the texts of the files that these point into."""
    judged, paths = [*found, *diagnose(violations, document)], policies(root)
    path = root / FOLDER / WAIVERS
    waivers, faults = load_waivers(path, root, team.rule_codes(paths, root) if paths else None)
    sources = [read_source(p, root)[0] for p in [*paths, *([path] if path.exists() else [])]]
    return apply([*judged, *faults], waivers, today), {s.name: s.text for s in sources if s.text is not None}
