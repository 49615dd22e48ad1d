"""Mistakes of shape, each one edit of the base of the rule fixtures: one message, at its place, with a way out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from inferspec.diagnostics import Diagnostic, Severity, format_path
from inferspec.load import load_text
from inferspec.model.errors import read_platform
from inferspec.model.platform import Platform
from inferspec.pipeline import Request, vet

BASE = (Path(__file__).parent.parent / "rules" / "base.yaml").read_text(encoding="utf-8")


def read(*edits: Sequence[str]) -> tuple[Platform | None, list[Diagnostic], list[str]]:
    text = BASE
    for old, new in edits:
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in the base"
        text = text.replace(old, new)
    document, problems = load_text(text)
    assert document is not None and not problems
    return *read_platform(document), text.split("\n")


MISTAKES = yaml.safe_load((Path(__file__).parent / "mistakes.yaml").read_text(encoding="utf-8"))
TEAM = "    team: search\n"


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda m: m["finds"])
def test_one_mistake_gives_one_message(mistake: dict[str, Any]) -> None:
    _, found, lines = read(mistake["edit"])
    assert [f"{d.code} {format_path(d.path)}" for d in found] == [mistake["finds"]]
    (one,) = found
    assert mistake["says"] in one.message
    assert one.help and mistake["help"] in one.help
    assert lines[one.span.line - 1][one.span.column - 1 :].startswith(mistake["at"])


def test_the_base_has_no_mistake() -> None:
    platform, found, _ = read()
    assert platform is not None and found == []


def test_a_mistyped_key_can_be_mended_by_itself() -> None:
    _, found, lines = read(("maxModelLen: 8192", "maxModelLn: 8192"))
    (one,) = found
    assert one.fix is not None
    (edit,) = one.fix.edits
    line = lines[edit.line - 1]
    assert (line[: edit.column - 1] + edit.text + line[edit.end_column - 1 :]).strip() == "maxModelLen: 8192"


def test_another_version_of_the_language_stops_at_that() -> None:
    platform, found, _ = read(("inferspec/v1alpha1", "inferspec/v2"), (TEAM, ""))
    assert platform is None
    assert [d.code for d in found] == ["SPC005"]


@pytest.mark.parametrize(
    ("edit", "left_out"),
    [
        ((TEAM, "    team: Search\n"), ("serving", "chat")),
        (("mode: standard", "mode: none"), ("regions", "europe-west4")),
        (("topology: 2x2", "topology: big"), ("capacity_classes", "trillium")),
    ],
)
def test_an_entry_with_a_mistake_is_left_out_and_the_rest_is_read(edit: tuple[str, str], left_out: tuple[str, str]) -> None:
    platform, found, _ = read(edit)
    assert platform is not None and len(found) == 1
    section, name = left_out
    held = getattr(platform, section)
    assert not held[name].clusters if section == "regions" else name not in held


def test_an_unknown_key_alone_is_left_out() -> None:
    platform, _, _ = read((TEAM, TEAM + "    colour: red\n"))
    assert platform is not None and "chat" in platform.serving


TEN = (
    ("  lab: {id: acme-lab,", "  lab: {id: acme-lab, owner: us,"),  # unknown key
    ("mode: standard", "mode: standart"),  # none of the words; what selects that cluster is not at fault
    ("    secret: hugging-face\n", "    secret: huggingface\n"),  # leads nowhere
    ("flexStart: 168h", "flexStart: 169h"),  # out of range
    ("shape: g2-standard-48,", "shape: g2-standard-47,"),  # not in the catalogue
    ("topology: 2x2", "topology: 3x3"),  # not of that machine
    ("    capacity: l4\n", "    capacity: l4\n    tensorParallel: 0\n"),  # below the limit
    ("background: -1", "background: low"),  # another type
    ("  public: {class: regional-external,", "  public: {class: regional-external, residency: residency,"),  # of another class
    ("auth: token, secretRef: git-creds", "auth: token"),  # two keys that go together
)


def test_ten_mistakes_of_all_kinds_give_ten_messages(tmp_path: Path) -> None:
    """No mistake hides another, none is told twice; what rests on a broken entry is an info at most."""
    text = BASE
    for old, new in TEN:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    spec = tmp_path / "platform.yaml"
    spec.write_text(text)
    found = [d for d in vet(Request(spec, tmp_path, date(2026, 11, 21))).diagnostics if d.severity is Severity.ERROR]
    lines = text.split("\n")
    assert [(d.code, lines[d.span.line - 1].strip().split(":")[0]) for d in found] == [
        ("SPC001", "lab"),
        ("SPC004", "mode"),
        ("SPC006", "secret"),
        ("CAP106", "h100"),
        ("CAT001", "l4x4"),
        ("ACC104", "trillium"),
        ("SPC004", "tensorParallel"),
        ("SPC003", "objectives"),
        ("GTW140", "public"),
        ("SYNC101", "configSync"),
    ]
    assert all(d.span.file == "platform.yaml" and d.span.column > 1 and (d.help or d.notes) for d in found)
