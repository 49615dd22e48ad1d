"""Facts of fixtures: ``<CODE>/{pass,fail}.yaml`` over ``base.yaml``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from inferspec.load import load_yaml
from inferspec.policy.engine import PACK, PRELUDE
from inferspec.policy.testing import merged

HERE = Path(__file__).parent
RULES = {path.stem: path.read_text() for path in sorted(PACK.glob("*.cue")) if path.name != PRELUDE}


def facts(edits: Path | dict[str, Any] | None = None) -> dict[str, Any]:
    """The base with edits; each workload they list is an edit of the base's first one."""
    base = _read(HERE / "base.yaml")
    given = _read(edits) if isinstance(edits, Path) else dict(edits or {})
    if "workloads" in given:
        given["workloads"] = [merged(base["workloads"][0], workload) for workload in given["workloads"]]
    return merged(base, given)


def expected(fixture: Path) -> list[str]:
    """The places in the first line of a failing fixture: ``# finds: PATH x2 PATH``."""
    places: list[str] = []
    for word in fixture.read_text().splitlines()[0].removeprefix("# finds:").split():
        places += [places[-1]] * (int(word[1:]) - 1) if word[0] == "x" and word[1:].isdigit() else [word]
    return places


def _read(path: Path) -> dict[str, Any]:
    document, found = load_yaml(path, HERE)
    assert document is not None and not found, found
    return dict(document.root)
