"""``inferspec policy test``: fixtures of a team's rules."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from inferspec.load import load_yaml
from inferspec.policy.testing import merged, run_fixtures

from tests.policy.fixtures import facts

RULE = """package inferspec

rules: ACME001: [for w in workloads if w.max > 5 {severity: "error", path: "serving.chat", message: "\\(w.max) is many"}]
"""
SPEC = "name: acme\nserving:\n  chat: {max: 4}\n"


def facts_of(spec: Path) -> Mapping[str, Any]:
    """A spec of these tests has a name and the maximum of one service."""
    document, _ = load_yaml(spec, spec.parent)
    assert document
    if document.root.get("name") != "acme":
        raise ValueError("the spec has no name")
    return facts({"workloads": [{"max": document.root["serving"]["chat"]["max"]}]})


def run(tmp_path: Path, files: dict[str, str]) -> list[tuple[str, str, str]]:
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    outcomes, found = run_fixtures(tmp_path / "policies", tmp_path, facts_of)
    assert not found
    return [(o.rule, o.fixture.rpartition("/")[2], o.verdict) for o in outcomes]


def test_both_kinds_of_fixture_pass(tmp_path: Path) -> None:
    files = {
        "spec.yaml": SPEC,
        "policies/acme.cue": RULE,
        "policies/tests/ACME001/pass.yaml": SPEC,
        "policies/tests/ACME001/fail.yaml": "base: ../../../spec.yaml\nserving: {chat: {max: 6}}\n",
    }
    assert run(tmp_path, files) == [("ACME001", "fail.yaml", "passed"), ("ACME001", "pass.yaml", "passed")]


def test_wrong_missing_and_stray_fixtures(tmp_path: Path) -> None:
    files = {
        "spec.yaml": SPEC,
        "policies/acme.cue": RULE + "rules: ACME002: []\n",
        "policies/tests/ACME001/pass-few.yaml": "base: ../../../spec.yaml\nserving: {chat: {max: 6}}\n",
        "policies/tests/ACME001/fail-many.yaml": SPEC,
        "policies/tests/ACME001/fail-unsound.yaml": "base: ../../../spec.yaml\nname: null\n",
        "policies/tests/ACME009/pass.yaml": SPEC,
    }
    assert run(tmp_path, files) == [
        ("ACME001", "fail-many.yaml", "failed"),
        ("ACME001", "fail-unsound.yaml", "failed"),
        ("ACME001", "pass-few.yaml", "failed"),
        ("ACME002", "", "missing"),
        ("ACME002", "", "missing"),
        ("ACME009", "", "failed"),
    ]


def test_a_policy_that_does_not_evaluate_gives_its_line(tmp_path: Path) -> None:
    (tmp_path / "policies/tests/ACME001").mkdir(parents=True)
    (tmp_path / "policies/acme.cue").write_text(RULE.replace("w.max >", "w.maxx >"))
    (tmp_path / "policies/tests/ACME001/pass.yaml").write_text(SPEC)
    outcomes, found = run_fixtures(tmp_path / "policies", tmp_path, facts_of)
    assert outcomes == [] and [(d.code, d.span.file, d.span.line) for d in found] == [("POL001", "policies/acme.cue", 3)]


def test_edits_merge_maps_replace_lists_and_remove_by_null() -> None:
    base = {"a": {"b": 1, "c": [1, 2]}, "d": 4}
    assert merged(base, {"a": {"c": [3], "e": None}, "d": None}) == {"a": {"b": 1, "c": [3]}}
    assert base == {"a": {"b": 1, "c": [1, 2]}, "d": 4}
