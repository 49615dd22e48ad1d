"""How `./dev engines` makes its environment: whole or not used, by its lock, and never on a disk too small. Here with an empty lock."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.line import ROOT

sys.path.insert(0, str(ROOT / "tools"))

import engine_parts


@pytest.fixture
def lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    found = tmp_path / "lock.txt"
    found.write_text("# nothing\n")
    return found


def test_an_environment_without_its_stamp_is_made_anew_and_a_whole_one_is_reused(lock: Path) -> None:
    said: list[str] = []
    python = engine_parts.prepare(lock, free_gb=0.1, tell=said.append)
    assert subprocess.run([python, "-c", "import pip"]).returncode == 0
    assert python.is_relative_to(lock.parent / "cache" / "inferspec" / "engines")
    assert said and "once" in said[0]
    trace = engine_parts.home(lock) / "trace"
    trace.touch()
    said.clear()
    assert engine_parts.prepare(lock, free_gb=0.1, tell=said.append) == python
    assert (said, trace.exists()) == ([], True)
    (engine_parts.home(lock) / engine_parts.STAMP).unlink()
    assert engine_parts.prepare(lock, free_gb=0.1, tell=said.append) == python
    assert not trace.exists()


def test_another_lock_is_another_environment(lock: Path) -> None:
    before = engine_parts.home(lock)
    lock.write_text("# nothing else\n")
    assert engine_parts.home(lock) != before


def test_a_failed_installation_leaves_no_stamp(lock: Path) -> None:
    lock.write_text("no-such-file.whl\n")
    with pytest.raises(engine_parts.EngineError, match="pip failed with exit status"):
        engine_parts.prepare(lock, free_gb=0.1, tell=lambda line: None)
    assert not (engine_parts.home(lock) / engine_parts.STAMP).exists()


def test_a_disk_too_small_is_said_before_anything_is_made(lock: Path) -> None:
    with pytest.raises(engine_parts.EngineError, match=r"needs 1000000\.0 GB free in .*; there are [0-9.]+ GB"):
        engine_parts.prepare(lock, free_gb=1e6, tell=lambda line: None)
    assert not engine_parts.home(lock).exists()


def test_the_tests_run_in_the_environment_of_the_committed_lock() -> None:
    assert Path(sys.executable) == engine_parts.interpreter()
    assert not [line for line in engine_parts.LOCK.read_text().splitlines() if "://" in line or line.startswith("--index")]
