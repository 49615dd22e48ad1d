"""Data flows one way: no stage imports one that runs after it."""

import ast
from pathlib import Path

import inferspec
import pytest

ORDER = ("load", "model", "catalog", "resolve", "check", "policy", "plan", "emit", "prove")
PACKAGE = Path(inferspec.__file__).parent


def imported_stages(path: Path) -> set[str]:
    here = path.relative_to(PACKAGE).parts[:-1]
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            parts = [*here[: len(here) - node.level + 1], *(node.module or "").split(".")]
            found.update([parts[0]] if parts[0] else [alias.name for alias in node.names])
    return found


@pytest.mark.parametrize("stage", ORDER)
def test_no_stage_reaches_forward(stage: str) -> None:
    later = {*ORDER[ORDER.index(stage) + 1 :], "report", "cli", "pipeline"}
    files = sorted((PACKAGE / stage).rglob("*.py"))
    assert files
    assert {f.name: sorted(imported_stages(f) & later) for f in files if imported_stages(f) & later} == {}
