"""A repository with one spec, and the command in it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import line

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs/quickstart.yaml").write_text(line.text("quickstart"), encoding="utf-8")
    return tmp_path


@pytest.fixture
def run(repository: Path) -> Run:
    """``run("vet", "-q")`` in the repository."""

    def run(*arguments: str, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        return line.inferspec(*arguments, cwd=repository, environment=environment)

    return run


def patched(before: str, *arguments: str) -> list[str]:
    """The command line that runs ``before`` (Python) and then inferspec: for faults that no input can make."""
    return [sys.executable, "-c", f"{before}\nimport sys\nfrom inferspec.cli import main\nsys.exit(main({list(arguments)!r}))"]
