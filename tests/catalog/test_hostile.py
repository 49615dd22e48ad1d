"""A team's catalogue is of a pull request: nothing of it leads elsewhere or takes a run down."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from inferspec.catalog.team import overlay


@pytest.mark.parametrize("place", ["catalog", "catalog/machines.yaml", "catalog/engines", "catalog/engines/own.yaml"])
def test_a_link_is_not_opened(tmp_path: Path, place: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "machines.yaml").write_text("topsecret: 1\n")
    link = tmp_path / place
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(outside / "machines.yaml" if place.endswith(".yaml") else outside)
    (found,) = overlay(tmp_path / "catalog")[1]
    assert found.message == "is a symbolic link" and "topsecret" not in str(found)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes on this system")
def test_a_pipe_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "machines.yaml")
    assert [found.message for found in overlay(tmp_path)[1]] == ["is no file"]


@pytest.mark.parametrize(("name", "text", "said"), [
    ("machines.json", "[" * 200_000, "maps and lists stand too deep in each other"),
    ("machines.yaml", "a: " + "[" * 20_000 + "]" * 20_000, "maps and lists stand too deep in each other"),
    ("machines.yaml", "rows: [" + "9" * 5_000 + "]", "a number of more digits than can be read"),
    ("machines.yaml", "a: " + "x" * 5_000_001, "is larger than 5 MB"),
])
def test_what_no_reader_bears_is_one_problem(tmp_path: Path, name: str, text: str, said: str) -> None:
    (tmp_path / name).write_text(text)
    assert [found.message for found in overlay(tmp_path)[1]] == [said]
