"""The defects of the reference architecture, and what users of gateways run into: each attempt to write one gets its finding, and
docs/defects.md says so."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from inferspec.cli import main

from tests import docs, line

DEFECTS, PAINS = (yaml.safe_load((line.ROOT / f"tests/{name}.yaml").read_text(encoding="utf-8")) for name in ("defects", "gateway_pains"))
PAGE = line.ROOT / "docs/defects.md"


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with the quickstart and its tree."""
    root = tmp_path_factory.mktemp("repository")
    (root / "specs").mkdir()
    (root / "specs/quickstart.yaml").write_text(line.text("quickstart"), encoding="utf-8")
    assert main(["compile", "-C", str(root), "-q"]) == 0
    return root


def edited(edits: list[list[str]]) -> str:
    text = line.text("quickstart")
    for old, new in edits:
        assert old in text, f"the case edits what is not there: {old}"
        text = text.replace(old, new, 1)
    return text


ATTEMPTS = [
    {"severity": "", **defect, **more, "id": f"{defect['id']}{'+' * i}"}
    for defect in DEFECTS + PAINS
    for i, more in enumerate([{}, *defect.get("more", [])])
]


@pytest.mark.parametrize("defect", ATTEMPTS, ids=lambda d: d["id"])
def test_an_attempt_gets_its_finding(defect: dict[str, Any], compiled: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = tmp_path / "repository"
    shutil.copytree(compiled, root)
    (root / "specs/quickstart.yaml").write_text(edited(defect["edits"]), encoding="utf-8")
    if "touch" in defect:
        with (root / defect["touch"]).open("a", encoding="utf-8") as file:
            file.write("# by hand\n")
    main(["compile", "-C", str(root), "--format", "json", "-q"])
    found = {d["code"]: d["severity"] for d in json.loads(capsys.readouterr().out)["diagnostics"]}
    assert found.get(defect["code"]) in ((defect["severity"],) if defect["severity"] else ("error", "warning")), found


def test_there_are_27_and_20() -> None:
    assert [d["id"] for d in DEFECTS] == [f"P{number}" for number in range(1, 28)]
    assert [d["id"] for d in PAINS] == [f"G{number}" for number in range(1, 21)]


def answer(defect: dict[str, Any]) -> str:
    said = f"cannot be written: {defect['cannot']}; the attempt is {defect['code']}" if "cannot" in defect else defect["code"]
    return f"{said}; {defect['note']}" if "note" in defect else str(said)


def test_the_docs_have_the_table(refresh: bool) -> None:
    rows = [(d["id"], d["what"], d["spec"], answer(d)) for d in DEFECTS]
    pains = [(d["id"], d["what"], d["threads"], d["spec"], answer(d)) for d in PAINS]
    tables = docs.table(("id", "defect", "attempt", "answer"), rows), docs.table(("id", "pain", "threads", "attempt", "answer"), pains)
    for table in tables:
        assert docs.held(PAGE, table, refresh), "pytest --refresh writes the tables anew"
