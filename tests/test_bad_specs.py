"""Specs that are YAML and wrong: each gets its finding, nothing is written, and the tree stays as it was."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import pytest
import yaml
from inferspec.cli import main

ROOT = Path(__file__).parent.parent
CASES = yaml.safe_load((ROOT / "tests" / "bad_specs.yaml").read_text(encoding="utf-8"))
QUICKSTART = (ROOT / "specs" / "quickstart.yaml").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with the quickstart and its tree."""
    root = tmp_path_factory.mktemp("repository")
    (root / "specs").mkdir()
    (root / "specs" / "platform.yaml").write_text(QUICKSTART, encoding="utf-8")
    assert main(["compile", "-C", str(root), "-q"]) == 0
    return root


def state(root: Path) -> dict[str, str]:
    files = (p for top in ("overlays", "clusters") for p in (root / top).rglob("*") if p.is_file())
    return {p.relative_to(root).as_posix(): sha256(p.read_bytes()).hexdigest() for p in files}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["case"])
def test_bad_spec(case: dict, compiled: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = QUICKSTART
    for old, new in case["edits"]:
        assert text.count(old) >= 1, f"the case edits what is not there: {old}"
        text = text.replace(old, new.replace("NAME300", "a" * 300), 1)
    before = state(compiled)
    (compiled / "specs" / "platform.yaml").write_text(text, encoding="utf-8")
    assert main(["compile", "-C", str(compiled), "--format", "json", "-q"]) == 1
    out = capsys.readouterr()
    found = json.loads(out.out)["diagnostics"]
    errors = [d for d in found if d["severity"] == "error"]
    assert case["code"] in {d["code"] for d in errors}, [f"{d['code']} {d['message']}" for d in errors]
    assert any(case.get("says", "") in d.get("help", "") for d in errors), errors
    assert len(found) == 1 or not case.get("alone"), [d["message"] for d in found]
    assert all(d["span"]["line"] >= 1 and d["span"]["column"] >= 1 for d in errors)
    assert "Traceback" not in out.err
    assert state(compiled) == before
