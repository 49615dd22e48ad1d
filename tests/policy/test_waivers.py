"""Waivers excuse one rule at one place until one day, and nothing else."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from inferspec.diagnostics import Diagnostic, Severity, Span, parse_path
from inferspec.policy import apply, load_waivers

TODAY = date(2026, 11, 21)


def entry(**changes: str) -> str:
    fields = {"rule": "CAP002", "at": "capacityClasses.h100", "reason": "INC-42", "owner": "ml-platform", "expires": "2027-01-31"}
    fields |= changes
    return "- {" + ", ".join(f'{key}: "{value}"' for key, value in fields.items() if value) + "}\n"


def finding(code: str = "CAP002", at: str = "capacityClasses.h100") -> Diagnostic:
    return Diagnostic(code, "m", Span("spec.yaml", 7, 1), path=parse_path(at))


def load(tmp_path: Path, text: str, **options: frozenset[str]):
    path = tmp_path / "waivers.yaml"
    path.write_text(text)
    return load_waivers(path, tmp_path, **options)


def codes_of(found: list[Diagnostic]) -> list[tuple[str, int]]:
    return [(d.code, d.span.line) for d in found]


def test_a_waiver_is_set_on_what_it_covers_and_on_nothing_else(tmp_path: Path) -> None:
    waivers, found = load(tmp_path, entry())
    assert found == []
    places = ["capacityClasses.h100", "capacityClasses.h100.burst[0]", "capacityClasses.h1000", "capacityClasses"]
    out = apply([finding(at=place) for place in places] + [finding("CAP003")], waivers, TODAY)
    assert {(d.code, d.path): d.waiver is not None for d in out} == {
        ("CAP002", parse_path(places[0])): True,
        ("CAP002", parse_path(places[1])): True,
        ("CAP002", parse_path(places[2])): False,
        ("CAP002", parse_path(places[3])): False,
        ("CAP003", parse_path(places[0])): False,
    }


def test_a_whole_section_is_no_place(tmp_path: Path) -> None:
    waivers, _ = load(tmp_path, entry(at="capacityClasses"))
    out = apply([finding(), finding(at="capacityClasses")], waivers, TODAY)
    assert [d.waiver is not None for d in out] == [d.path == ("capacityClasses",) for d in out]


FAULTS = {
    "SEC103": [{"rule": "CAP999"}, {"rule": "cap2"}, {"rule": "ACME009"}],
    "SEC104": [{"rule": "CAP*"}, {"rule": "*"}, {"at": "*"}, {"at": "serving.*"}, {"at": " "}],
    "SEC107": [
        {"owner": ""}, {"expires": ""}, {"reason": ""}, {"until": "x"}, {"reason": "x"}, {"expires": "2027-02-30"},
        {"expires": "tomorrow"}, {"at": "a["},
    ],
    "SEC108": [{"rule": "SYN011"}, {"rule": "SPC001"}, {"rule": "POL001"}, {"rule": "SEC102"}],
}  # fmt: skip


@pytest.mark.parametrize(("code", "changes"), [(code, change) for code, changes in FAULTS.items() for change in changes])
def test_a_faulty_waiver_is_a_finding_and_excuses_nothing(code: str, changes: dict[str, str], tmp_path: Path) -> None:
    waivers, found = load(tmp_path, "# note\n" + entry(**changes), team_rules=frozenset({"ACME001"}))
    assert codes_of(found) == [(code, 2)] and waivers == []


def test_rules_of_the_team_and_of_delivery_can_be_waived(tmp_path: Path) -> None:
    """SYNC is not SYN."""
    text = entry(rule="ACME001") + entry(rule="SYNC001")
    assert load(tmp_path, text, team_rules=frozenset({"ACME001"}))[1] == []
    assert load(tmp_path, text)[1] == []


def test_given_twice(tmp_path: Path) -> None:
    waivers, found = load(tmp_path, entry() + entry(expires="2027-03-01") + entry(rule="CAP003"))
    assert codes_of(found) == [("SEC106", 2)] and [w.rule for w in waivers] == ["CAP002", "CAP003"]


def test_the_last_day_counts(tmp_path: Path) -> None:
    waivers, _ = load(tmp_path, entry(expires="2026-11-21"))
    assert apply([finding()], waivers, TODAY)[0].waiver
    late = apply([finding()], waivers, date(2026, 11, 22))
    assert {d.code: d.waiver for d in late} == {"CAP002": None, "SEC102": None}


def test_too_long_and_unused(tmp_path: Path) -> None:
    waivers, _ = load(tmp_path, entry(expires="2027-11-23"))
    assert [(d.code, bool(d.waiver)) for d in apply([finding()], waivers, TODAY)] == [("CAP002", True), ("SEC105", False)]
    waivers, _ = load(tmp_path, entry(expires="2027-11-22"))
    (unused,) = apply([], waivers, TODAY)
    assert (unused.code, unused.severity, unused.span.column) == ("SEC101", Severity.WARNING, 10)


def test_unused_is_not_said_where_the_compiler_stopped_early(tmp_path: Path) -> None:
    waivers, _ = load(tmp_path, entry())
    assert [d.code for d in apply([finding("SPC001")], waivers, TODAY)] == ["SPC001"]
    assert [d.code for d in apply([finding("SYNC001")], waivers, TODAY)] == ["SYNC001", "SEC101"]


def test_no_file_and_a_file_of_another_shape(tmp_path: Path) -> None:
    assert load_waivers(tmp_path / "none.yaml", tmp_path) == ([], [])
    assert load(tmp_path, "[]\n") == ([], [])
    assert [d.code for d in load(tmp_path, "rule: CAP002\n")[1]] == ["SYN014"]
    assert codes_of(load(tmp_path, "- CAP002\n")[1]) == [("SEC107", 1)]
