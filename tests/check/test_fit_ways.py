"""Which machines the findings on memory propose."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from inferspec.pipeline import Request, vet

from tests import line

SOLD_TO_RESERVATIONS = "a4x-highgpu-4g"


@pytest.mark.parametrize(("sources", "proposed"), [("burst: [on-demand, spot]", False), ("baseline: [{reservation: wide}]", True)])
def test_a_machine_is_proposed_that_the_sources_of_the_class_have(tmp_path: Path, sources: str, proposed: bool) -> None:
    text = line.text("quickstart")
    for old, new in (
        ("hf://google/gemma-3-1b-it", "hf://deepseek-ai/DeepSeek-R1"),
        ("{shape: g2-standard-8, burst: [on-demand, spot]}", f"{{shape: a3-highgpu-8g, {sources}}}"),
    ):
        assert text.count(old) == 1
        text = text.replace(old, new)
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs/platform.yaml").write_text(text, encoding="utf-8")
    [told] = [d for d in vet(Request(tmp_path / "specs/platform.yaml", tmp_path, date(2026, 11, 21))).diagnostics if d.code == "FIT001"]
    assert "fits on " in told.help
    assert (SOLD_TO_RESERVATIONS in told.help) is proposed
