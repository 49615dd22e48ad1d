"""Exceptions somebody answers for: ``policies/waivers.yaml``, and what is wrong with them.

A waiver never hides a finding: it is set on it, and reports show both. What is wrong with a waiver is a finding that no
waiver excuses.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from ..diagnostics import Diagnostic, Severity, Span, SpecPath, Waiver, format_path, parse_path, settled
from ..load import Document, Seq, load_yaml
from ..rules import codes, is_registered

LONGEST_DAYS = 366
"""A waiver is looked at again within a year."""

STOPPING_AREAS = frozenset(("SYN", "SPC", "POL"))
"""The spec or a policy could not be read: other checks did not run, or rest on it."""

ABOUT_WAIVERS = frozenset(f"SEC{n}" for n in range(101, 109))

_KEYS = ("rule", "at", "reason", "owner", "expires")
_FORM = '- {rule: CAP002, at: capacityClasses.h100, reason: "...", owner: ml-platform, expires: 2027-01-31}'


@dataclass(frozen=True, slots=True)
class WrittenWaiver(Waiver):
    """A waiver and where it is written: the rule's code, and the date."""

    span: Span
    expires_span: Span


class _Fault(Exception):
    """What is wrong with one entry: code, key it is about, message, help."""


def load_waivers(path: Path, root: Path, team_rules: Collection[str] | None = None) -> tuple[list[WrittenWaiver], list[Diagnostic]]:
    """The waivers of a file, and its faults: unknown rule, wildcard, duplicate, incomplete, not allowed.

    ``team_rules`` are the codes of the team's own policies; without them every code of another form than ours is taken for
    one of theirs. No file is no waivers.
    """
    if not path.exists() and not path.is_symlink():
        return [], []
    document, found = load_yaml(path, root, top=Seq)
    waivers: dict[tuple[str, SpecPath], WrittenWaiver] = {}
    if document is None:
        return [], found
    broken = {d.path[0] for d in found if d.path}
    for i, entry in enumerate(document.root):
        if i in broken:
            continue
        try:
            waiver = _waiver(document, i, entry, team_rules)
            if first := waivers.get((waiver.rule, waiver.at)):
                raise _Fault("SEC106", "at", f"{waiver.rule} at {format_path(waiver.at)} is waived twice",
                             f"remove one: the first is in line {first.span.line}")  # fmt: skip
            waivers[waiver.rule, waiver.at] = waiver
        except _Fault as fault:
            code, key, message, help = fault.args
            span = document.span((i, key) if key else (i,))
            found.append(Diagnostic(code, message, span, path=(i,), help=help))
    return list(waivers.values()), settled(found)


def apply(diagnostics: Sequence[Diagnostic], waivers: Sequence[WrittenWaiver], today: date) -> list[Diagnostic]:
    """The findings, each with the waiver that excuses it, and what is wrong with the waivers on this day.

    A waiver covers its place and everything below it. Its last day is ``expires``; an expired one excuses nothing. Unused
    ones are reported only where every check ran: not beside findings that stop the compiler early.
    """
    in_force = [w for w in waivers if w.expires >= today]
    used: set[WrittenWaiver] = set()
    out: list[Diagnostic] = []
    for diagnostic in diagnostics:
        waiver = next((w for w in in_force if _covers(w, diagnostic)), None)
        if waiver:
            used.add(waiver)
            diagnostic = replace(diagnostic, waiver=waiver)
        out.append(diagnostic)
    cut_short = any(d.severity is Severity.ERROR and _area(d.code) in STOPPING_AREAS for d in diagnostics)
    for waiver in waivers:
        unused = waiver not in used and not cut_short
        out += _faults_today(waiver, today, unused)
    return settled(out)


