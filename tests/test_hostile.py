"""Inputs that are made to cost: each is answered in time that follows its size.

Where a test has no count, its input is so large that work in the square of it would run for hours, past any limit of the suite.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import pytest
from inferspec import nearest
from inferspec.cli import main
from inferspec.diagnostics import Diagnostic
from inferspec.load import load_text
from inferspec.load.limits import MAX_PROBLEMS
from inferspec.load.nodes import uncommented
from inferspec.model.errors import _pruned, read_platform
from inferspec.outcome import Request
from inferspec.pipeline import vet
from inferspec.policy import team
from inferspec.report import masking
from inferspec.report.masking import mask, masked_lines
from inferspec.tools import ToolLimit, run

SPECS = Path(__file__).parent.parent / "specs"
MANY = 300_000
RANDOM = "q7Zr2Xw9Lk4Vb8Nc1Mf6Tg3Hy5Jp0Sd"


@pytest.mark.parametrize(
    "text",
    [
        "# " + "key" * MANY,
        "# " + "key: !" * MANY,
        "# " + "eyJ-" * MANY,
        "# " + "eyJ-" * MANY + ".a",
        "-----BEGIN " + "PRIVATE KEY" * MANY,
        "key: ' " + " " * MANY,
    ],
    ids=lambda text: text[:16],
)
def test_a_line_that_is_no_secret_is_read_once(text: str) -> None:
    assert mask(text) == text


def test_a_token_is_masked_after_more_of_its_letters() -> None:
    token = f"eyJhbGciOiJIUzI1NiJ9.{RANDOM}.{RANDOM}"
    assert mask(f"--a-{token} b.c") == f"--a-{'*' * len(token)} b.c"
    assert mask(f"x-eyJ-{token}") == f"x-{'*' * (len(token) + 4)}"


def test_a_line_is_masked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    lines, calls = masked_lines("a\nb\n"), []
    monkeypatch.setattr(masking, "mask", lambda text: calls.append(text) or text)
    assert [lines[0], lines[0], lines[1], lines[0]] == ["a", "a", "b", "a"]
    assert calls == ["a", "b"]


def test_blanks_of_a_line_are_read_once() -> None:
    assert uncommented('"' + " " * MANY + "x") == '"' + " " * MANY + "x"
    assert uncommented("a b  # c # d") == "a b"
    _, found = load_text('a: "' + " " * MANY + "x", "s.yaml")
    assert [(d.code, d.span.end_column) for d in found] == [("SYN010", MANY + 6)]


def test_conflict_markers_beyond_the_shown_are_not_counted() -> None:
    _, found = load_text("<<<<<<< a\n" * MANY)
    assert len(found) == 20


def test_what_is_left_out_is_left_out_in_one_copy() -> None:
    class Counted(dict):  # type: ignore[type-arg]
        copies = 0

        def items(self):  # type: ignore[no-untyped-def]
            type(self).copies += 1
            return super().items()

    root = {"serving": Counted({f"s{i}": {"a": 1} for i in range(50)}), "teams": {"a": 1}}
    left = _pruned(root, [(("serving", f"s{i}", "x"), False) for i in range(40)] + [(("teams", "a", "b"), True)])
    assert sorted(left["serving"]) == sorted(f"s{i}" for i in range(40, 50))
    assert left["teams"] == {"a": 1}
    assert Counted.copies == 1


def test_names_are_compared_for_so_long_in_a_run() -> None:
    nearest.restart()
    names = [f"name-{i:05}" for i in range(1000)]
    answers = [nearest.nearest(f"mame-{i:05}", names) for i in range(1000)]
    assert answers[0] == ["name-00000"]
    told = [bool(a) for a in answers]
    assert told.index(False) == nearest.WORK // (10 * 10 * 1000)
    assert not any(told[told.index(False) :])
    assert nearest.closest("mame-00001", names) == ["name-00001"]
    assert nearest.closest("a" * 5000, ["a" * 5001]) == []
    nearest.restart()
    assert nearest.nearest("mame-00001", names) == ["name-00001"]


def _shape(text: str) -> list[Diagnostic]:
    document, found = load_text(text)
    assert document is not None and not found
    return read_platform(document)[1]


def test_mistakes_of_shape_are_capped() -> None:
    spec = (SPECS / "quickstart.yaml").read_text()
    found = _shape(spec + "".join(f"zzz{i}: 1\n" for i in range(5000)))
    assert len(found) == MAX_PROBLEMS
    assert found[-1].notes == ("100 mistakes so far; the rest of the spec was not checked",)
    assert len(_shape(spec + "".join(f"zzz{i}: 1\n" for i in range(MAX_PROBLEMS)))) == MAX_PROBLEMS


ENDLESS = """package inferspec
import "list"
let many = list.Range(0, 1000000, 1)
rules: ACME001: [for a in many for b in many if a+b < 0 {}]
"""
COMMAND = """import sys
from inferspec.tools.live import handle_signals
handle_signals()
from inferspec.cli import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_compiler_and_its_tools_before_their_deadline(tmp_path: Path, number: int, code: int) -> None:
    (tmp_path / "specs").mkdir()
    shutil.copy(SPECS / "quickstart.yaml", tmp_path / "specs/platform.yaml")
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies/a.cue").write_text(ENDLESS)
    arguments = [sys.executable, "-c", COMMAND, "compile", "-C", str(tmp_path)]
    began, team_deadline = time.monotonic(), 10
    process = subprocess.Popen(arguments, env={**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")}, stderr=subprocess.DEVNULL)
    # The pack's cue ends first; objectcheck waits for objects.
    while len(tools := _children(process.pid)) != 2 or time.monotonic() - began < 2:
        assert process.poll() is None and time.monotonic() - began < 8
        time.sleep(0.05)
    process.send_signal(number)
    assert process.wait(team_deadline / 2) == code
    assert not [pid for pid in tools if Path(f"/proc/{pid}").exists()]


def _children(pid: int) -> list[int]:
    return [int(child) for task in Path(f"/proc/{pid}/task").glob("*/children") for child in task.read_text().split()]


def test_a_policy_that_doubles_a_text_meets_its_limit(tmp_path: Path) -> None:
    (tmp_path / "a.cue").write_text('a0: "' + "a" * 64 + '"\n' + "".join(f"a{i + 1}: a{i} + a{i}\n" for i in range(40)))
    with pytest.raises(ToolLimit, match=r"^cue wanted more than 512 MiB of memory and was ended$"):
        run("cue", ["export", "a.cue", "-e", "len(a40)"], cwd=tmp_path, memory=512 << 20)


def test_a_spec_that_is_a_link_to_itself_is_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs/platform.yaml").symlink_to("platform.yaml")
    found = vet(Request(tmp_path / "specs/platform.yaml", tmp_path, date(2026, 11, 21))).diagnostics
    assert [(d.code, d.span.file) for d in found] == [("SYN001", "specs/platform.yaml")]


INJECTED = "z\n::error::injected.yaml"


def test_names_of_files_start_no_line_of_a_terminal_or_of_ci(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "specs").mkdir()
    for name in (INJECTED, "\x1b[2J.yaml"):
        shutil.copy(SPECS / "quickstart.yaml", tmp_path / "specs" / name)
    assert main(["vet", "-C", str(tmp_path)]) == 3
    assert main(["vet", "-C", str(tmp_path), "-f", "no\n::error::such.yaml"]) == 3
    _policy(tmp_path, "package inferspec\nrules: ACME001: []\n")
    for folder in ("ACME001", INJECTED):
        (tmp_path / "policies/tests" / folder).mkdir(parents=True)
        (tmp_path / "policies/tests" / folder / "pass.yaml").write_text("a: 1\n")
    assert main(["policy", "test", "-C", str(tmp_path)]) == 1
    said = "".join(capsys.readouterr())
    assert "injected" in said and "such.yaml" in said
    assert "\x1b" not in said and not [line for line in said.splitlines() if line.startswith("::")]


def test_problems_of_the_own_catalogue_fail_a_fixture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _policy(tmp_path, "package inferspec\nrules: ACME001: []\n")
    (tmp_path / "policies/tests/ACME001").mkdir(parents=True)
    shutil.copy(SPECS / "quickstart.yaml", tmp_path / "policies/tests/ACME001/pass.yaml")
    assert main(["policy", "test", "-C", str(tmp_path)]) == 1
    assert "passed   ACME001 policies/tests/ACME001/pass.yaml\n" in capsys.readouterr().out
    (tmp_path / "catalog").mkdir()
    (tmp_path / "catalog/regions.yaml").write_text("nonsense: [\n")
    assert main(["policy", "test", "-C", str(tmp_path)]) == 1
    assert "failed   ACME001 policies/tests/ACME001/pass.yaml: " in capsys.readouterr().out


def test_a_policy_that_may_not_be_read_is_not_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "outside.cue").write_text("the private text of somebody\n")
    root = tmp_path / "repository"
    _policy(root, "package inferspec\n")
    (root / "policies/b.cue").symlink_to(tmp_path / "outside.cue")
    (root / "policies/c.cue").symlink_to("c.cue")
    assert main(["policy", "test", "-C", str(root)]) == 1
    said = capsys.readouterr().out
    assert "SYN002" in said and "SYN001" in said and "private" not in said


def test_what_cue_says_of_its_folder_is_the_same_each_time() -> None:
    sources = {"team000.cue": team.Policy("policies/a.cue", "package inferspec\n")}
    said = 'no files in "/tmp/x/inferspec-policies-{0}" or /tmp/inferspec-{0}/cue:\n    /tmp/inferspec-cases-{0}/team000.cue:1:2\n'
    found = [team.not_evaluated(sources, said.format(name)) for name in ("ab_12cd9", "zz99zz99")]
    assert found[0] == found[1]
    assert found[0][0].message == 'policy does not evaluate: no files in "." or ./cue'
    assert found[0][0].span.line == 1


def _policy(root: Path, text: str) -> None:
    (root / "policies").mkdir(parents=True)
    (root / "policies/a.cue").write_text(text)
