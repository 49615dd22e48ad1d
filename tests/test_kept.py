"""What is kept between runs saves time and changes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from inferspec import kept
from inferspec.catalog.reader import read
from inferspec.policy import engine


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "inferspec"


def test_an_answer_is_asked_for_once_for_what_it_follows_from(cache: Path) -> None:
    asked: list[str] = []

    def ask(text: str) -> bytes:
        asked.append(text)
        return text.encode()

    assert [kept.kept("words", [b"a", b"b"], lambda: ask("one")) for _ in range(2)] == [b"one", b"one"]
    assert kept.kept("words", [b"ab", b""], lambda: ask("other")) == b"other"
    assert asked == ["one", "other"]
    assert len(list((cache / "words").iterdir())) == 2


def test_no_answer_is_kept_of_none_and_where_nothing_can_be_written(cache: Path) -> None:
    assert kept.kept("words", [b"a"], lambda: None) is None
    assert not (cache / "words").exists()
    cache.parent.mkdir(parents=True)
    cache.write_text("a file where the folder would be")
    assert kept.kept("words", [b"a"], lambda: b"x") == b"x"


def test_the_oldest_answers_go(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "LIMIT", 3)
    for number in range(5):
        kept.kept("words", [str(number).encode()], lambda: b"x")
    assert len(list((cache / "words").iterdir())) == 3


def test_a_catalogue_file_reads_the_same_from_what_was_kept(tmp_path: Path, cache: Path) -> None:
    (tmp_path / "machines.yaml").write_text('rows:\n  - {id: a, n: 1, f: 2.5, b: true, none: null, text: "3"}\n')
    first, second = read(str(tmp_path), "machines"), read(str(tmp_path), "machines")
    assert first == second == {"rows": [{"id": "a", "n": 1, "f": 2.5, "b": True, "none": None, "text": "3"}]}
    assert first is not None and second is not None and first.lines == second.lines == {"a": 2}
    assert len(list((cache / "catalogue").iterdir())) == 1


def test_other_facts_are_judged_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bytes] = []
    real = engine.export

    def export(expression: str, files: list[str], document: bytes, folder: Path) -> object:
        seen.append(document)
        return real(expression, files, document, folder)

    monkeypatch.setattr(engine, "export", export)
    from inferspec.resolve.facts import facts

    from tests import line

    told = facts(line.fleet("quickstart"))
    assert engine.evaluate(told) == engine.evaluate(told)
    assert len(seen) == 1
    engine.evaluate({**told, "platform": {**told["platform"], "name": "other"}})
    assert len(seen) == 2


def test_an_answer_that_was_cut_is_asked_for_again(cache: Path) -> None:
    kept.kept("words", [b"a"], lambda: b"one")
    (path,) = (cache / "words").iterdir()
    for damaged in (b"", path.read_bytes()[:-1], b"other"):
        path.write_bytes(damaged)
        assert kept.kept("words", [b"a"], lambda: b"two") == b"two"
        path.unlink()
        kept.kept("words", [b"a"], lambda: b"one")


def test_a_key_is_kept_and_nobody_else_reads_it(cache: Path) -> None:
    key = kept.own_key()
    assert len(key) == 32 and kept.own_key() == key
    assert (cache / "key").stat().st_mode & 0o077 == 0
    (cache / "key").write_bytes(b"short")
    assert len(kept.own_key()) == 32


def test_a_key_without_a_place_lives_as_long_as_the_process(cache: Path) -> None:
    cache.parent.mkdir(parents=True)
    cache.write_text("a file where the folder would be")
    assert kept.own_key() == kept.own_key()
