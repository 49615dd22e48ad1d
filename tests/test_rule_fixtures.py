"""Each code of the compiler against its fixtures: ``rules/<CODE>.yaml``, text edits of ``rules/base.yaml``.

A fixture holds one case, and further ones under ``more``:

fail, pass     edits ``[old, new]``: with the first the code is found, with the second it is not; without ``pass``, the base
at             spec path of the finding
line_contains  text of the line it points at
help_contains  text of its way out
also           codes of other errors that the same edits cannot but make
command        vet (without it), compile, prove or preflight
files          further files of the repository, by path; mended: those that differ in the passing run
before         edits of a tree that is compiled first (compile)
touch          a file of that tree, changed by hand before the failing run (compile)
cloud          edits [resource, steps, value] of a sound cloud (preflight, failing run): tests/cloud.py, a stand-in of ours
doctor         faults put into the plan or the tree (prove): no spec makes them, so a fault of the compiler stands in
"""

from __future__ import annotations

import contextlib
import copy
import io
import json
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from inferspec import check, cli
from inferspec.catalog import catalogue
from inferspec.diagnostics import Diagnostic, Severity, Span, format_path, parse_path
from inferspec.emit.tree import render_tree
from inferspec.load import load_text
from inferspec.model.errors import read_platform
from inferspec.pipeline import Request, vet
from inferspec.plan.fleet import plan
from inferspec.plan.objects import FleetPlan
from inferspec.prove.proof import Prover
from inferspec.resolve.fleet import Fleet
from inferspec.rules import codes

from tests import cloud
from tests.policy.fixtures import RULES as PACK_RULES

HERE = Path(__file__).parent / "rules"
LOCK = "specs/platform.lock.json"
BASE = (HERE / "base.yaml").read_text(encoding="utf-8")
TODAY = date(2026, 11, 21)

ELSEWHERE = {
    "tests/load": lambda code: code.startswith("SYN") and not code.startswith("SYNC"),
    "tests/policy": lambda code: code in PACK_RULES or code.startswith("POL") or "SEC101" <= code <= "SEC109",
}
"""Codes whose fixtures are of another form: texts for the loader, facts for the pack, waiver files for the waivers."""


@dataclass(frozen=True, eq=False)
class Case:
    code: str
    name: str
    said: Mapping[str, Any]

    def __str__(self) -> str:
        return self.name

    def get(self, key: str, default: Any = None) -> Any:
        return self.said.get(key, default)

    def text(self, kind: str) -> str:
        return edited(self.get(kind, []))

    @property
    def command(self) -> str:
        return self.get("command", "vet")


def edited(edits: list[list[str]]) -> str:
    text = BASE
    for old, new in edits:
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in the base"
        text = text.replace(old, new)
    return text


def read_cases() -> Iterator[Case]:
    for path in sorted(HERE.glob("[A-Z]*.yaml")):
        said = yaml.safe_load(path.read_text(encoding="utf-8"))
        yield Case(path.stem, path.stem, said)
        for i, more in enumerate(said.get("more", [])):
            yield Case(path.stem, f"{path.stem}-{more.get('name', i + 2)}", more)


CASES = list(read_cases())


# -- running -----------------------------------------------------------------------------------------------------------


def run(case: Case, kind: str, folder: Path) -> list[Diagnostic]:
    text = case.text(kind)
    if case.command == "vet" and not case.get("files"):
        return vetted(text)
    mended = case.get("mended", {}) if kind == "pass" else {}
    for name, content in {**case.get("files", {}), **mended, "specs/platform.yaml": text}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content, encoding="utf-8")
    if case.command == "vet":
        return vet(Request(folder / "specs/platform.yaml", folder, TODAY)).diagnostics
    return {"prove": proven, "compile": compiled, "preflight": preflown}[case.command](case, kind, folder)


@cache
def vetted(text: str) -> list[Diagnostic]:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        spec = Path(folder) / "platform.yaml"
        spec.write_text(text, encoding="utf-8")
        return vet(Request(spec, Path(folder), TODAY)).diagnostics


def compiled(case: Case, kind: str, folder: Path) -> list[Diagnostic]:
    """A tree of ``before``, then the command line on the case's spec."""
    spec = folder / "specs/platform.yaml"
    spec.write_text(edited(case.get("before", [])), encoding="utf-8")
    assert cli.main(["compile", "-C", str(folder), "--quiet", "--fail-on", "error"]) == 0
    if kind == "fail" and case.get("touch"):
        with (folder / case.get("touch")).open("a", encoding="utf-8") as file:
            file.write("# changed by hand\n")
    spec.write_text(case.text(kind), encoding="utf-8")
    out = folder / "report.json"
    cli.main(["compile", "-C", str(folder), "--format", "json", "-o", str(out)])
    return [_parsed(found) for found in json.loads(out.read_text())["diagnostics"]]


def _parsed(said: dict[str, Any]) -> Diagnostic:
    span = said["span"]
    return Diagnostic(
        said["code"],
        said["message"],
        Span(span["file"], span["line"], span["column"], span["endColumn"]),
        Severity(said["severity"]),
        parse_path(said["path"]),
        notes=tuple(said["notes"]),
        help=said["help"],
    )


