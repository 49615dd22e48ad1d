"""The faults a real API server refuses (and some it does not), each with the golden case of ``mutants/`` that it was found by."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from inferspec.prove.cel_syntax import syntax_problem
from inferspec.prove.gateways import duration_ms
from inferspec.prove.kubernetes import check_object, check_objects

CASES = sorted((Path(__file__).parent / "mutants").glob("*.yaml"))


@pytest.mark.parametrize("path", CASES, ids=lambda p: p.stem)
def test_case(path: Path) -> None:
    case = yaml.safe_load(path.read_text())
    objects = case["objects"]
    if "pad" in case:
        objects[0]["data"]["a"] = "x" * case["pad"]
    found = check_objects(objects)
    assert sorted({f.code for f in found}) == case["codes"], found
    assert all(f.object and f.field.startswith("/") for f in found)


def test_forty_four_faults_of_the_server_and_eight_beyond_it() -> None:
    assert sum(not p.stem.startswith("ok-") for p in CASES) == 52


def test_the_field_points_into_the_object() -> None:
    case = yaml.safe_load((Path(__file__).parent / "mutants" / "request-gt-limit.yaml").read_text())
    (finding,) = check_object(case["objects"][0])
    assert finding.object == "Deployment default/a"
    assert finding.field == "/spec/template/spec/containers/0/resources/requests/memory"
    assert finding.message == "memory: request 80Gi is over limit 64Gi"


def test_wrong_types_are_the_schemas_business() -> None:
    for spec in (None, [], "x", {"template": 3}, {"template": {"spec": {"containers": "no"}}}):
        assert check_object({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a"}, "spec": spec}) == []


def test_namespaces_and_classes_may_come_from_the_cluster() -> None:
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "namespace": "chat"}, "spec": {"priorityClassName": "high"}}
    assert {f.code for f in check_objects([pod])} == {"no-namespace-exists", "priority-class-missing"}
    assert check_objects([pod], namespaces=["chat"], priorities=["high"]) == []


@pytest.mark.parametrize(
    "text",
    [
        "object.spec.replicas <= 5",
        "has(a.b) && a.b.all(x, x in ['a', 'b']) ? {'a': 1} : [1, 2]",
        "a.?b.orValue(0) == 1u",
        "!(a) || -b < 3.5e2",
        "a[0].b('x').c",
        'r"\\d" + """x"""',
        "Type{a: 1}",
        "a ? b : c ? d : e",
        "// note\n1",
        ".root.name == 'x'",
    ],
)
def test_cel_that_parses(text: str) -> None:
    assert syntax_problem(text) == ""


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("object.spec.replicas > ", 24),
        ("(a", 3),
        ("a b", 3),
        ("a ? b", 6),
        ("'open", 1),
        ("a.1", 2),
        ("[1, 2", 6),
        ("", 1),
        ("a = b", 3),
        ("{'a' 1}", 6),
    ],
)
def test_cel_that_does_not(text: str, column: int) -> None:
    assert syntax_problem(text).startswith(f"column {column}:")


def test_deep_cel_ends() -> None:
    assert "deeper" in syntax_problem("(" * 5000 + "1" + ")" * 5000)


def test_every_rule_of_our_own_schemas_parses() -> None:
    folder = Path(__file__).parents[2] / "compiler" / "inferspec" / "schemas" / "own"
    rules = [r for path in folder.glob("*.yaml") for r in _rules(yaml.safe_load(path.read_text()))]
    assert len(rules) >= 68
    assert [r for r in rules if syntax_problem(r)] == []


def _rules(node: object) -> list[str]:
    if isinstance(node, dict):
        own = node.get("x-kubernetes-validations")
        found = [r["rule"] for r in own] if isinstance(own, list) else []
        return found + [r for value in node.values() for r in _rules(value)]
    return [r for value in node for r in _rules(value)] if isinstance(node, list) else []


@pytest.mark.parametrize(
    ("text", "ms"), [("10s", 10_000), ("1h30m", 5_400_000), ("500ms", 500), ("5m", 300_000), ("1m500ms", 60_500), ("10", None), ("", None)]
)
def test_durations(text: str, ms: int | None) -> None:
    assert duration_ms(text) == ms
