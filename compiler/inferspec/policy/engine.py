"""Evaluate the rules: one cue process for the pack, one beside it for a team's own policies.

A rule computes its findings as data and never fails by unification, so cue exports a list and exits 0 whatever it finds.
The two scopes do not see each other: a broken policy of a team hides nothing that the pack finds.

One process reads the whole fleet. Shards were measured and lose: a workload record stands for all clusters that share its
settings, so reading the facts is most of the cost, and rules that compare workloads need all of them in every shard
(1,000 clusters, 60 records: 0.18 s of CPU in one process, 0.26 s in shards).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..diagnostics import Diagnostic, Severity, Span, parse_path, settled
from ..kept import kept
from ..tools import Completed, ToolLimit, run
from ..tools.pinned import versions
from . import team

if TYPE_CHECKING:
    from ..load import Document

PACK = Path(__file__).parent / "pack"
PRELUDE = "facts.cue"
"""Declares what a rule may read and gathers what the rules find; evaluated with the pack and with a team's policies."""

# Less garbage collection: 14 % of CPU for 14 % of memory. No registry: a policy has nothing to fetch.
_ENV = {"GOGC": "400", "CUE_REGISTRY": "none"}
_DEADLINE = 60.0
_TEAM_DEADLINE = 10.0
_CAP = 16 << 20


class PackBroken(Exception):
    """The built-in pack does not evaluate: the facts lack something, or a rule is wrong. A bug, not a user's mistake."""


@dataclass(frozen=True, slots=True)
class Violation:
    """What a rule found at ``path``, a spec path as text. ``span`` is set where the policy file itself is at fault."""

    rule: str
    severity: Severity
    path: str
    message: str
    help: str = ""
    span: Span | None = None


def evaluate(facts: Mapping[str, Any], team_policies: Sequence[Path] = (), root: Path = Path()) -> list[Violation]:
    """Everything the pack and the policies of a team find in the facts of a platform.

    ``root`` is the repository: policies are read below it only. What is wrong with them is a violation too (POL001,
    POL002, SYN00x), at a span. Raises PackBroken, and ToolError where cue is missing.
    """
    document = json.dumps(facts, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace")
    if not team_policies:
        return _evaluate_pack(document)
    from concurrent.futures import ThreadPoolExecutor  # late: it costs 5 ms, and most platforms have no policies of their own

    with ThreadPoolExecutor(1) as beside:
        theirs = beside.submit(_evaluate_team, document, team_policies, root)
        ours = _evaluate_pack(document)
        return ours + theirs.result()


def diagnose(violations: Sequence[Violation], document: Document) -> list[Diagnostic]:
    """Violations with their lines. A path that is not written in the spec stands at its nearest part that is."""
    found = []
    for violation in violations:
        path = parse_path(violation.path)
        span = violation.span or document.span(path)
        found.append(Diagnostic(violation.rule, violation.message, span, violation.severity, path, help=violation.help))
    return settled(found)


def pack_files() -> list[Path]:
    """The files of the built-in pack, prelude included."""
    return sorted(PACK.glob("*.cue"))


def export(expression: str, files: Sequence[str], document: bytes, folder: Path, deadline: float = _DEADLINE) -> Completed:
    """``cue export`` of one expression over ``files`` of ``folder``, with ``document`` (JSON) as data.

    File names must be ours: cue takes ``-x`` for a flag and ``json:x`` for a format. ``folder`` has a ``cue.mod`` of its
    own, so that no module above it counts.
    """
    args = ["export", "-e", expression, "--out", "json", *(f"./{name}" for name in files), "json:", "-"]
    return run("cue", args, stdin=document, cwd=folder, deadline=deadline, cap=_CAP, env=_ENV)


def _pack_findings(document: bytes) -> bytes:
    """What the pack's rules say, from the last time they saw these facts if they did: the same rules, the same cue."""
    files = pack_files()

    def ask() -> bytes:
        done = export("violations", [path.name for path in files], document, PACK)
        if done.rc != 0:
            raise PackBroken(done.stderr.decode("utf-8", "replace")[:4000])
        return done.stdout

    rules = [part for path in files for part in (path.name.encode(), path.read_bytes())]
    found = kept("policies", [versions()["cue"].encode(), *rules, document], ask)
    assert found is not None
    return found


def well_formed(item: Any) -> Violation:
    """A finding as cue exports it. Raises ValueError with what is wrong with its shape."""
    if not isinstance(item, dict):
        raise ValueError(f"a finding is a struct, this is {json.dumps(item)[:40]}")
    wanted = {"severity", "path", "message"}
    if missing := sorted(wanted - set(item)):
        raise ValueError(f"a finding needs {', '.join(missing)}")
    if extra := sorted(set(item) - wanted - {"rule", "help"}):
        raise ValueError(f"a finding has severity, path, message and help, not {one_line(', '.join(extra), 60)}")
    if wrong := sorted(key for key, value in item.items() if not isinstance(value, str)):
        raise ValueError(f"{wrong[0]} is not a string")
    if item["severity"] not in list(Severity):
        raise ValueError(f"severity is error, warning or info, not {one_line(item['severity'], 40)!r}")
    try:
        parse_path(item["path"])
    except ValueError as error:
        raise ValueError(f"path is no spec path: {one_line(str(error), 80)}") from None
    message, help = one_line(item["message"]), one_line(item.get("help", ""))
    if not message:
        raise ValueError("message is empty")
    return Violation(item["rule"], Severity(item["severity"]), item["path"], message, help)


def one_line(text: str, limit: int = 600) -> str:
    """Text that is safe to print: one line, no control characters, no end of the screen."""
    line = "".join(c for c in " ".join(text.split()) if c.isprintable())
    return line if len(line) <= limit else line[: limit - 3] + "..."


def _evaluate_pack(document: bytes) -> list[Violation]:
    try:
        return [well_formed(item) for item in json.loads(_pack_findings(document))]
    except ValueError as error:
        raise PackBroken(f"malformed finding: {error}") from error


def _evaluate_team(document: bytes, paths: Sequence[Path], root: Path) -> list[Violation]:
    sources, found = team.read(paths, root)
    if not sources or found:
        # One file that cannot be read leaves names undefined in the others: their errors would be noise.
        return [_at_fault(d) for d in found]
    with team.staged(sources, PACK) as folder:
        try:
            done = export("violations", [PRELUDE, *sources], document, folder, _TEAM_DEADLINE)
        except ToolLimit as limit:
            return [_at_fault(team.endless(sources, str(limit)))]
    if done.rc != 0:
        return [_at_fault(d) for d in team.not_evaluated(sources, done.stderr.decode("utf-8", "replace"))]
    return _team_findings(json.loads(done.stdout), sources)


def _team_findings(items: Any, sources: Mapping[str, team.Policy]) -> list[Violation]:
    """Well-formed findings, and one POL002 for each rule that has another."""
    if not isinstance(items, list):
        return [_at_fault(team.malformed(sources, "violations", "violations is not a list"))]
    found: list[Violation] = []
    faults: dict[str, Diagnostic] = {}
    for item in items:
        rule = item["rule"]
        try:
            team.check_code(rule)
            found.append(well_formed(item))
        except ValueError as error:
            faults.setdefault(rule, team.malformed(sources, rule, f"{one_line(rule, 40)}: {error}"))
    return found + [_at_fault(d) for d in faults.values()]


def _at_fault(problem: Diagnostic) -> Violation:
    return Violation(problem.code, problem.severity, "", problem.message, problem.help, problem.span)
