"""All or nothing for many files: stage, write a journal, rename, and finish on the next run what was interrupted.

Before the journal exists the old tree stands; once it exists the new tree will stand. Staged files wait in one folder at
the root of the repository, not beside their targets: a crash then leaves nothing in a directory that Config Sync reads.
"""

from __future__ import annotations

import hmac
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from hashlib import sha256
from io import FileIO
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from ..failures import WriteError
from ..files import read_regular
from ..kept import own_key

try:
    import fcntl
except ImportError:  # pragma: no cover - Windows, where two runs at once are not told apart
    fcntl = None  # type: ignore[assignment]

FOLDER = ".inferspec-write"
_JOURNAL = "journal.json"
_LARGEST = 64_000_000
"""Bytes of a journal."""
_TOPS = ("overlays", "clusters")

# fsync costs 0.4 ms a file (2.1 s for 6,000), one sync of everything 0.26 s. Killed processes need neither; a power cut
# before the journal is on disk must not find a journal whose files are not.
_FSYNC_AT_MOST = 100


class Step(NamedTuple):
    """One file to put (``staged`` and ``new`` set) or to delete. ``old`` is the hash it had, or None if there was none."""

    path: str
    old: str | None
    new: str | None = None
    staged: str | None = None


def digest_of(path: Path | str) -> str | None:
    """SHA-256 of a regular file; None if there is nothing."""
    try:
        with open(path, "rb") as file:
            return sha256(file.read()).hexdigest()
    except (FileNotFoundError, NotADirectoryError):
        return None


def leaves_root(root: Path, path: str) -> bool:
    """Whether ``path`` is not below ``root`` once symbolic links are followed, whatever of it exists."""
    pure = PurePosixPath(path)
    if pure.is_absolute() or ".." in pure.parts or pure.parts[0] not in _TOPS:
        return True
    return not Path(os.path.realpath(root / pure.parent)).is_relative_to(root)


@contextmanager
def exclusive(root: Path) -> Iterator[Path]:
    """The staging folder, held by this process alone, empty unless our own journal is in it; removed afterwards unless one still is."""
    folder = root / FOLDER
    try:
        root.mkdir(parents=True, exist_ok=True)
        if folder.is_symlink():
            raise WriteError(f"{folder} is a symbolic link; remove it")
        folder.mkdir(exist_ok=True)
        held = os.open(folder, os.O_RDONLY)
    except WriteError:
        raise
    except OSError as error:
        raise WriteError(f"cannot write to {root}: {error.strerror}; nothing was changed") from error
    try:
        if fcntl is not None:
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise WriteError(f"another run is writing to {root}; nothing was changed") from error
        if not pending(root):  # what a repository brings there is not followed, and nothing is staged beside it
            _empty(folder)
        try:
            yield folder
        finally:
            if not (folder / _JOURNAL).exists():
                shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(held)


def pending(root: Path) -> list[Step]:
    """The steps of a run of this user that was interrupted after its journal stood; empty if there is none.

    The folder is in the repository, and a commit may bring one: a journal counts by its signature alone.
    """
    if (root / FOLDER).is_symlink():
        return []
    try:
        told, _, steps = read_regular(root / FOLDER / _JOURNAL, _LARGEST).partition(b"\n")
        if not hmac.compare_digest(told, _signature(root, steps)):
            return []
        return [Step(*step) for step in json.loads(steps)]
    except (OSError, ValueError, TypeError, RecursionError):
        return []


def _signature(root: Path, steps: bytes) -> bytes:
    return hmac.new(own_key(), str(root).encode("utf-8", "surrogateescape") + b"\0" + steps, "sha256").hexdigest().encode()


def _empty(folder: Path) -> None:
    for entry in list(os.scandir(folder)):
        if entry.is_dir(follow_symlinks=False):
            shutil.rmtree(entry.path)
        else:
            os.unlink(entry.path)  # noqa: PTH108


