"""A team's own policies: what they may hold, how they are staged, and what cue says about them in their own lines."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ..diagnostics import Diagnostic, Span, settled
from ..load.read import read_source
from ..rules import is_registered

PURE_IMPORTS = frozenset(
    ("crypto/sha256", "encoding/base64", "encoding/hex", "encoding/json", "list", "math", "math/bits", "net", "regexp",
     "strconv", "strings", "struct", "time")
)  # fmt: skip
"""Packages of cue that compute and do nothing else. ``tool/...`` acts, and everything with a dot is fetched."""

_CODE = re.compile(r"[A-Z]{2,8}[0-9]{3}")
_LABEL = re.compile(r'(?<![\w"])"?([A-Z]{2,8}[0-9]{3})"?\s*:')
_BLANK = re.compile(r"(?:[\s,]++|//[^\n]*+)*+")
_PACKAGE = re.compile(r"package\s+(\w+)")
_IMPORT = re.compile(r"import\b\s*+")
_IMPORTED = re.compile(r'(?:[\w.]+[ \t]+)?"([^"\n]*)"')
_EMBED = re.compile(r"@(?:embed|extern)\s*\(")
_AT = re.compile(r"^\s+(?:\./)?([\w./-]+\.cue):(\d+):(\d+)$")
_SCRATCH = re.compile(r"""(?:/[^\s:/"'()]+)*/inferspec-(?:[a-z]+-)?\w{8}(?![\w-])""")
"""A folder that a run makes and removes: its name is another each time."""
_FILES_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy file: its name as the user knows it and its text."""

    name: str
    text: str


def check_code(code: str) -> None:
    """Raises ValueError where a team may not use ``code`` for a rule."""
    if not _CODE.fullmatch(code):
        raise ValueError("a rule code is 2 to 8 capital letters and 3 digits, such as ACME001")
    if is_registered(code) or code[:-3] == "POL":
        raise ValueError("codes with this prefix are the compiler's own; take a prefix of your own, such as ACME001")


def rule_codes(paths: Sequence[Path], root: Path) -> frozenset[str]:
    """The codes that policies define, by their labels: what a waiver and a fixture may name."""
    sources, _ = read(paths, root)
    return frozenset(code for policy in sources.values() for code in _LABEL.findall(policy.text))


def read(paths: Sequence[Path], root: Path) -> tuple[dict[str, Policy], list[Diagnostic]]:
    """Policies by the names they are staged under. A file that may not be evaluated is a diagnostic instead."""
    sources: dict[str, Policy] = {}
    found: list[Diagnostic] = []
    for i, path in enumerate(sorted(paths)):
        source, problems = read_source(path, root)
        found += [p for p in problems if p.severity == "error"]
        if source.text is None or not source.sound:
            continue
        policy = Policy(source.name, source.text)
        if refused := _refused(policy):
            found.append(refused)
        else:
            sources[f"team{i:03}.cue"] = policy
    return sources, settled(found)


@contextmanager
def staged(sources: Mapping[str, Policy], pack: Path) -> Iterator[Path]:
    """A folder with the policies under fixed names, the prelude, and a module file so that no other module counts."""
    with tempfile.TemporaryDirectory(prefix="inferspec-policies-") as name:
        folder = Path(name)
        shutil.copytree(pack / "cue.mod", folder / "cue.mod")
        shutil.copyfile(pack / "facts.cue", folder / "facts.cue")
        for staged_name, policy in sources.items():
            (folder / staged_name).write_text(policy.text, encoding="utf-8")
        yield folder


def not_evaluated(sources: Mapping[str, Policy], stderr: str) -> list[Diagnostic]:
    """What cue printed, as one POL001 for each policy file that it names."""
    found: dict[str, Diagnostic] = {}
    message = ""
    stderr = _SCRATCH.sub(".", stderr)
    for line in stderr.splitlines():
        place = _AT.match(line)
        if place is None:
            message = line.strip().removesuffix(":")
        elif (name := place[1].rsplit("/", 1)[-1]) in sources and name not in found:
            span = _span(sources[name], int(place[2]), int(place[3]))
            found[name] = _pol001(_plain(message, sources), span)
    if not found:
        first = next(iter(sources.values()))
        return [_pol001(_plain(next(iter(stderr.splitlines()), "cue gave no reason"), sources), Span(first.name, 1, 1))]
    return list(found.values())[:_FILES_SHOWN]


def endless(sources: Mapping[str, Policy], reason: str) -> Diagnostic:
    """Policies that had to be ended. cue does not say which file was to blame."""
    first = next(iter(sources.values()))
    return _pol001(f"the policies of this folder were ended: {reason}", Span(first.name, 1, 1))


def malformed(sources: Mapping[str, Policy], label: str, reason: str) -> Diagnostic:
    """A finding, or a code, that is not what the compiler reads; at the label of its rule."""
    for policy in sources.values():
        if place := re.search(rf'(?<![\w"])"?{re.escape(label)}"?\s*:', policy.text):
            line = policy.text.count("\n", 0, place.start()) + 1
            column = place.start() - policy.text.rfind("\n", 0, place.start())
            return Diagnostic("POL002", reason, Span(policy.name, line, column, column + len(label)), help=_SHAPE)
    first = next(iter(sources.values()))
    return Diagnostic("POL002", reason, Span(first.name, 1, 1), help=_SHAPE)


_SHAPE = 'a rule is rules: ACME001: [for w in workloads if ... {severity: "error", path: ..., message: "...", help: "..."}]'


def _refused(policy: Policy) -> Diagnostic | None:
    """A head that does more than name the package and import what computes; embedding anywhere."""
    text = policy.text
    if embed := _EMBED.search(text):
        return _refusal(policy, embed.start(), "a policy may not embed files", "facts reach a policy from the compiler alone")
    at = _skip(text, 0)
    if text.startswith("@", at):
        return _refusal(policy, at, "a policy has no file attributes", "remove the line: it could switch the file off")
    package = _PACKAGE.match(text, at)
    if package is None or package[1] != "inferspec":
        return _refusal(policy, at, "a policy belongs to package inferspec", "begin the file with: package inferspec")
    at = _skip(text, package.end())
    while keyword := _IMPORT.match(text, at):
        at = keyword.end()
        grouped = text.startswith("(", at)
        at = _skip(text, at + 1) if grouped else at
        while not (grouped and text.startswith(")", at)):
            imported = _IMPORTED.match(text, at)
            if imported is None or imported[1] not in PURE_IMPORTS:
                what = f"{imported[1]!r}" if imported else "this"
                allowed = ", ".join(sorted(PURE_IMPORTS))
                return _refusal(policy, at, f"a policy may not import {what}", f"policies compute only: {allowed}")
            at = _skip(text, imported.end())
            if not grouped:
                break
        at = _skip(text, at + 1) if grouped else at
    if text.startswith("@", at):
        return _refusal(policy, at, "a policy has no file attributes", "remove the line")
    return None


def _skip(text: str, at: int) -> int:
    blank = _BLANK.match(text, at)
    return blank.end() if blank else at


def _refusal(policy: Policy, at: int, message: str, help: str) -> Diagnostic:
    line = policy.text.count("\n", 0, at) + 1
    return Diagnostic("POL001", message, _span(policy, line, at - policy.text.rfind("\n", 0, at)), help=help)


def _span(policy: Policy, line: int, column: int) -> Span:
    lines = policy.text.split("\n")
    rest = lines[line - 1][column - 1 :] if line <= len(lines) else ""
    word = re.match(r'"[^"]*"|[\w#.@]+', rest)
    return Span(policy.name, line, column, column + len(word[0]) if word else column + 1)


def _plain(message: str, sources: Mapping[str, Policy]) -> str:
    for staged_name, policy in sources.items():
        message = message.replace(f"./{staged_name}", policy.name).replace(staged_name, policy.name)
    line = "".join(c for c in " ".join(message.split()) if c.isprintable())
    return line if len(line) <= 300 else line[:297] + "..."


def _pol001(reason: str, span: Span) -> Diagnostic:
    help = "no rule of the team's policies was checked; the built-in rules were"
    return Diagnostic("POL001", f"policy does not evaluate: {reason}", span, help=help)
