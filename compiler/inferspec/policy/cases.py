"""Many platforms through the same rules in one cue process: what fixtures of rules need."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .engine import PACK, PRELUDE, Violation, export, well_formed

_MAIN = """package cases

import "inferspec.internal/policy/pack:inferspec"

cases: _
results: {for id, facts in cases {(id): (inferspec & facts).violations}}
"""


class CasesBroken(Exception):
    """cue could not evaluate the rules; its own words."""


def evaluate_cases(cases: Mapping[str, Mapping[str, Any]], rules: Mapping[str, str]) -> dict[str, list[Violation]]:
    """Findings by case. ``cases`` are facts by any name, ``rules`` the text of rule files by a name of ours (``x.cue``).

    The rules become a package, which is unified with one case after the other; neither sees the next. Raises CasesBroken,
    and ValueError where a finding is malformed.
    """
    with tempfile.TemporaryDirectory(prefix="inferspec-cases-") as name:
        folder = Path(name)
        shutil.copytree(PACK / "cue.mod", folder / "cue.mod")
        (folder / "main.cue").write_text(_MAIN, encoding="utf-8")
        (folder / "pack").mkdir()
        shutil.copyfile(PACK / PRELUDE, folder / "pack" / PRELUDE)
        for file, text in rules.items():
            (folder / "pack" / file).write_text(text, encoding="utf-8")
        done = export("results", ["main.cue"], json.dumps({"cases": cases}).encode(), folder)
    if done.rc != 0:
        raise CasesBroken(done.stderr.decode("utf-8", "replace")[:4000])
    return {case: [well_formed(item) for item in items] for case, items in json.loads(done.stdout).items()}
