"""What the README shows is what a person gets."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest
import yaml
from inferspec.graph import graph, render

from tests import line

README = (line.ROOT / "README.md").read_text(encoding="utf-8")
QUICKSTART = line.ROOT / "specs/quickstart.yaml"
SHOWN = re.findall(r"^```console\n\$ \./dev run (.*)\n((?:.*\n)*?)```$", README, re.MULTILINE)
CHANGED = {"gemma-3-1b": "gemma-3-27b", "shape: g2-standard-8": "shape: g2-standard-24"}
"""What the README says of the spec that is refused."""


def test_the_spec_is_the_quickstart() -> None:
    shown = re.search(r"^```yaml\n((?:.*\n)*?)```$", README, re.MULTILINE)
    assert shown is not None and yaml.safe_load(shown[1]) == yaml.safe_load(QUICKSTART.read_text(encoding="utf-8"))


def test_the_graph_is_that_of_the_quickstart() -> None:
    shown = re.search(r"^```mermaid\n((?:.*\n)*?)```$", README, re.MULTILINE)
    assert shown is not None and shown[1] == render("mermaid", graph(line.fleet("quickstart")))


@pytest.mark.parametrize(("command", "output"), SHOWN, ids=[command.partition(" ")[0] for command, _ in SHOWN])
def test_commands_print_what_is_shown(command: str, output: str, tmp_path: Path) -> None:
    spec = tmp_path / "specs/quickstart.yaml"
    spec.parent.mkdir()
    shutil.copyfile(QUICKSTART, spec)
    if "error[" in output:
        assert "`s/gemma-3-1b/gemma-3-27b/`, `shape: g2-standard-24`" in README
        text = spec.read_text(encoding="utf-8")
        for old, new in CHANGED.items():
            text = text.replace(old, new)
        spec.write_text(text, encoding="utf-8")
    done = line.inferspec(*shlex.split(command), cwd=tmp_path)
    assert done.stderr == "" and done.stdout.startswith(output)


def test_every_command_named_is_one() -> None:
    shown = "".join(re.findall(r"^```sh\n((?:.*\n)*?)```$", README, re.MULTILINE))
    named = sorted(set(re.findall(r"\binferspec ([a-z]+)", shown)))
    assert len(named) > 9
    for command in named:
        assert line.inferspec(command, "--help", cwd=line.ROOT).returncode == 0, command
