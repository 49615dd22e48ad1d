"""``inferspec policy test``: a team's rules, each against a platform that passes and one that fails.

Beside ``policies/*.cue`` stands ``policies/tests/<CODE>/pass*.yaml`` and ``fail*.yaml``. A fixture is a whole spec, or
``base: PATH`` and the changes to that spec, merged as RFC 7386 says: maps by key, everything else replaced, null removes.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ..diagnostics import Diagnostic
from ..load import load_spec, load_yaml
from . import team
from .cases import CasesBroken, evaluate_cases
from .engine import Violation

FactsOf = Callable[[Path], Mapping[str, Any]]
"""Compiles a spec file to facts; raises ValueError with what is wrong with the spec."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a fixture, or of a rule that lacks one (``missing``). ``reason`` is empty where it passed."""

    rule: str
    fixture: str
    verdict: Literal["passed", "failed", "missing"]
    reason: str = ""


def run_fixtures(policies: Path, root: Path, facts_of: FactsOf) -> tuple[list[Outcome], list[Diagnostic]]:
    """Every rule of the folder ``policies`` against its fixtures, in one cue process.

    The diagnostics are what is wrong with the policies themselves; there are no outcomes then.
    """
    paths = sorted(policies.glob("*.cue"))
    sources, found = team.read(paths, root)
    if found:
        return [], found
    rules = team.rule_codes(paths, root)
    outcomes: list[Outcome] = []
    cases: dict[str, tuple[str, Path]] = {}
    facts: dict[str, Mapping[str, Any]] = {}
    for rule in sorted(rules | {folder.name for folder in policies.glob("tests/*/")}):
        fixtures = _fixtures(policies / "tests" / rule)
        outcomes += _missing(rule, rule in rules, fixtures)
        for fixture in fixtures if rule in rules else ():
            try:
                facts[key := f"case{len(cases):04}"] = _facts(fixture, root, facts_of)
                cases[key] = rule, fixture
            except ValueError as error:
                outcomes.append(Outcome(rule, _shown(fixture, root), "failed", str(error)))
    try:
        results = evaluate_cases(facts, {name: policy.text for name, policy in sources.items()})
    except CasesBroken as broken:
        return [], team.not_evaluated(sources, str(broken))
    except ValueError as error:
        return [], [team.malformed(sources, "violations", str(error))]
    outcomes += [_judged(*cases[key], root, found_there) for key, found_there in results.items()]
    return sorted(outcomes, key=lambda o: (o.rule, o.fixture)), []


def merged(base: Any, edits: Any) -> Any:
    """``edits`` on top of ``base``, neither of them changed (RFC 7386)."""
    if not isinstance(edits, Mapping):
        return edits
    out = dict(base) if isinstance(base, Mapping) else {}
    for key, value in edits.items():
        if value is None:
            out.pop(key, None)
        else:
            out[key] = merged(out.get(key), value)
    return out


def _fixtures(folder: Path) -> list[Path]:
    return sorted((*folder.glob("pass*.yaml"), *folder.glob("fail*.yaml")))


def _missing(rule: str, known: bool, fixtures: Iterable[Path]) -> list[Outcome]:
    if not known:
        return [Outcome(rule, "", "failed", f"there are fixtures of {rule}, but no policy has this rule")]
    names = [fixture.name for fixture in fixtures]
    return [
        Outcome(rule, "", "missing", f"no {kind}.yaml: a platform that {what}")
        for kind, what in (("pass", "the rule accepts"), ("fail", "the rule finds something in"))
        if not any(name.startswith(kind) for name in names)
    ]


def _facts(fixture: Path, root: Path, facts_of: FactsOf) -> Mapping[str, Any]:
    """The facts of a fixture. Raises ValueError."""
    document, found = load_yaml(fixture, root)
    if document is None or not isinstance(document.root, dict):
        raise ValueError(found[0].message)
    if "base" not in document.root:
        return facts_of(fixture)
    edits = {key: value for key, value in document.root.items() if key != "base"}
    base, found = load_spec(fixture.parent / str(document.root["base"]), root=root)
    if base is None:
        raise ValueError(f"base: {found[0].message}")
    spec = merged(base.root, edits)
    spec.pop("include", None)  # what the base includes is in it by now
    with tempfile.TemporaryDirectory(prefix="inferspec-fixture-") as folder:
        whole = Path(folder) / "platform.yaml"
        whole.write_text(json.dumps(spec, indent=1), encoding="utf-8")  # JSON is YAML
        return facts_of(whole)


def _judged(rule: str, fixture: Path, root: Path, found: list[Violation]) -> Outcome:
    mine = [violation for violation in found if violation.rule == rule]
    if fixture.name.startswith("pass") and mine:
        return Outcome(rule, _shown(fixture, root), "failed", f"finds: {mine[0].message} (at {mine[0].path})")
    if fixture.name.startswith("fail") and not mine:
        others = ", ".join(sorted({violation.rule for violation in found}))
        return Outcome(rule, _shown(fixture, root), "failed", f"finds nothing{f'; other rules did: {others}' if others else ''}")
    return Outcome(rule, _shown(fixture, root), "passed")


def _shown(fixture: Path, root: Path) -> str:
    return fixture.relative_to(root).as_posix() if fixture.is_relative_to(root) else fixture.as_posix()
