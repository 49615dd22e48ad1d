"""Team files: what they may hold, and that their entries keep the place they were written at."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from inferspec.load import Document, include, load_spec, load_yaml
from inferspec.load.nodes import Seq

SPEC = "name: acme\ninclude: [teams/search.yaml]\nserving:\n  chat: {team: core}\n"
TEAM = "team: search\nserving:\n  ask: {model: gemma}\nmodels:\n  gemma: {source: hf://google/gemma}\n"


def load(folder: Path, spec: str = SPEC, **files: str) -> tuple[Document | None, list[str]]:
    (folder / "specs/teams").mkdir(parents=True, exist_ok=True)
    (folder / "specs/acme.yaml").write_text(spec)
    for name, text in files.items():
        (folder / "specs/teams" / f"{name}.yaml").write_text(text)
    document, found = load_spec(folder / "specs/acme.yaml", root=folder)
    return document, [f"{d.code} {d.span.file}:{d.span.line}:{d.span.column}" for d in found]


def test_entries_are_grafted_with_their_own_marks(tmp_path: Path) -> None:
    document, found = load(tmp_path, search=TEAM)
    assert document
    assert not found
    assert document.root == {
        "name": "acme",
        "include": ["teams/search.yaml"],
        "serving": {"chat": {"team": "core"}, "ask": {"model": "gemma", "team": "search"}},
        "models": {"gemma": {"source": "hf://google/gemma"}},
    }
    team = "specs/teams/search.yaml"
    assert set(document.texts) == {"specs/acme.yaml", team}
    for path, place in {
        ("serving", "chat"): ("specs/acme.yaml", 4, 9),
        ("serving", "ask"): (team, 3, 8),
        ("serving", "ask", "model"): (team, 3, 16),
        ("serving", "ask", "team"): (team, 1, 7),
        ("models",): (team, 4, 1),
        ("models", "gemma", "source"): (team, 5, 19),
        ("models", "other"): (team, 4, 1),
    }.items():
        span = document.span(path)
        assert (span.file, span.line, span.column) == place, path


def test_two_files_that_define_one_key(tmp_path: Path) -> None:
    spec = "include: [teams/a.yaml, teams/b.yaml]\n"
    one, two = "team: a\nserving: {x: {model: m}}\n", "team: b\nserving: {x: {model: m}, z: {model: m}}\n"
    document, found = load(tmp_path, spec, a=one, b=two)
    assert found == ["SYN054 specs/teams/b.yaml:2:11"]
    assert document
    assert document.root["serving"] == {"x": {"model": "m", "team": "a"}, "z": {"model": "m", "team": "b"}}  # type: ignore[call-overload]
    _, problems = load_spec(tmp_path / "specs/acme.yaml", root=tmp_path)
    assert [(r.file, r.line, r.column) for r in problems[0].related] == [("specs/teams/a.yaml", 2, 11)]


@pytest.mark.parametrize(
    ("team", "expected"),
    [
        ("serving: {}\n", "SYN051 specs/teams/search.yaml:1:1"),
        ("- team: search\n", "SYN051 specs/teams/search.yaml:1:1"),
        ("", "SYN051 specs/teams/search.yaml:1:1"),
        ("team: 7\n", "SYN051 specs/teams/search.yaml:1:1"),
        ("team: search\ncapacityClasses: {}\n", "SYN053 specs/teams/search.yaml:2:1"),
        ("team: search\ninclude: [x.yaml]\n", "SYN053 specs/teams/search.yaml:2:1"),
        ("team: search\nserving: [x]\n", "SYN053 specs/teams/search.yaml:2:10"),
        ("team: search\nserving: {ask: {team: vision}}\n", "SYN055 specs/teams/search.yaml:2:23"),
        ("team: search\nteam: vision\n", "SYN030 specs/teams/search.yaml:2:1"),
        ("team: search\nserving: {chat: {model: m}}\n", "SYN054 specs/teams/search.yaml:2:11"),
        ("team: [\n", "SYN010 specs/teams/search.yaml:1:8"),
        ("team: search\n<<<<<<< ours\n", "SYN006 specs/teams/search.yaml:2:1"),
    ],
)
def test_what_a_team_may_not_write(tmp_path: Path, team: str, expected: str) -> None:
    document, found = load(tmp_path, search=team)
    assert found == [expected]
    assert document is not None, "the spec itself can still be checked"


@pytest.mark.parametrize(
    ("include", "expected"),
    [
        ("teams", "SYN050 specs/acme.yaml:1:10"),
        ("{a: b}", "SYN050 specs/acme.yaml:1:10"),
        ("[1]", "SYN050 specs/acme.yaml:1:11"),
        ("['']", "SYN050 specs/acme.yaml:1:11"),
        ("[teams/x.json]", "SYN050 specs/acme.yaml:1:11"),
        ('["teams/*"]', "SYN050 specs/acme.yaml:1:11"),
        ("[../x.yaml]", "SYN002 specs/acme.yaml:1:11"),
        ("[teams/../../x.yaml]", "SYN002 specs/acme.yaml:1:11"),
        ("[/etc/x.yaml]", "SYN002 specs/acme.yaml:1:11"),
        ("[~/x.yaml]", "SYN002 specs/acme.yaml:1:11"),
        (r"['teams\x.yaml']", "SYN002 specs/acme.yaml:1:11"),
        ("['C:x.yaml']", "SYN002 specs/acme.yaml:1:11"),
        ("['https://example.com/x.yaml']", "SYN002 specs/acme.yaml:1:11"),
        ("[teams/missing.yaml]", "SYN001 specs/acme.yaml:1:11"),
        ("[acme.yaml]", "SYN052 specs/acme.yaml:1:11"),
        ("[teams/search.yaml, teams/./search.yaml]", "SYN052 specs/acme.yaml:1:30"),
    ],
)
def test_entries_that_are_refused(tmp_path: Path, include: str, expected: str) -> None:
    document, found = load(tmp_path, f"include: {include}\n", search=TEAM)
    assert found == [expected]
    assert document is not None


def test_no_include_and_empty_include(tmp_path: Path) -> None:
    for spec in ("name: a\n", "name: a\ninclude:\n", "name: a\ninclude: []\n"):
        assert load(tmp_path, spec)[1] == []


def test_links_out_of_the_repository(tmp_path: Path) -> None:
    outside = tmp_path / "outside.yaml"
    outside.write_text(TEAM)
    root = tmp_path / "repository"
    (root / "specs/teams").mkdir(parents=True)
    (root / "specs/teams/search.yaml").symlink_to(outside)
    assert load(root)[1] == ["SYN002 specs/acme.yaml:2:11"]
    (root / "specs/teams/search.yaml").unlink()
    (root / "specs/teams/real.yaml").write_text(TEAM)
    (root / "specs/teams/search.yaml").symlink_to("real.yaml")
    assert load(root)[1] == [], "a link inside the repository is a file of the repository"


def test_links_that_go_in_circles_and_pipes(tmp_path: Path) -> None:
    (tmp_path / "specs/teams").mkdir(parents=True)
    (tmp_path / "specs/teams/a.yaml").symlink_to("b.yaml")
    (tmp_path / "specs/teams/b.yaml").symlink_to("a.yaml")
    os.mkfifo(tmp_path / "specs/teams/pipe.yaml")
    (tmp_path / "specs/teams/folder.yaml").mkdir()
    found = load(tmp_path, "include: [teams/a.yaml, teams/pipe.yaml, teams/folder.yaml]\n")[1]
    assert found == [f"SYN001 specs/acme.yaml:1:{column}" for column in (11, 25, 42)]


def test_names_are_relative_to_the_repository_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load(tmp_path, search=TEAM)
    monkeypatch.chdir(tmp_path / "specs")
    document, _ = load_spec(Path("acme.yaml"), root=Path(".."))
    assert document
    assert set(document.texts) == {"specs/acme.yaml", "specs/teams/search.yaml"}


def test_a_list_file(tmp_path: Path) -> None:
    waivers = tmp_path / "waivers.yaml"
    waivers.write_text("- {rule: CAP017, at: a, expires: 2027-01-31}\n")
    document, found = load_yaml(waivers, tmp_path, top=Seq)
    assert document
    assert not found
    assert document.root == [{"rule": "CAP017", "at": "a", "expires": "2027-01-31"}]
    assert document.span((0, "at")).column == 22
    assert [d.code for d in load_yaml(waivers, tmp_path)[1]] == ["SYN014"]


def test_one_file_by_two_names_is_read_once(tmp_path: Path) -> None:
    (tmp_path / "specs/teams").mkdir(parents=True)
    (tmp_path / "specs/teams/b.yaml").symlink_to("a.yaml")
    (tmp_path / "specs/teams/self.yaml").symlink_to("../acme.yaml")
    found = load(tmp_path, "include: [teams/a.yaml, teams/b.yaml, teams/self.yaml]\n", a=TEAM)[1]
    assert found == ["SYN052 specs/acme.yaml:1:25", "SYN052 specs/acme.yaml:1:39"]


def test_the_included_files_are_bounded_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"t{i}" for i in range(5)]
    spec = f"include: [{', '.join(f'teams/{name}.yaml' for name in names)}]\n"
    files = {name: f"team: {name}\nserving: {{{name}: {{a: [1, 2, 3]}}}}\n" for name in names}
    assert load(tmp_path, spec, **files)[1] == []
    monkeypatch.setattr(include, "MAX_INCLUDED_NODES", 14)  # eight in each file
    document, found = load(tmp_path, spec, **files)
    assert found == ["SYN041 specs/acme.yaml:1:26"]
    assert document and sorted(document.texts) == ["specs/acme.yaml", "specs/teams/t0.yaml", "specs/teams/t1.yaml"]
    monkeypatch.setattr(include, "MAX_INCLUDED_BYTES", 50)
    assert load(tmp_path, spec, **files)[1] == ["SYN003 specs/acme.yaml:1:26"]
    monkeypatch.setattr(include, "MAX_INCLUDES", 4)
    assert load(tmp_path, spec, **files)[1] == ["SYN041 specs/acme.yaml:1:10"]
