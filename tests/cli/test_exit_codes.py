"""The exit codes of the command line: the same for every form of the findings."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
from pathlib import Path

import pytest
from inferspec.cli.parser import FORMATS

from tests import line
from tests.cli.conftest import Run, patched

BROKEN = line.text("quickstart").replace("capacity: l4", "capacity: l5")


def test_clean(run: Run) -> None:
    assert run("vet").returncode == 0


@pytest.mark.parametrize("form", FORMATS)
def test_findings(run: Run, repository: Path, form: str) -> None:
    (repository / "specs/quickstart.yaml").write_text(BROKEN, encoding="utf-8")
    done = run("vet", "--format", form)
    assert done.returncode == 1 and "l5" in done.stdout


def test_the_threshold_decides(run: Run, repository: Path) -> None:
    warned = line.text("quickstart").replace("    proxySubnet: 10.129.0.0/23\n", "")
    (repository / "specs/quickstart.yaml").write_text(warned, encoding="utf-8")
    assert [run("vet", "--fail-on", level).returncode for level in ("error", "warning", "info")] == [0, 1, 1]


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("nothing",),
        ("vet", "--no-such-option"),
        ("vet", "--format", "yaml"),
        ("vet", "--jobs", "0"),
        ("vet", "--jobs", "many"),
        ("fmt",),
        ("policy",),
        ("vet", "-C", "no/such/folder"),
        ("vet", "--crds", "nowhere"),
        ("why", "a/b/c/d"),
        ("trace", "a[[b"),
        ("vet", "-o", "no/such/folder/found.txt"),
        ("vet", "-o", "specs"),
    ],
    ids=" ".join,
)
def test_usage(run: Run, arguments: tuple[str, ...]) -> None:
    done = run(*arguments)
    assert done.returncode == 2, done.stderr
    assert done.stdout == "" and "Traceback" not in done.stderr
    assert done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("vet", "-f", "specs/nothing.yaml"),
        ("compile", "-f", "nothing/at/all.yaml"),
        ("explain", "XYZ999"),
        ("explain", "no.such.key"),
        ("why", "Deployment/nobody"),
        ("why", "Deployment/chat", "spec.nothing"),
        ("trace", "serving.nobody"),
        ("fmt", "nothing.yaml"),
        ("policy", "test"),
        ("why", "Deployment/chat", "--cluster", "nowhere"),
    ],
    ids=" ".join,
)
def test_no_input(run: Run, arguments: tuple[str, ...]) -> None:
    done = run(*arguments)
    assert done.returncode == 3, done.stderr
    assert done.stdout == "" and done.stderr.startswith("inferspec: ") and "Traceback" not in done.stderr


def anew(tmp_path: Path) -> dict[str, str]:
    """With an empty cache: what was judged before needs no tool and no time."""
    return {**line.surroundings(), "XDG_CACHE_HOME": str(tmp_path / "cache")}


@pytest.mark.parametrize("command", ["vet", "compile"])
def test_a_tool_that_is_missing(repository: Path, tmp_path: Path, command: str) -> None:
    before = "import inferspec.tools.pinned as p\nfrom pathlib import Path\np.BIN = Path('no/such/folder')"
    done = subprocess.run(patched(before, command), cwd=repository, env=anew(tmp_path), capture_output=True, text=True)
    assert done.returncode == 4, done.stderr
    assert "missing from the package" in done.stderr and "Traceback" not in done.stderr
    assert not (repository / "overlays").exists()


def test_a_tool_that_is_not_the_pinned_one(repository: Path, tmp_path: Path) -> None:
    before = f"""
import shutil
from pathlib import Path
import inferspec.tools.pinned as p
other = Path({str(tmp_path / "bin")!r})
shutil.copytree(p.BIN, other)
with (other / "cue").open("ab") as tool:
    tool.write(b"x")
