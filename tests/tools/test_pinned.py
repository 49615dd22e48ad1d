"""The tools of the package are the pinned ones or none."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from inferspec.tools import ToolError, find, pinned, versions


@pytest.fixture
def own_bin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the tools that a test may spoil."""
    copy = tmp_path / "bin"
    copy.mkdir()
    for name in ("kustomize", "tools.lock", "built.json"):
        shutil.copy(pinned.BIN / name, copy / name)
    monkeypatch.setattr(pinned, "BIN", copy)
    find.cache_clear()
    yield copy
    find.cache_clear()


@pytest.mark.parametrize("name", ["cue", "kustomize", "objectcheck"])
def test_find_gives_an_executable_of_the_package(name: str) -> None:
    assert find(name) == pinned.BIN / name


def test_versions_are_those_of_the_lock() -> None:
    assert versions()["cue"] == "v0.17.1"
    said = subprocess.run([find("kustomize"), "version"], capture_output=True, text=True, env={}).stdout.strip()
    assert versions()["kustomize"].split(" source ")[0] == said == "v5.8.2"


def test_a_changed_byte_is_refused(own_bin: Path) -> None:
    with (own_bin / "kustomize").open("ab") as handle:
        handle.write(b"x")
    with pytest.raises(ToolError, match="not the pinned one"):
        find("kustomize")


def test_an_empty_tool_is_refused(own_bin: Path) -> None:
    (own_bin / "kustomize").write_bytes(b"")
    with pytest.raises(ToolError, match="not the pinned one"):
        find("kustomize")


def test_a_missing_tool_is_told(own_bin: Path) -> None:
    (own_bin / "kustomize").unlink()
    with pytest.raises(ToolError, match="missing from the package"):
        find("kustomize")


def test_a_tool_that_cannot_be_run_is_told(own_bin: Path) -> None:
    (own_bin / "kustomize").chmod(0o644)
    with pytest.raises(ToolError, match="not executable"):
        find("kustomize")


def test_a_package_that_was_not_built_is_told(own_bin: Path) -> None:
    (own_bin / "tools.lock").unlink()
    with pytest.raises(ToolError, match=r"\./dev compile"):
        find("kustomize")


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(ToolError, match="no tool of this package"):
        find("../../../bin/sh")


def test_a_platform_without_a_lock_line_goes_by_the_record_beside_the_binary(own_bin: Path) -> None:
    built = json.loads((own_bin / "built.json").read_text())
    (own_bin / "built.json").write_text(json.dumps(built | {"platform": "linux/riscv64"}))
    assert find("kustomize") == own_bin / "kustomize"
    (own_bin / "built.json").write_text(json.dumps(built | {"platform": "linux/riscv64", "sha256": {}}))
    find.cache_clear()
    with pytest.raises(ToolError, match="not the pinned one"):
        find("kustomize")


def test_the_import_is_cheap() -> None:
    """Neither pydantic nor a YAML reader: every command imports this."""
    heavy = ("pydantic", "yaml", "ruamel", "jinja2", "asyncio", "ssl", "tempfile")
    code = f"import sys, inferspec.tools; print([m for m in {heavy} if m in sys.modules])"
    path = str(Path(pinned.__file__).parents[2])
    done = subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": path}, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
