"""Both kustomize versions, and a way to build a tree with them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest


def _pinned() -> Path:
    from inferspec.tools import ToolError, find

    try:
        return find("kustomize")
    except ToolError:
        if named := os.environ.get("INFERSPEC_TEST_KUSTOMIZE"):
            return Path(named)
        raise


def _bundled_by_config_sync(request: pytest.FixtureRequest) -> Path:
    if found := os.environ.get("INFERSPEC_TEST_KUSTOMIZE_542"):
        return Path(found)
    folder: Path = request.getfixturevalue("real_programs")
    return folder / "kustomize"


@pytest.fixture(scope="session")
def kustomize_binaries(request: pytest.FixtureRequest) -> dict[str, Path]:
    """Version -> binary: the pinned one, and 5.4.2, which Config Sync bundles."""
    return {"5.8.2": _pinned(), "5.4.2": _bundled_by_config_sync(request)}


@pytest.fixture(scope="session")
def build(kustomize_binaries: dict[str, Path]) -> Callable[[Path], dict[str, bytes]]:
    """Version -> output of ``kustomize build`` of a directory; a failure fails the test with what kustomize said."""

    def run(directory: Path) -> dict[str, bytes]:
        outputs = {}
        for version, binary in kustomize_binaries.items():
            done = subprocess.run([binary, "build", directory], capture_output=True, timeout=60, env={})
            assert done.returncode == 0, f"kustomize {version}: {done.stderr.decode()}"
            outputs[version] = done.stdout
        return outputs

    return run
