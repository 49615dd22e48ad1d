"""What goes to which stream, in which colours, and what happens when nobody reads it."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests import line
from tests.cli.conftest import Run

ESCAPE = "\x1b["
BROKEN = line.text("quickstart").replace("capacity: l4", "capacity: l5")
posix = pytest.mark.skipif(os.name != "posix", reason="terminals and pipes are those of POSIX")


@pytest.fixture
def broken(repository: Path) -> Path:
    (repository / "specs/quickstart.yaml").write_text(BROKEN, encoding="utf-8")
    return repository


def on_a_terminal(root: Path, *arguments: str, environment: dict[str, str] | None = None) -> str:
    """What the command prints to a terminal."""
    import pty

    ours, theirs = pty.openpty()
    done = subprocess.Popen(
        [*line.COMMAND, *arguments], cwd=root, env=line.surroundings(environment), stdout=theirs, stderr=theirs, stdin=theirs
    )
    os.close(theirs)
    said = b""
    while True:
        try:
            block = os.read(ours, 1 << 16)
        except OSError:  # Linux: the other end was closed
            break
        if not block:
            break
        said += block
    os.close(ours)
    done.wait(60)
    return said.decode()


@posix
@pytest.mark.parametrize(
    ("arguments", "environment", "coloured"),
    [
        ((), {}, True),
        ((), {"NO_COLOR": "1"}, False),
        ((), {"NO_COLOR": ""}, True),
        (("--color", "never"), {}, False),
        (("--color", "always"), {"NO_COLOR": "1"}, True),
        (("--format", "json"), {}, False),
        (("--format", "github"), {}, False),
    ],
    ids=str,
)
def test_colour_on_a_terminal(broken: Path, arguments: tuple[str, ...], environment: dict[str, str], coloured: bool) -> None:
    said = on_a_terminal(broken, "vet", *arguments, environment=environment)
    assert "l5" in said
    assert (ESCAPE in said) is coloured


def test_no_colour_in_a_pipe_unless_asked(broken: Path, run: Run) -> None:
    assert ESCAPE not in run("vet").stdout
    assert ESCAPE in run("vet", "--color", "always").stdout


def test_quiet_says_nothing_but_findings(run: Run, repository: Path) -> None:
    done = run("compile", "-q")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    (repository / "specs/quickstart.yaml").write_text(BROKEN, encoding="utf-8")
    done = run("compile", "-q")
    assert (done.returncode, done.stderr) == (1, "") and "l5" in done.stdout


@pytest.mark.parametrize("form", ["json", "sarif"])
def test_machine_output_stands_alone_on_standard_output(run: Run, form: str) -> None:
    done = run("compile", "--format", form)
    assert (json.loads(done.stdout) and "31 objects" in done.stderr) or json.loads(done.stdout)
    assert done.stderr.startswith("quickstart: ")


def test_findings_go_to_the_file(broken: Path, run: Run) -> None:
    (broken / "found.json").write_text("what was there before, and longer than nothing" * 400, encoding="utf-8")
    done = run("vet", "--format", "json", "-o", "found.json")
    assert (done.returncode, done.stdout) == (1, "")
    assert json.loads((broken / "found.json").read_text(encoding="utf-8"))["counts"]["error"] >= 1


def test_no_progress_where_there_is_no_terminal(run: Run) -> None:
    assert "\r" not in run("compile").stderr


@posix
@pytest.mark.parametrize(
    "arguments", [("schema",), ("explain", "FIT001"), ("vet", "--format", "sarif"), ("compile", "--check"), ("--help",)], ids=" ".join
)
def test_a_pipe_that_nobody_reads(broken: Path, arguments: tuple[str, ...]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [*line.COMMAND, *arguments], cwd=broken, env=line.surroundings(), stdout=writer, stderr=subprocess.PIPE, text=True
    )
    os.close(writer)
    assert "Traceback" not in done.stderr and "BrokenPipe" not in done.stderr
    read = subprocess.run([*line.COMMAND, *arguments], cwd=broken, env=line.surroundings(), capture_output=True)
    assert done.returncode == read.returncode, "the code says what happened, whoever reads the rest"


@posix
def test_a_tree_is_written_though_nobody_reads_the_report(repository: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([*line.COMMAND, "compile"], cwd=repository, env=line.surroundings(), stdout=writer, stderr=writer)
    os.close(writer)
    assert done.returncode == 0 and (repository / "overlays/quickstart/manifest.lock").exists()


@posix
@pytest.mark.parametrize("arguments", [("schema",), ("vet",)], ids=" ".join)
def test_a_closed_standard_output(broken: Path, arguments: tuple[str, ...]) -> None:
    done = subprocess.run(
        [*line.COMMAND, *arguments], cwd=broken, env=line.surroundings(), stderr=subprocess.PIPE, text=True, preexec_fn=lambda: os.close(1)
    )
    assert "Traceback" not in done.stderr
    assert done.returncode in (0, 1)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
@pytest.mark.parametrize("arguments", [("schema",), ("vet",)], ids=" ".join)
def test_a_full_disk(broken: Path, arguments: tuple[str, ...]) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [*line.COMMAND, *arguments], cwd=broken, env=line.surroundings(), stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert (done.returncode, done.stderr) == (4, "inferspec: no space left on the device\n")


def test_output_is_utf_8_in_every_locale(repository: Path) -> None:
    (repository / "specs/quickstart.yaml").write_text(
        line.text("quickstart").replace("name: quickstart", 'name: "münchen"'), encoding="utf-8"
    )
    plain = {"LC_ALL": "POSIX", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    done = line.inferspec("vet", cwd=repository, environment=plain)
    assert done.returncode == 1 and "münchen" in done.stdout and "Traceback" not in done.stderr


@posix
@pytest.mark.parametrize("where", ["outside", "link"])
def test_nothing_of_a_file_outside_the_repository_is_shown(
    run: Run, repository: Path, where: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    secret = tmp_path_factory.mktemp("outside") / "notes.yaml"
    secret.write_text("only-for-me: yes\n")
    (repository / "specs/link.yaml").symlink_to(secret)
    done = run("vet", "-f", str(secret) if where == "outside" else "specs/link.yaml")
    assert done.returncode == 1 and "SYN002" in done.stdout
    assert "only-for-me" not in done.stdout + done.stderr
