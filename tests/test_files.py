"""Where scratch files stand."""

from __future__ import annotations

from pathlib import Path

import pytest
from inferspec.files import memory_folder


def test_scratch_is_in_memory_where_there_is_room(monkeypatch: pytest.MonkeyPatch) -> None:
    if not Path("/dev/shm").is_dir():
        pytest.skip("this machine has no /dev/shm")
    monkeypatch.delenv("TMPDIR", raising=False)
    assert memory_folder(1) == "/dev/shm"
    assert memory_folder(1 << 60) is None


def test_scratch_is_where_the_user_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    assert memory_folder(1) is None