def preflown(case: Case, kind: str, folder: Path) -> list[Diagnostic]:
    """The command on a cloud that is as the base needs it, but for the case's edits."""
    document, _ = load_text(edited(case.get("pass", [])))
    assert document is not None
    platform, _ = read_platform(document)
    assert platform is not None
    made = cloud.sound(Fleet(platform, catalogue()))
    for edit in case.get("cloud", []) if kind == "fail" else []:
        made.edit(*edit)
    out = io.StringIO()
    with made.up(), pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(out):
        for name, value in made.environment().items():
            patch.setenv(name, value)
        cli.main(["preflight", "-C", str(folder), "--format", "json"])
    return [_parsed(found) for found in json.loads(out.getvalue())["diagnostics"]]


def proven(case: Case, kind: str, folder: Path) -> list[Diagnostic]:
    outcome = vet(Request(folder / "specs/platform.yaml", folder, TODAY))
    assert outcome.fleet is not None and outcome.document is not None and not outcome.failed
    drawn, problems = plan(outcome.fleet)
    assert not problems
    doctor = case.get("doctor", {}) if kind == "fail" else {}
    for edit in doctor.get("objects", []):
        drawn = doctored(drawn, *edit)
    tree = render_tree(drawn)
    for old, new in doctor.get("tree", []):
        tree.put(*next((path, text.replace(old, new)) for path, text in tree.items() if old in text))
    with closing(Prover(outcome.document)) as prover:
        for cluster in drawn.clusters:
            for objects in (*cluster.facets.values(), *cluster.own.values()):
                prover.drawn(cluster, objects)
        return prover.prove(drawn, tree, every=True)


def doctored(drawn: FleetPlan, template: str, pointer: list[str | int], value: Any) -> FleetPlan:
    """The plan with ``value`` at ``pointer`` in the shape of every object of a template."""
    for facet in drawn.facets.values():
        for obj in facet.base:
            if obj.skeleton.template.startswith(template):
                node = obj.skeleton.tree
                for step in pointer[:-1]:
                    node = node[step]
                node[pointer[-1]] = copy.deepcopy(value)
    return drawn


# -- tests -------------------------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def errors(found: list[Diagnostic]) -> set[str]:
    return {d.code for d in found if d.severity is Severity.ERROR}


def test_the_base_is_clean() -> None:
    assert [d for d in vetted(BASE) if d.severity is not Severity.INFO] == []


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_failing_fixture_gives_the_code_and_no_other_error(case: Case, tmp_path: Path) -> None:
    found = run(case, "fail", tmp_path)
    mine = [d for d in found if d.code == case.code]
    assert mine, f"not found; found {[(d.code, d.message) for d in found]}"
    others = [(d.code, d.message) for d in found if d.severity is Severity.ERROR and d.code not in (case.code, *case.get("also", []))]
    assert others == []
    assert all(d.help or d.notes for d in mine), "a finding says why, or the way out"
    assert all("\n" not in d.message and not d.message.endswith(".") for d in mine)
    if case.get("at"):
        assert case.get("at") in [format_path(d.path) for d in mine]
    if case.get("help_contains"):
        assert any(case.get("help_contains") in d.help for d in mine), [d.help for d in mine]
    if case.get("line_contains"):
        lines = case.text("fail").split("\n")
        at = {d.span.line for d in mine if format_path(d.path) == case.get("at", format_path(d.path))}
        assert any(case.get("line_contains") in lines[n - 1] for n in at), [lines[n - 1] for n in at]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_passing_fixture_does_not(case: Case, tmp_path: Path) -> None:
    found = run(case, "pass", tmp_path)
    assert case.code not in {d.code for d in found}
    assert errors(found) == set()


def test_every_code_of_the_compiler_has_a_fixture() -> None:
    held = {case.code for case in CASES}
    assert not held - codes()
    assert {code for code in codes() - held if not any(theirs(code) for theirs in ELSEWHERE.values())} == set()


@pytest.mark.parametrize("rule", check.RULES, ids=lambda rule: f"{rule.__module__.rpartition('.')[2]}.{rule.__name__}")
def test_without_a_rule_a_fixture_fails(
    rule: check.Rule, alone: Mapping[check.Rule, Case], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Mutation: a rule that could go unnoticed is a rule nobody tests."""
    assert rule in alone, "no fixture's code comes from this rule and from no other"
    assert alone[rule].code in checked(alone[rule])
    monkeypatch.setattr(check, "RULES", tuple(other for other in check.RULES if other is not rule))
    assert alone[rule].code not in checked(alone[rule])


@pytest.fixture(scope="session")
def alone() -> Mapping[check.Rule, Case]:
    """Rule -> a case whose code that rule finds and no other. Codes of the model, the files and the tree are not of the check stage."""
    found: dict[check.Rule, Case] = {}
    with pytest.MonkeyPatch.context() as patch:
        said: set[check.Rule] = set()

        def watched(rule: check.Rule) -> check.Rule:
            def run(context: check.Context) -> Iterator[Diagnostic]:
                for diagnostic in rule(context):
                    if diagnostic.code == case.code:
                        said.add(rule)
                    yield diagnostic

            return run

        patch.setattr(check, "RULES", tuple(watched(rule) for rule in check.RULES))
        for case in CASES:
            if case.command == "vet" and set(case.get("files", {})) <= {LOCK}:
                said.clear()
                checked(case)
                if len(said) == 1:
                    found.setdefault(said.pop(), case)
    return found


def checked(case: Case) -> set[str]:
    document, _ = load_text(case.text("fail"))
    assert document is not None
    platform, _ = read_platform(document)
    if platform is None:
        return set()
    lock = case.get("files", {}).get(LOCK, "") if case.code != "SYNC118" else ""
    known = catalogue().pinning(json.loads(lock)["images"] if lock else {})
    return {d.code for d in check.check(Fleet(platform, known), document, TODAY)[1]}
