"""A team's own policies beside the pack, and what happens when they are broken or hostile."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from inferspec.diagnostics import Severity
from inferspec.load import load_text
from inferspec.policy import Violation, diagnose, engine, evaluate

from tests.policy.fixtures import facts

HEAD = "package inferspec\n\n"
GOOD = HEAD + 'rules: ACME001: [for w in workloads if w.max > 5 {severity: "warning", path: w.at.min, message: "\\(w.name)"}]\n'
ENDLESS = 'import "list"\n\nrules: ACME001: [for i in list.Range(0, 100000000, 1) {severity: "info", path: "", message: "\\(i)"}]\n'
PACK_FINDS = {"gateways": {"public": {"tls": False}}}


def given(tmp_path: Path, *texts: str) -> list[Violation]:
    paths = []
    for i, text in enumerate(texts):
        paths.append(tmp_path / f"-json:{i}.cue")  # input 24: a name that cue would take for a flag or a format
        paths[-1].write_text(text)
    return evaluate(facts(PACK_FINDS), paths, tmp_path)


def test_team_rules_and_the_pack_side_by_side(tmp_path: Path) -> None:
    found = given(tmp_path, GOOD, HEAD + "rules: ACME002: []\n")
    assert [violation.rule for violation in found] == ["SEC004", "ACME001"]
    assert found[1] == Violation("ACME001", Severity.WARNING, "serving.chat.scale.min", "chat-gpu")


BROKEN = {
    "syntax": (HEAD + "rules: ACME001: [for w in {\n", "found 'EOF'", 3),
    "unknown fact": (HEAD + 'rules: ACME001: [for w in workloads if w.maxx > 1 {severity: "error"}]\n', "undefined field: maxx", 3),
    "unknown name": (HEAD + "rules: ACME001: [for w in workloadz {w}]\n", '"workloadz" not found', 3),
    "unification": (HEAD + "rules: ACME001: {a: 1}\n", "conflicting values", 3),
    "own violations": (HEAD + "violations: 3\n", "conflicting values", 3),
    "other package": ("package acme\n", "package inferspec", 1),
    "no package": ("rules: ACME001: []\n", "package inferspec", 1),
    "acts": ('package inferspec, import "tool/exec"\n', "tool/exec", 1),
    "fetches": (HEAD + '// why\nimport (\n\t"list"\n\tx "example.com/x@v0"\n)\n', "example.com/x@v0", 6),
    "escaped import": (HEAD + 'import "\\u0074ool/exec"\n', "may not import", 3),
    "raw import": (HEAD + 'import #"tool/exec"#\n', "may not import", 3),
    "embeds": ("@extern(embed)\n\n" + HEAD + "a: _ @embed(file=x.json)\n", "embed", 1),
    "switched off": ("// x\n@if(never)\n" + HEAD, "file attributes", 2),
    "no UTF-8": (HEAD + "a: \x1b[31m\n", "escape character", 3),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_policy_is_one_finding_at_its_line_and_hides_nothing(name: str, tmp_path: Path) -> None:
    text, message, line = BROKEN[name]
    ours, theirs = given(tmp_path, text)
    assert ours.rule == "SEC004"
    assert theirs.rule == ("SYN005" if name == "no UTF-8" else "POL001")
    assert message in theirs.message and theirs.span and (theirs.span.file, theirs.span.line) == ("-json:0.cue", line)


MALFORMED = {
    "no message": ('{severity: "error", path: "serving"}', "needs message"),
    "severity": ('{severity: "fatal", path: "", message: "x"}', "'fatal'"),
    "extra": ('{severity: "error", path: "", message: "x", when: "y"}', "not when"),
    "type": ('{severity: "error", path: "", message: 3}', "message is not a string"),
    "path": ('{severity: "error", path: "a[", message: "x"}', "no spec path"),
    "empty": ('{severity: "error", path: "", message: ""}', "message is empty"),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_finding_is_reported_at_its_rule(name: str, tmp_path: Path) -> None:
    item, message = MALFORMED[name]
    found = given(tmp_path, GOOD, f"{HEAD}rules: ACME007: [{item}, {item}]\n")
    assert [violation.rule for violation in found] == ["SEC004", "ACME001", "POL002"]
    assert message in found[2].message and found[2].span and (found[2].span.file, found[2].span.line) == ("-json:1.cue", 3)


@pytest.mark.parametrize("code", ["CAP001", "CAP999", "SYNC777", "POL009", "acme001", "TOOLONGCODE001", "A001"])
def test_a_team_takes_codes_of_its_own(code: str, tmp_path: Path) -> None:
    found = given(tmp_path, f'{HEAD}rules: "{code}": [{{severity: "info", path: "", message: "x"}}]\n')
    assert [violation.rule for violation in found] == ["SEC004", "POL002"]


def test_a_policy_that_never_ends_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "_TEAM_DEADLINE", 0.5)
    ours, theirs = given(tmp_path, HEAD + ENDLESS)
    assert (ours.rule, theirs.rule) == ("SEC004", "POL001") and "0.5 s" in theirs.message


def test_a_policy_that_prints_without_end_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "_CAP", 20_000)
    ours, theirs = given(tmp_path, HEAD + ENDLESS.replace("100000000", "1000"))
    assert (ours.rule, theirs.rule) == ("SEC004", "POL001") and "bytes" in theirs.message


def test_a_symlink_out_of_the_repository_and_a_pipe_are_not_read(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (tmp_path / "secret.cue").write_text(GOOD)
    (root / "out.cue").symlink_to(tmp_path / "secret.cue")
    os.mkfifo(root / "pipe.cue")
    found = evaluate(facts(), [root / "out.cue", root / "pipe.cue"], root)
    assert sorted(violation.rule for violation in found) == ["SYN001", "SYN002"]


def test_facts_that_lack_something_are_a_bug() -> None:
    lacking = facts()
    del lacking["workloads"][0]["min"]
    with pytest.raises(engine.PackBroken, match="min"):
        evaluate(lacking)


def test_a_finding_stands_at_its_line_or_the_nearest_that_is_written() -> None:
    document, _ = load_text("serving:\n  chat:\n    scale: {min: 1}\ngateways:\n  public: {host: a.b}\n")
    assert document
    found = diagnose(
        [
            Violation("SEC004", Severity.ERROR, "gateways.public.tls", "no tls", "add it"),
            Violation("SCL001", Severity.WARNING, "serving.chat.scale.min", "one", ""),
            Violation("SCL001", Severity.WARNING, "serving.chat.scale.min", "one", ""),
        ],
        document,
    )
    assert [(d.code, d.span.line, d.span.column) for d in found] == [("SCL001", 3, 18), ("SEC004", 5, 11)]
    assert found[1].path == ("gateways", "public", "tls") and found[1].help == "add it"
