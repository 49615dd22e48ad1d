"""The files of a commit, by git: the one program that is not in the package, because it is the user's own repository."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import threading
from pathlib import Path

from ..failures import ToolError

SAFE = ("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "protocol.allow=never")
"""Nothing of the repository's settings starts a program."""
GENERATED = ("overlays/", "clusters/")
READ = (".yaml", ".yml", ".json", ".cue")
"""Names of what a platform is read from: specs, their locks, policies, waivers, a team's catalogue."""
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
    """What a platform is read from as a commit has it, below ``target``, byte by byte. Raises ToolError.

    Blobs, by their hashes: attributes of the commit or of the user neither leave out nor filter any of them.
    """
    files, links = _listed(root, ref)
    size = sum(size for _, _, size in (*files, *links))
    if size > MOST_BYTES:
        raise ToolError(f"the specs, policies and catalogue of {ref[:12]} are larger than {MOST_BYTES >> 20} MiB")
    held = _blobs(root, [(hash, size) for _, hash, size in (*files, *links)])
    try:
        for path, hash, _ in files:
            place = target / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(held[hash])
        _link(target, {path: held[hash] for path, hash, _ in links})
    except (OSError, ValueError) as error:
        raise ToolError(f"the files of {ref[:12]} cannot be written: {error}") from error


_Entry = tuple[str, str, int]
"""Path, hash, bytes."""


def _listed(root: Path, ref: str) -> tuple[list[_Entry], list[_Entry]]:
    """Files and links of the commit, below the folder that git is asked in."""
    files: list[_Entry] = []
    links: list[_Entry] = []
    said = _asked(root, "ls-tree", "-r", "-l", "-z", ref)
    for entry in said.split(b"\0")[:-1]:
        facts, _, name = entry.partition(b"\t")
        mode, kind, hash, size = facts.decode("ascii").split()
        path = os.fsdecode(name)
        if kind != "blob" or path.startswith(GENERATED) or any(step in ("", ".", "..") for step in path.split("/")):
            continue
        if mode == "120000":
            links.append((path, hash, int(size)))
        elif path.endswith(READ):
            files.append((path, hash, int(size)))
    return files, links


def _blobs(root: Path, wanted: list[tuple[str, int]]) -> dict[str, bytes]:
    """The contents of blobs by their hashes, in one process."""
    names = "".join(f"{hash}\n" for hash, _ in wanted).encode("ascii")
    said = _asked(root, "cat-file", "--batch", stdin=names, most=MOST_BYTES + 128 * (len(wanted) + 1))
    held: dict[str, bytes] = {}
    at = 0
    for hash, size in wanted:
        start = said.find(b"\n", at) + 1
        if said[at:start] != f"{hash} blob {size}\n".encode("ascii"):
            raise ToolError(f"git cat-file does not give {hash[:12]}")
        held[hash], at = said[start : start + size], start + size + 1
    return held


def _link(target: Path, links: dict[str, bytes]) -> None:
    """Links last, so that nothing is written through one, and none that leads out of ``target``."""
    for path, leads_to in links.items():
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        (target / path).symlink_to(os.fsdecode(leads_to))
    top = os.path.realpath(target)
    for path in links:
        if not Path(os.path.realpath(target / path)).is_relative_to(top):
            (target / path).unlink()


def _asked(root: Path, *arguments: str, stdin: bytes = b"", most: int = MOST_BYTES) -> bytes:
    done = _git(root, *arguments, stdin=stdin, most=most)
    if done.returncode:
        raise ToolError(f"git {arguments[0]}: {done.stderr.decode('utf-8', 'replace').strip()[-500:]}")
    return done.stdout


def _git(root: Path, *arguments: str, stdin: bytes = b"", most: int = 1 << 20) -> subprocess.CompletedProcess[bytes]:
    """What git says, of which no more than ``most`` bytes are read."""
    # Only where PATH has whole paths: "." would run a program of the repository.
    path = os.pathsep.join(folder for folder in os.get_exec_path() if Path(folder).is_absolute())
    program = shutil.which("git", path=path)
    if program is None:
        raise ToolError("git is not installed: a change is told against a commit")
    kept = {name: os.environ[name] for name in ("HOME", "USER", "XDG_CONFIG_HOME") if name in os.environ}
    settings = {
        "PATH": path, "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", "GIT_NO_REPLACE_OBJECTS": "1",
    }  # fmt: skip
    try:
        with tempfile.TemporaryFile() as asked, tempfile.TemporaryFile() as wrong:
            asked.write(stdin)
            asked.seek(0)
            process = subprocess.Popen(
                [program, "-C", root, *SAFE, *arguments], stdin=asked, stdout=subprocess.PIPE, stderr=wrong, env={**kept, **settings}
            )
            late = threading.Timer(DEADLINE, process.kill)
            late.start()
            try:
                said = process.stdout.read(most + 1) if process.stdout is not None else b""
            finally:
                if process.stdout is not None:
                    process.stdout.close()  # whoever has more to say ends by it
                code = process.wait()
                late.cancel()
            if len(said) > most:
                raise ToolError(f"git {arguments[0]} says more than {most:,} bytes")
            wrong.seek(0)
            return subprocess.CompletedProcess(arguments, code, said, wrong.read(1 << 16))
    except OSError as error:
        raise ToolError(f"git: {error}") from error
