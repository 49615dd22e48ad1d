"""Golden cases: a folder of ``tests/cases`` is a repository, the commands to run in it, and what they say and leave.

    cmd         command lines for sh, with ``inferspec`` on the PATH, the compiler's own repository in ``$ROOT`` and, for waivers,
                a day of the next months in ``$SOON``
    stdout, stderr    of all lines together, each below its line
    code        the exit code of each line of ``inferspec``
    expected/   the tree afterwards: overlays/ and clusters/, where the case is about them

Anything else is copied into the repository first. ``pytest tests/test_cases.py --refresh`` writes what is found.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import pytest

from tests import line

CASES = Path(__file__).parent / "cases"
TOLD = ("stdout", "stderr", "code")


def run(case: Path, root: Path, scratch: Path) -> dict[str, str]:
    """What the case says; each line is shown before what it prints where there are several."""
    for item in case.iterdir():
        if item.name not in ("cmd", "expected", *TOLD):
            (shutil.copytree if item.is_dir() else shutil.copy)(item, root / item.name)
    shim = scratch / "bin" / "inferspec"
    shim.parent.mkdir()
    shim.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m inferspec "$@"\n')
    shim.chmod(0o755)
    soon = str(date.today() + timedelta(days=90))
    environment = line.surroundings({"ROOT": str(line.ROOT), "SOON": soon, "XDG_CACHE_HOME": str(scratch / "cache")})
    environment["PATH"] = f"{shim.parent}{os.pathsep}{environment['PATH']}"
    lines = [text for text in (case / "cmd").read_text(encoding="utf-8").splitlines() if text]
    told = {"stdout": "", "stderr": "", "code": ""}
    for text in lines:
        done = subprocess.run(
            ["/bin/sh", "-c", text], cwd=root, env=environment, capture_output=True, text=True, encoding="utf-8", timeout=120
        )
        for stream in ("stdout", "stderr"):
            said = getattr(done, stream)
            told[stream] += f"$ {text}\n{said}" if said and len(lines) > 1 else said
        if text.startswith("inferspec"):
            told["code"] += f"{done.returncode}\n"
    return {name: said.replace(soon, "SOON").replace(str(line.ROOT), "$ROOT").replace(str(root), "$PWD") for name, said in told.items()}


def tree(root: Path) -> dict[str, str]:
    tops = [root / top for top in ("overlays", "clusters")]
    return {p.relative_to(root).as_posix(): p.read_text(encoding="utf-8") for top in tops for p in sorted(top.rglob("*")) if p.is_file()}


def write(case: Path, told: dict[str, str], root: Path) -> None:
    for name, text in told.items():
        (case / name).write_text(text, encoding="utf-8")
    if (case / "expected").is_dir():
        shutil.rmtree(case / "expected")
        for path, text in tree(root).items():
            (case / "expected" / path).parent.mkdir(parents=True, exist_ok=True)
            (case / "expected" / path).write_text(text, encoding="utf-8")


@pytest.mark.parametrize("case", sorted(p for p in CASES.iterdir() if p.is_dir()), ids=lambda p: p.name)
def test_case(case: Path, tmp_path: Path, refresh: bool) -> None:
    root, scratch = tmp_path / "repository", tmp_path / "scratch"
    root.mkdir()
    scratch.mkdir()
    told = run(case, root, scratch)
    if refresh:
        write(case, told, root)
    assert "Traceback" not in told["stderr"]
    for name in TOLD:
        assert told[name] == (case / name).read_text(encoding="utf-8"), name
    if (case / "expected").is_dir():
        assert tree(root) == tree(case / "expected")
