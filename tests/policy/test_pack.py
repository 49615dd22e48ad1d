"""Each built-in rule against its two fixtures, all in one cue process, and with its own file taken away."""

from __future__ import annotations

import re

import pytest
from inferspec.policy.cases import evaluate_cases
from inferspec.policy.engine import PACK, Violation, evaluate, pack_files
from inferspec.rules import codes, page
from inferspec.tools import run

from tests.policy.fixtures import HERE, RULES, expected, facts

FILES = {f"{code}.cue": text for code, text in RULES.items()}


@pytest.fixture(scope="module")
def findings() -> dict[str, list[Violation]]:
    cases = {f"{code}-{kind}": facts(HERE / code / f"{kind}.yaml") for code in RULES for kind in ("pass", "fail")}
    return evaluate_cases({"base": facts(), **cases}, FILES)


def test_the_base_is_clean(findings: dict[str, list[Violation]]) -> None:
    assert findings["base"] == []


@pytest.mark.parametrize("code", RULES)
def test_a_rule_finds_what_it_should_where_it_should(code: str, findings: dict[str, list[Violation]]) -> None:
    mine = [violation for violation in findings[f"{code}-fail"] if violation.rule == code]
    assert sorted(violation.path for violation in mine) == sorted(expected(HERE / code / "fail.yaml"))
    assert all(violation.message and violation.help for violation in mine)
    assert not [violation for violation in findings[f"{code}-pass"] if violation.rule == code]


@pytest.mark.parametrize("code", RULES)
def test_without_its_file_a_rule_finds_nothing_and_the_others_stand(code: str, findings: dict[str, list[Violation]]) -> None:
    others = {name: text for name, text in FILES.items() if name != f"{code}.cue"}
    left = evaluate_cases({"fail": facts(HERE / code / "fail.yaml")}, others)["fail"]
    assert left == [violation for violation in findings[f"{code}-fail"] if violation.rule != code]


def test_every_rule_has_a_page_a_file_of_its_own_and_one_severity(findings: dict[str, list[Violation]]) -> None:
    for code, text in RULES.items():
        assert set(re.findall(r"^rules: (\w+):", text, re.MULTILINE)) == {code}
        (severity,) = set(re.findall(r'severity:\s+"(\w+)"', text))
        assert code in codes() and page(code).what.startswith(f"{severity.capitalize()}.")
        assert int(code[-3:]) < 50


def test_a_credential_is_never_printed(findings: dict[str, list[Violation]]) -> None:
    text = "".join(violation.message + violation.help for violation in findings["SEC003-fail"])
    for secret in ("hf_abc", "plain", "user:pass", "BEGIN", "letmein"):
        assert secret not in text


def test_advice_that_can_be_followed(findings: dict[str, list[Violation]]) -> None:
    """A custom engine has no image of the catalogue's."""
    tagged, *_, bare, custom = [found for found in findings["SEC002-fail"] if found.rule == "SEC002"]
    assert tagged.message.endswith("its tag is no release tag (N.N, a date or a commit)") and bare.message.endswith("it has no tag")
    assert "the catalogue's is pinned" in tagged.help and "catalogue" not in custom.help
    (armor,) = [found for found in findings["SEC005-fail"] if found.rule == "SEC005"]
    assert "modelArmor: {template: NAME}" in armor.help and "waive" in armor.help
    (bare,) = evaluate(facts({"gateways": {"public": {"modelArmor": False, "screenable": False}}}))
    assert bare.rule == "SEC005" and "{template: NAME}" not in bare.help and "waive" in bare.help
    (chips,) = [found for found in findings["SCL002-fail"] if found.rule == "SCL002"][:1]
    assert " clusters (prod-1, prod-2)" in chips.help


def test_one_platform_gives_the_same_findings_alone(findings: dict[str, list[Violation]]) -> None:
    assert evaluate(facts(HERE / "SRV004" / "fail.yaml")) == findings["SRV004-fail"]


def test_values_of_other_types_do_not_break_the_pack() -> None:
    odd = {"gpu-memory-utilization": "0.99", "trust-remote-code": "yes", "max-num-seqs": "many", "tokenizer": 3, "api-key": 7}
    assert evaluate(facts({"workloads": [{"flags": odd, "metric": "running-requests"}]})) == []


def test_text_of_the_spec_is_data() -> None:
    """Input 23: CUE text in a value is a value."""
    hostile = 'x\\(1+1)" _|_ @embed(file=/etc/passwd)\nimport "tool/exec"'
    (found,) = evaluate(facts({"workloads": [{"name": hostile, "flags": {"trust-remote-code": True}}]}))
    assert found.message.startswith('x\\(1+1)" _|_ @embed(file=/etc/passwd) import "tool/exec": trust-remote-code')


def test_an_empty_platform_is_clean() -> None:
    emptied = facts()
    for name in ("teams", "clusters", "capacityClasses", "models", "stores", "secrets", "gateways", "objectives"):
        emptied[name] = {}
    emptied["workloads"] = []
    emptied["delivery"]["waves"] = []
    assert evaluate(emptied) == []


def test_the_pack_is_formatted_and_only_computes() -> None:
    assert run("cue", ["fmt", "--check", *(f"./{path.name}" for path in pack_files())], cwd=PACK).stdout == b""
    imports = {name for path in PACK.glob("*.cue") for name in re.findall(r'^\s*(?:import )?"([a-z/]+)"$', path.read_text(), re.M)}
    assert imports <= {"list", "strings", "math"}
