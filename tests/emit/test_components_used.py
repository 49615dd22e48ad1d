"""Every component that is written is named by an overlay: one for a region where the workload does not run would be noise in a review."""

from __future__ import annotations

from pathlib import Path

import pytest

OVERLAYS = Path(__file__).parents[2] / "overlays"


@pytest.mark.parametrize("platform", ["quickstart", "acme", "reference"])
def test_every_component_is_used(platform: str) -> None:
    root = OVERLAYS / platform
    components = {folder.name for folder in (root / "components").iterdir()} if (root / "components").is_dir() else set()
    named = {
        line.strip().removeprefix("- ").rpartition("/")[2]
        for file in root.rglob("kustomization.yaml")
        for line in file.read_text(encoding="utf-8").splitlines()
        if "/components/" in line
    }
    assert components == named
    assert platform == "quickstart" or components
