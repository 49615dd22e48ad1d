"""A vet that is answered from the last one says the same, and anything that it reads makes it judge anew."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from inferspec import pipeline, vetted
from inferspec.diagnostics import Diagnostic, Edit, Fix, Severity, Span, Waiver
from inferspec.outcome import Outcome, Request

ROOT = Path(__file__).parent.parent
SPEC = (ROOT / "specs" / "quickstart.yaml").read_text(encoding="utf-8")
TEAM = "team: assistants\n"
WAIVER = "- {rule: SCL101, at: serving.chat, reason: not now, owner: ops, expires: 2030-01-01}\n"
TODAY = date(2026, 11, 22)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    root = tmp_path / "repository"
    for name, text in {"specs/platform.yaml": SPEC + "include: [team.yaml]\n", "specs/team.yaml": TEAM}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return root


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Every spec that was judged and not answered from the last time."""
    seen: list[Path] = []
    real = pipeline.vet

    def vet(request: Request) -> Outcome:
        seen.append(request.spec)
        return real(request)

    monkeypatch.setattr(pipeline, "vet", vet)
    return seen


def ask(root: Path, today: date = TODAY) -> Outcome:
    return vetted.vetted(Request(root / "specs" / "platform.yaml", root, today))


def edit(name: str, text: str) -> Callable[[Path], None]:
    def write(root: Path) -> None:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")

    return write


def test_the_same_is_judged_once_and_said_twice(root: Path, judged: list[Path]) -> None:
    edit("specs/platform.yaml", SPEC.replace("engine: vllm", "engine: vlm", 1))(root)
    first, second = ask(root), ask(root)
    assert len(judged) == 1
    assert second.diagnostics == first.diagnostics and any(d.severity is Severity.ERROR for d in first.diagnostics)
    assert {name: second.texts[name] for name in first.texts} == first.texts


CHANGES = {
    "the spec": edit("specs/platform.yaml", SPEC),
    "an included file": edit("specs/team.yaml", TEAM + "serving: {}\n"),
    "a lock": edit("specs/platform.lock.json", '{"images": {}}'),
    "a row of the catalogue": edit("catalog/accelerators.yaml", "rows: []\n"),
    "a policy": edit("policies/acme.cue", "package inferspec\n"),
    "a waiver": edit("policies/waivers.yaml", WAIVER),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_what_is_read_decides(root: Path, judged: list[Path], change: Callable[[Path], None]) -> None:
    ask(root)
    change(root)
    changed = ask(root)
    assert len(judged) == 2
    assert changed.diagnostics == pipeline.vet(Request(root / "specs" / "platform.yaml", root, TODAY)).diagnostics
    ask(root)
    assert len(judged) == 3, "the change was not kept in its turn"


def test_another_day_is_judged_anew(root: Path, judged: list[Path]) -> None:
    ask(root)
    ask(root, date(2027, 1, 1))
    assert len(judged) == 2


def test_another_program_is_judged_anew(root: Path, judged: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ask(root)
    (tmp_path / "package").mkdir()
    monkeypatch.setattr(vetted, "PACKAGE", tmp_path / "package")
    ask(root)
    (tmp_path / "package" / "rule.py").write_text("new")
    ask(root)
    assert len(judged) == 3


def test_what_is_no_sound_file_of_the_repository_is_never_kept(root: Path, judged: list[Path], tmp_path: Path) -> None:
    ask(root)
    (tmp_path / "outside.yaml").write_text(TEAM, encoding="utf-8")
    (root / "specs" / "team.yaml").unlink()
    (root / "specs" / "team.yaml").symlink_to(tmp_path / "outside.yaml")
    for _ in range(2):
        assert "SYN002" in {d.code for d in ask(root).diagnostics}
    assert len(judged) == 3


def test_an_included_file_that_was_not_there_is_looked_for_again(root: Path, judged: list[Path]) -> None:
    text = (root / "specs" / "team.yaml").read_text(encoding="utf-8")
    (root / "specs" / "team.yaml").unlink()
    assert "SYN001" in {d.code for d in ask(root).diagnostics}
    (root / "specs" / "team.yaml").write_text(text, encoding="utf-8")
    assert "SYN001" not in {d.code for d in ask(root).diagnostics}


def test_what_was_kept_and_then_cut_is_judged_anew(root: Path, judged: list[Path], tmp_path: Path) -> None:
    first = ask(root)
    for path in (tmp_path / "cache" / "inferspec" / "verdicts").iterdir():
        path.write_bytes(path.read_bytes()[:-20] + b"]")
    assert ask(root).diagnostics == first.diagnostics
    assert len(judged) == 2


def test_every_part_of_a_finding_comes_back() -> None:
    whole = Diagnostic(
        "SEC005",
        "m",
        Span("a.yaml", 1, 2, 3, "here"),
        Severity.WARNING,
        ("serving", "a b", 0),
        (Span("b.yaml", 4, 5),),
        ("one", "two"),
        "help",
        "Service x",
        "/spec",
        Fix("mend", (Edit("a.yaml", 1, 2, 1, 3, "x"),)),
        Waiver("SEC005", ("serving", 0), "because", "ops", date(2027, 1, 31)),
    )
    assert vetted.restored(vetted.plain([whole, Diagnostic("SYN001", "m", Span("a", 1, 1))])) == [
        whole,
        Diagnostic("SYN001", "m", Span("a", 1, 1)),
    ]