p.BIN = other
"""
    done = subprocess.run(patched(before, "vet"), cwd=repository, env=anew(tmp_path), capture_output=True, text=True)
    assert done.returncode == 4, done.stderr
    assert "is not the pinned one" in done.stderr


def drop_override() -> None:
    """Root too may then write only where the mode says so: PR_CAPBSET_DROP of CAP_DAC_OVERRIDE, lost at the next exec."""
    if os.geteuid() == 0:
        ctypes.CDLL(None, use_errno=True).prctl(24, 1, 0, 0, 0)


@pytest.mark.skipif(os.name != "posix", reason="modes are those of POSIX")
def test_a_tree_that_cannot_be_written(repository: Path) -> None:
    before = line.inferspec("compile", cwd=repository)
    assert before.returncode == 0
    (repository / "specs/quickstart.yaml").write_text(line.text("quickstart").replace("max: 4", "max: 5"), encoding="utf-8")
    folders = [repository, *(p for p in repository.rglob("*") if p.is_dir())]
    for folder in folders:
        folder.chmod(0o555)
    try:
        done = subprocess.run(
            [*line.COMMAND, "compile"], cwd=repository, env=line.surroundings(), capture_output=True, text=True, preexec_fn=drop_override
        )
    finally:
        for folder in folders:
            folder.chmod(0o755)
    assert done.returncode == 4, done.stderr
    assert "nothing was changed" in done.stderr and "Traceback" not in done.stderr
    assert "maxReplicas: 4" in (repository / "overlays/quickstart/base/chat-autoscaling/objects.yaml").read_text(encoding="utf-8")


def test_a_stale_tree(run: Run, repository: Path) -> None:
    assert run("compile", "--check").returncode == 5
    assert not (repository / "overlays").exists()
    assert run("compile").returncode == 0
    assert run("compile", "--check").returncode == 0
    assert run("verify").returncode == 0
    (repository / "overlays/quickstart/base/chat/objects.yaml").unlink()
    assert run("compile", "--check").returncode == 5
    assert run("verify").returncode == 5
    (repository / "untidy.yaml").write_text("a:   1\n")
    assert run("fmt", "--check", "untidy.yaml").returncode == 5


def test_a_bug_says_so(repository: Path) -> None:
    before = "import inferspec.cli.vet as v\ndef fail(options): raise RuntimeError('boom')\nv.run = fail"
    done = subprocess.run(patched(before, "vet"), cwd=repository, env=line.surroundings(), capture_output=True, text=True)
    assert done.returncode == 70
    assert "boom" in done.stderr and "a bug of the compiler" in done.stderr


@pytest.mark.skipif(os.name != "posix", reason="signals are those of POSIX")
@pytest.mark.parametrize("command", ["vet", "compile"])
def test_an_interrupt(repository: Path, tmp_path: Path, command: str) -> None:
    before = "import time, inferspec.check as c\ndef wait(*_): print('ready', flush=True); time.sleep(60)\nc.check = wait"
    process = subprocess.Popen(
        patched(before, command), cwd=repository, env=anew(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert said.startswith("inferspec: interrupted") and "Traceback" not in said
    assert not (repository / "overlays").exists()


@pytest.mark.parametrize("fault", ["raise ToolError('no room')", "raise KeyboardInterrupt", "return Verdict(one, 'refused')"])
def test_a_proof_that_fails_leaves_the_tree_as_it_was(repository: Path, tmp_path: Path, fault: str) -> None:
    """Files are staged while it runs."""
    assert line.inferspec("compile", cwd=repository).returncode == 0
    (repository / "specs/quickstart.yaml").write_text(line.text("quickstart").replace("max: 4", "max: 5"), encoding="utf-8")
    before = held(repository)
    body = f"""
import inferspec.prove.builds as b
from inferspec.failures import ToolError
def Verdict(one, error):
    return one._replace(error=error)
judged = b.Builds._verdict
def _verdict(self, built):
    one = judged(self, built)
    {fault}
b.Builds._verdict = _verdict
"""
    done = subprocess.run(patched(body, "compile"), cwd=repository, env=anew(tmp_path), capture_output=True, text=True)
    assert done.returncode == {"raise ToolError": 4, "raise KeyboardI": 130, "return Verdict(": 1}[fault[:15]], done.stderr
    assert held(repository) == before and not (repository / ".inferspec-write").exists()


def held(repository: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for name in ("overlays", "clusters") for path in (repository / name).rglob("*") if path.is_file()}