def _faults_today(waiver: WrittenWaiver, today: date, unused: bool) -> list[Diagnostic]:
    """What is wrong with a waiver on this day; an expired one is not also unused."""
    what = f"the waiver of {waiver.rule} at {format_path(waiver.at)}"
    left = (waiver.expires - today).days
    if left < 0:
        message = f"{what} expired on {waiver.expires}"
        help = f"fix what it excused and remove it, or have {waiver.owner} set a new date"
        return [Diagnostic("SEC102", message, waiver.expires_span, Severity.WARNING, help=help)]
    found = []
    if left > LONGEST_DAYS:
        message = f"{what} lasts {left} days more, until {waiver.expires}"
        help = f"choose a date within {LONGEST_DAYS} days: a waiver is looked at again every year"
        found.append(Diagnostic("SEC105", message, waiver.expires_span, help=help))
    if unused:
        help = "remove it: left in place, it would hide the next finding there"
        found.append(Diagnostic("SEC101", f"{what} excuses nothing", waiver.span, Severity.WARNING, help=help))
    return found


def _area(code: str) -> str:
    return code.rstrip("0123456789")


def _covers(waiver: Waiver, diagnostic: Diagnostic) -> bool:
    if waiver.rule != diagnostic.code:
        return False
    if len(waiver.at) == 1:  # a whole section: only what is found at the section itself
        return diagnostic.path == waiver.at
    return diagnostic.path[: len(waiver.at)] == waiver.at


def _waiver(document: Document, i: int, entry: Any, team_rules: Collection[str] | None) -> WrittenWaiver:
    """The waiver of one entry. Raises _Fault."""
    if not isinstance(entry, dict):
        raise _Fault("SEC107", "", "a waiver is a map", f"write it as: {_FORM}")
    if extra := [key for key in entry if key not in _KEYS]:
        raise _Fault("SEC107", extra[0], f"a waiver has no {extra[0]}", f"its keys are {', '.join(_KEYS)}")
    if missing := [key for key in _KEYS if key not in entry]:
        raise _Fault("SEC107", "", f"the waiver has no {' and no '.join(missing)}", f"write it as: {_FORM}")
    if wrong := [key for key in _KEYS if not isinstance(entry[key], str)]:
        raise _Fault("SEC107", wrong[0], f"{wrong[0]} is a text", f"write it as: {_FORM}")
    short = {"reason": 4, "owner": 2}
    if empty := [key for key, least in short.items() if len(entry[key].strip()) < least]:
        raise _Fault("SEC107", empty[0], f"{empty[0]} says nothing", "a ticket is reason enough; an owner answers for it")
    _check_rule(entry["rule"], team_rules)
    at = _place(entry["at"])
    expires = _day(entry["expires"])
    spans = document.span((i, "rule")), document.span((i, "expires"))
    return WrittenWaiver(entry["rule"], at, entry["reason"], entry["owner"], expires, *spans)


def _check_rule(rule: str, team_rules: Collection[str] | None) -> None:
    if "*" in rule or "?" in rule:
        raise _Fault("SEC104", "rule", f"{rule} would excuse rules that nobody looked at", "name one rule; write one waiver a rule")
    if _area(rule) in STOPPING_AREAS or rule in ABOUT_WAIVERS:
        raise _Fault("SEC108", "rule", f"{rule} cannot be waived", "fix what it says: what comes after it would rest on it")
    if is_registered(rule):
        known = rule in codes()
    else:
        known = rule in team_rules if team_rules is not None else bool(re.fullmatch(r"[A-Z]{2,8}[0-9]{3}", rule))
    if not known:
        raise _Fault("SEC103", "rule", f"there is no rule {rule}", "copy the code from the finding, or remove the waiver")


def _place(text: str) -> SpecPath:
    if "*" in text or not text.strip():
        raise _Fault("SEC104", "at", f"{text or 'an empty place'} would excuse every place", "copy the path from the finding")
    try:
        return parse_path(text)
    except ValueError as error:
        raise _Fault("SEC107", "at", f"at is no spec path: {error}", "copy the path from the finding") from None


def _day(text: str) -> date:
    try:
        if not re.fullmatch(r"\d{4}-\d\d-\d\d", text):
            raise ValueError
        return date.fromisoformat(text)
    except ValueError:
        raise _Fault("SEC107", "expires", f"{text!r} is no date", "write it as YYYY-MM-DD") from None