class Staging:
    """Files on their way into the tree: written beside it by a thread while other work goes on, until ``put`` or ``drop``."""

    def __init__(self, root: Path, folder: Path, texts: Mapping[str, str], steps: list[Step]) -> None:
        self._root, self._folder, self._steps = root, folder, steps
        self._made: list[str] = []
        pool = ThreadPoolExecutor(1)
        self._work = pool.submit(_stage, folder, steps, texts)
        pool.shutdown(wait=False)

    def put(self) -> None:
        """Do the steps in their order. Raises WriteError; then the old tree stands, or the next run finishes the new one."""
        folder = self._folder
        try:
            self._work.result()
            _make_directories(self._root, self._steps, self._made)
            journal = folder / f"{_JOURNAL}.new"
            listed = json.dumps(self._steps).encode()
            with journal.open("xb") as opened:
                opened.write(_signature(self._root, listed) + b"\n" + listed)
            _flush([str(journal)])
            journal.replace(folder / _JOURNAL)
        except BaseException as error:
            self.drop()
            if isinstance(error, OSError):
                raise WriteError(f"cannot write the tree: {error.strerror or error} ({error.filename}); nothing was changed") from error
            raise
        try:
            for step in self._steps:
                _do(self._root, folder, step)
            (folder / _JOURNAL).unlink()
        except OSError as error:
            problem = f"{error.strerror or error} ({error.filename2 or error.filename})"
            raise WriteError(f"stopped while writing the tree: {problem}; the next run finishes it") from error

    def drop(self) -> None:
        """Leave nothing of it."""
        wait([self._work])
        _clean(self._folder, self._made)


def _stage(folder: Path, steps: list[Step], texts: Mapping[str, str]) -> None:
    with (folder / ".gitignore").open("x") as ignored:
        ignored.write("*\n")
    staged = []
    for step in steps:
        if step.staged is not None:
            staged.append(f"{folder}/{step.staged}")
            with open(staged[-1], "xb", buffering=0) as opened:
                _write(opened, texts[step.path].encode())
    _flush(staged)


def roll_forward(root: Path, folder: Path, steps: list[Step]) -> None:
    """Finish an interrupted run: what is done stays, and so does what somebody edited since. Nothing outside the tree is written."""
    for step in steps:
        target = root / step.path
        if leaves_root(root, step.path) or target.is_symlink() or digest_of(target) not in (step.old, step.new):
            continue
        if step.staged is None:
            _do(root, folder, step)
        elif step.staged.isalnum() and not (folder / step.staged).is_symlink() and digest_of(folder / step.staged) == step.new:
            target.parent.mkdir(parents=True, exist_ok=True)
            _do(root, folder, step)
    _empty(folder)


def _do(root: Path, folder: Path, step: Step) -> None:
    if step.staged is not None:
        # Not Path: for thousands of files its objects cost as much as the calls.
        os.replace(f"{folder}/{step.staged}", f"{root}/{step.path}")  # noqa: PTH105
        return
    target = root / step.path
    target.unlink(missing_ok=True)
    _prune(root, target.parent)


def _write(file: FileIO, content: bytes) -> None:
    while content:
        content = content[file.write(content):]


def _make_directories(root: Path, steps: list[Step], made: list[str]) -> None:
    """Before the journal, so that a full disk is met while there is still a way back. ``made`` is told each one."""
    present = {""}

    def make(directory: str) -> None:
        if directory in present:
            return
        make(directory.rpartition("/")[0])
        with suppress(FileExistsError):
            os.mkdir(f"{root}/{directory}")  # noqa: PTH102
            made.append(f"{root}/{directory}")
        present.add(directory)

    for step in steps:
        if step.staged is not None:
            make(step.path.rpartition("/")[0])


def _flush(paths: list[str]) -> None:
    if len(paths) > _FSYNC_AT_MOST and hasattr(os, "sync"):
        os.sync()
        return
    for path in paths:
        handle = os.open(path, os.O_RDWR)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _clean(folder: Path, made: list[str]) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    for directory in reversed(made):
        with suppress(OSError):
            Path(directory).rmdir()


def _prune(root: Path, directory: Path) -> None:
    """Remove directories that a deletion left empty; those with anything else in them stay."""
    with suppress(OSError):
        while directory != root:
            directory.rmdir()
            directory = directory.parent
