"""The environment vLLM is imported in, and what the run says at its end: how much was judged, and what was not and why."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engines import judge

os.environ.update(judge.ENVIRONMENT)
TOLD = pytest.StashKey[list[str]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[TOLD] = []


@pytest.fixture(scope="session")
def tell(pytestconfig: pytest.Config) -> list[str]:
    """Lines for the end of the run."""
    return pytestconfig.stash[TOLD]


@pytest.fixture(scope="session")
def folders() -> Iterator[Path]:
    """A place for model folders."""
    with tempfile.TemporaryDirectory(prefix="inferspec-engines-") as folder:
        yield Path(folder)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    said = terminalreporter.config.stash[TOLD]
    if said:
        terminalreporter.section("judged by vLLM")
        for line in said:
            terminalreporter.line(line)
