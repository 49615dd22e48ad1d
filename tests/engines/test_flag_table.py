"""The committed flag table of the installed version, made anew from it: the same bytes but for the date."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.engines.test_emitted import INSTALLED
from tests.line import ROOT

COMMITTED = ROOT / "compiler/inferspec/catalog/engines/vllm" / f"{INSTALLED}.json"


def undated(text: str) -> str:
    found, dates = re.subn(r'^"asOf": "\d{4}-\d\d-\d\d"', '"asOf": ""', text, flags=re.MULTILINE)
    assert dates == 1
    return found


def test_the_committed_table_is_what_the_tool_makes_of_the_installed_package(tmp_path: Path) -> None:
    out = tmp_path / "table.json"
    done = subprocess.run(
        [sys.executable, "tools/vllm_flags.py", str(out)], cwd=ROOT, env=dict(os.environ), capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert "types not resolved" not in done.stderr, done.stderr
    assert undated(out.read_text(encoding="utf-8")) == undated(COMMITTED.read_text(encoding="utf-8"))
