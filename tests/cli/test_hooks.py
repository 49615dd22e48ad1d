"""The commands that hooks and continuous integration run exist with these options."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml
from inferspec.cli.parser import build

ROOT = Path(__file__).parent.parent.parent
START = ROOT / "compiler" / "inferspec" / "cli" / "start"


def entries() -> list[tuple[str, list[str]]]:
    offered: list[Any] = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    started: Any = yaml.safe_load((START / "pre-commit.yaml").read_text(encoding="utf-8"))
    hooks = [*offered, *started["repos"][0]["hooks"]]
    found = [(hook["id"], shlex.split(hook["entry"]) + ([] if hook.get("pass_filenames") is False else ["specs/x.yaml"])) for hook in hooks]
    jobs = yaml.safe_load((START / "workflow.yaml").read_text(encoding="utf-8"))["jobs"]
    steps = [step["run"] for step in jobs["check"]["steps"] if step.get("run", "").startswith("inferspec ")]
    return found + [(f"workflow: {step}", shlex.split(step)) for step in steps]


@pytest.mark.parametrize(("name", "words"), entries(), ids=[name for name, _ in entries()])
def test_the_command_parses(name: str, words: list[str]) -> None:
    assert words[0] == "inferspec"
    assert build().parse_args(words[1:]).command


def test_the_starting_spec_is_the_quickstart() -> None:
    """One example to keep right: what `init` writes differs in its name and its first comment alone."""
    start = (START / "platform.yaml").read_text(encoding="utf-8").splitlines()
    quickstart = (ROOT / "specs" / "quickstart.yaml").read_text(encoding="utf-8").splitlines()
    differing = [(a, b) for a, b in zip(start, quickstart, strict=True) if a != b]
    assert [a.split(":")[0].split(" ")[0] for a, _ in differing] == ["#", "name"]
