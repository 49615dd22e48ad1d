"""The files of a commit, by git: the one program that is not in the package, because it is the user's own repository."""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import tarfile
from pathlib import Path

from ..failures import ToolError

SAFE = ("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "protocol.allow=never")
"""Nothing of the repository's settings starts a program."""
LEFT_OUT = (":(exclude)overlays", ":(exclude)clusters")
"""What is generated."""
MOST_BYTES = 256 << 20
DEADLINE = 120.0


class NoSuchCommit(Exception):
    """The text names no commit of this repository, or there is no repository."""


def commit(root: Path, ref: str) -> str:
    """The commit that ``ref`` names, in full. Raises NoSuchCommit, ToolError."""
    done = _git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
    found = done.stdout.decode("ascii", "replace").strip()
    if done.returncode or not re.fullmatch(r"[0-9a-f]{40,64}", found):
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise NoSuchCommit(said[0] if said else f"git knows no commit {ref}")
    return found


def checkout(root: Path, ref: str, target: Path) -> None:
    """The files of ``root`` as a commit has them, below ``target``; what is generated is left out. Raises ToolError."""
    done = _git(root, "archive", "--format=tar", ref, "--", ".", *LEFT_OUT)
    if done.returncode:
        raise ToolError(f"git archive: {done.stderr.decode('utf-8', 'replace').strip()[-500:]}")
    if len(done.stdout) > MOST_BYTES:
        raise ToolError(f"the repository at {ref[:12]} has more than {MOST_BYTES >> 20} MiB outside overlays/ and clusters/")
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        archive.extractall(target, filter="data")


def _git(root: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    # Only where PATH has whole paths: "." would run a program of the repository.
    path = os.pathsep.join(folder for folder in os.get_exec_path() if Path(folder).is_absolute())
    program = shutil.which("git", path=path)
    if program is None:
        raise ToolError("git is not installed: a change is told against a commit")
    kept = {name: os.environ[name] for name in ("HOME", "USER", "XDG_CONFIG_HOME") if name in os.environ}
    settings = {"PATH": path, "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0"}
    try:
        return subprocess.run(
            [program, "-C", root, *SAFE, *arguments],
            stdin=subprocess.DEVNULL, capture_output=True, env={**kept, **settings}, timeout=DEADLINE, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ToolError(f"git: {error}") from error
