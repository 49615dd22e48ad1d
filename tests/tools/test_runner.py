"""Tools run alone: their environment, deadline, output cap and process group."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from inferspec.tools import ToolError, ToolLimit, run


def test_cue_reads_standard_input() -> None:
    done = run("cue", ["export", "-", "--out", "json"], stdin=b"a: 1 + 1")
    assert (done.rc, json.loads(done.stdout), done.stderr) == (0, {"a": 2}, b"")


def test_kustomize_builds_a_folder(tmp_path: Path) -> None:
    (tmp_path / "kustomization.yaml").write_text("resources: [a.yaml]\n")
    (tmp_path / "a.yaml").write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n")
    done = run("kustomize", ["build", "."], cwd=tmp_path)
    assert done.rc == 0
    assert b"name: a" in done.stdout


def test_a_failure_is_a_value() -> None:
    done = run("cue", ["export", "-"], stdin=b"a: 1\na: 2")
    assert done.rc == 1
    assert b"conflicting values" in done.stderr


def test_nothing_of_our_environment_leaks(script, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CUE_EXPERIMENT", "KUSTOMIZE_PLUGIN_HOME", "XDG_CONFIG_HOME", "SECRET"):
        monkeypatch.setenv(name, "leak")
    script("/usr/bin/env; /bin/pwd")
    seen = dict(line.split("=", 1) for line in run("x", [], env={"GOGC": "400"}).stdout.decode().splitlines() if "=" in line)
    assert not [name for name, value in seen.items() if value == "leak"]
    assert (seen["LC_ALL"], seen["GOGC"]) == ("C", "400")
    assert seen["HOME"] not in (os.environ.get("HOME"), "") and not Path(seen["HOME"]).exists()
    assert seen["PATH"] == seen["HOME"]


def test_arguments_meet_no_shell() -> None:
    done = run("cue", ["export", "$(touch /tmp/x); echo"])
    assert done.rc == 1
    assert b"$(touch" in done.stderr


def test_deadline_ends_the_whole_group(script, tmp_path: Path) -> None:
    script(f"/bin/sleep 60 & echo $! > {tmp_path}/child\nwait\n")
    began = time.monotonic()
    with pytest.raises(ToolLimit, match=r"within 0\.5 s"):
        run("x", [], deadline=0.5)
    assert time.monotonic() - began < 10
    assert gone(int((tmp_path / "child").read_text()))


def test_a_tool_that_ignores_its_outputs_still_meets_the_deadline(script) -> None:
    script("exec >&- 2>&-\nexec /bin/sleep 60\n")
    with pytest.raises(ToolLimit):
        run("x", [], deadline=0.5)


def test_output_cap(script) -> None:
    script("while :; do echo 0123456789; done\n")
    with pytest.raises(ToolLimit, match="more than 100,000 bytes"):
        run("x", [], cap=100_000)


def test_large_input_and_output_do_not_block(script) -> None:
    script("exec /bin/cat\n")
    data = os.urandom(3 << 20)
    assert run("x", [], stdin=data).stdout == data


def test_a_tool_may_stop_reading(script) -> None:
    script("echo done\n")
    assert run("x", [], stdin=b"x" * (3 << 20)).stdout == b"done\n"


def test_a_signal_shows_as_a_negative_status(script) -> None:
    script("kill -9 $$\n")
    assert run("x", []).rc == -9


def test_a_file_that_does_not_start_is_a_tool_error(script, tmp_path: Path) -> None:
    script("")
    (tmp_path / "tool").write_bytes(b"\x7fELF nonsense")
    with pytest.raises(ToolError, match="does not start"):
        run("x", [])


def gone(pid: int) -> bool:
    """Whether a process has ended (a zombie has), seen within two seconds."""
    end = time.monotonic() + 2
    while time.monotonic() < end:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.02)
    return False


def test_a_signal_waits_for_what_must_not_be_left_half_done() -> None:
    """Of each signal that ends the compiler: what it was at is done first, all of it."""
    code = "\n".join(
        [
            "import os, signal, sys",
            "from inferspec.tools import live",
            "live.handle_signals()",
            "try:",
            "    with live.uninterrupted():",
            "        os.kill(os.getpid(), int(sys.argv[1]))",
            "        for i in range(1000): pass",
            "        print('done')",
            "    print('not reached')",
            "except KeyboardInterrupt:",
            "    sys.exit(130)",
        ]
    )
    for number, rc in ((signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)):
        done = subprocess.run([sys.executable, "-c", code, str(int(number))], capture_output=True, text=True)
        assert (done.returncode, done.stdout) == (rc, "done\n"), done.stderr
