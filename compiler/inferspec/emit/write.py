"""From a tree of texts to files: exactly the files in the locks are ours, and nothing else is touched.

A file that somebody edited, or that is not ours, is refused unless forced; one refusal and nothing is written. Hashes
decide what is written, so a second run writes nothing.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Collection
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from ..failures import WriteError
from ..files import read_regular
from ..plan.objects import Identity
from .journal import Staging, Step, digest_of, exclusive, pending, roll_forward
from .locks import LARGEST, LOCK, DamagedLock, Inventory, Lock, inventory, parse_lock, removed_objects, shared_lock_path
from .tree import Tree

__all__ = ["Planned", "Refusal", "WriteError", "WriteResult", "read_inventory", "removed", "tree_inventory", "write_tree"]


class Refusal(NamedTuple):
    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class WriteResult:
    """What a run did, or with ``dry_run`` would do. Where ``refused`` is not empty, nothing was written."""

    created: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    refused: tuple[Refusal, ...] = ()

    @property
    def stale(self) -> bool:
        """Whether the files on disk are not those of the tree."""
        return bool(self.created or self.changed or self.deleted or self.refused)


def write_tree(tree: Tree | dict[str, str], root: Path, *, force: bool = False, dry_run: bool = False) -> WriteResult:
    """Make the files below ``root`` those of ``tree``, and delete what an earlier tree of the same platform left.

    Raises WriteError where the system refuses (disk full, read-only, another run). An interrupted run is finished first.
    """
    planned = Planned(tree, root, force=force)
    return planned.result if dry_run else planned.write()


class Planned:
    """A tree compared with the files below ``root``: what ``write`` would do, and then doing it."""

    def __init__(self, tree: Tree | dict[str, str], root: Path, *, force: bool = False) -> None:
        self._tree, self._root, self._force = tree, Path(os.path.realpath(root)), force
        self._interrupted = pending(self._root)
        self._compared = _Comparison(tree, self._root, force, self._interrupted)
        self._held = ExitStack()
        self._staging: Staging | None = None

    @property
    def result(self) -> WriteResult:
        return self._compared.result

    @property
    def _nothing(self) -> bool:
        return bool(self.result.refused) or not self._compared.steps

    def stage(self) -> None:
        """Begin to write beside the tree; then ``write`` takes little more, and ``drop`` must be called where it may not be."""
        if self._interrupted or self._nothing:
            return
        with suppress(WriteError):  # `write` meets the same, and says so
            folder = self._held.enter_context(exclusive(self._root))
            self._staging = Staging(self._root, folder, self._tree, self._compared.steps)

    def drop(self) -> None:
        """Leave nothing of what was staged and not written."""
        with self._held:
            if self._staging is not None:
                self._staging.drop()
                self._staging = None

    def write(self) -> WriteResult:
        """As ``write_tree``. Raises WriteError too where the files are no longer those that were compared: nobody judged what would go."""
        if not self._compared.current():
            raise WriteError("the tree on disk changed meanwhile; nothing was changed, run again")
        if not self._interrupted and self._nothing:
            return self.result
        if self._staging is not None:
            staged, self._staging = self._staging, None
            with self._held:
                staged.put()
            return self.result
        with exclusive(self._root) as folder:
            if self._interrupted:
                try:
                    roll_forward(self._root, folder, self._interrupted)
                except OSError as error:
                    raise WriteError(f"cannot finish an interrupted run: {error.strerror} ({error.filename})") from error
                self._compared = _Comparison(self._tree, self._root, self._force, [])
            if not self._nothing:
                Staging(self._root, folder, self._tree, self._compared.steps).put()
            return self.result


def removed(planned: WriteResult, tree: Tree, root: Path, platform: str) -> list[tuple[str, Identity]]:
    """(cluster, object) for all that Config Sync would prune after this write. Only locks that it touches are read."""
    shared = shared_lock_path(platform)
    touched = {path for path in (*planned.changed, *planned.deleted) if path.endswith(f"/{LOCK}")}
    if not touched:
        return []
    only = None if shared in touched else touched | {shared}
    return removed_objects(read_inventory(root, platform, only), tree_inventory(tree, only))


def read_inventory(root: Path, platform: str, only: Collection[str] | None = None) -> Inventory:
    """The objects that the locks on disk describe, or ``only`` some of them; damaged locks count for nothing."""
    return inventory(_read_locks(Path(os.path.realpath(root)), platform, only)[0])


def tree_inventory(tree: Tree | dict[str, str], only: Collection[str] | None = None) -> Inventory:
    """The objects that the tree's own locks describe."""
    locks = {path: text for path, text in tree.items() if path.endswith(f"/{LOCK}") and (only is None or path in only)}
    return inventory({path: parse_lock(text, path) for path, text in locks.items()})


def platforms(tree: Tree | dict[str, str]) -> list[str]:
    return [path.split("/")[1] for path in tree if path.startswith("overlays/") and path == shared_lock_path(path.split("/")[1])]


def _read_locks(root: Path, platform: str, only: Collection[str] | None = None) -> tuple[dict[str, Lock], dict[str, str]]:
    """Path -> lock, and path -> hash of the lock file; a damaged lock has a hash only."""
    locks, hashes = {}, {}
    found = [root / shared_lock_path(platform), *root.glob(f"clusters/{platform}/*/*/{LOCK}")]
    for file in found:
        path = file.relative_to(root).as_posix()
        if only is not None and path not in only:
            continue
        try:
            content = read_regular(file, LARGEST)
        except (OSError, ValueError):
            continue
        hashes[path] = sha256(content).hexdigest()
        try:
            locks[path] = parse_lock(content.decode(), path)
        except (DamagedLock, UnicodeDecodeError):
            continue
    return locks, hashes


def _state(file: str) -> tuple[int, ...] | None:
    try:
        found = os.lstat(file)
    except OSError:
        return None
    return found.st_mode, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


class _Comparison:
    """The tree against the disk: every file is new, changed, unchanged, stale or refused."""

    def __init__(self, tree: Tree | dict[str, str], root: Path, force: bool, interrupted: list[Step]) -> None:
        self.root = root
        self.force = force
        self.refused: list[Refusal] = []
        self._root = str(root)
        self._seen: dict[str, tuple[int, ...] | None] = {}
        self._directories: dict[str, str | None] = {}
        hashes = tree.hashes if isinstance(tree, Tree) else {path: sha256(text.encode()).hexdigest() for path, text in tree.items()}
        owned = self._owned(platforms(tree), interrupted)
        created, changed, unchanged, steps = [], [], [], []
        for path, new in hashes.items():
            old = self._on_disk(path)
            if old == new:
                unchanged.append(path)
                continue
            if old is None:
                created.append(path)
            elif self._may_replace(path, old, owned):
                changed.append(path)
            steps.append((path, old, new))
        deleted = [(path, old) for path in owned if path not in tree and (old := self._stale(path, owned)) is not None]
        self.steps = self._ordered(steps, deleted)
        refused = {refusal.path for refusal in self.refused}
        self.result = WriteResult(
            created=tuple([path for path in created if path not in refused]), changed=tuple(changed),
            deleted=tuple(sorted(path for path, _ in deleted)), unchanged=tuple(unchanged), refused=tuple(sorted(set(self.refused))),
        )

    def _owned(self, of: list[str], interrupted: list[Step]) -> dict[str, set[str | None]]:
        """Path -> the contents we wrote there: by the locks, and by a run that was interrupted."""
        owned: dict[str, set[str | None]] = {}
        for platform in of:
            locks, hashes = _read_locks(self.root, platform)
            for path, digest in hashes.items():
                owned.setdefault(path, set()).add(digest)
                if path not in locks and not self.force:
                    self.refused.append(Refusal(path, "is damaged; with --force it is rebuilt"))
            for lock in locks.values():
                for path, digest in lock.files.items():
                    owned.setdefault(path, set()).add(digest)
        for step in interrupted:
            owned.setdefault(step.path, set()).update((step.old, step.new))
        return owned

    def _on_disk(self, path: str) -> str | None:
        """The hash of the file at ``path``; what stands in its way is refused, whatever is forced."""
        self._seen[path] = None
        problem = self._obstacle(path.rpartition("/")[0])
        if problem or problem is None:
            if problem:
                self.refused.append(Refusal(path, problem))
            return None
        file = f"{self._root}/{path}"
        found = self._seen[path] = _state(file)
        if found is None:
            return None
        mode = found[0]
        if stat.S_ISLNK(mode):
            # Never followed: with force the link itself is replaced.
            if self.force:
                return "a symbolic link"
            self.refused.append(Refusal(path, "is a symbolic link"))
            return None
        if not stat.S_ISREG(mode):
            self.refused.append(Refusal(path, "is not a file"))
            return None
        try:
            return digest_of(file)
        except OSError as error:
            self.refused.append(Refusal(path, f"cannot be read: {error.strerror}"))
            return None

    def current(self) -> bool:
        """Whether every file that was looked at is still as it was, by the marks that a write leaves."""
        return all(_state(f"{self._root}/{path}") == seen for path, seen in self._seen.items())

    def _obstacle(self, directory: str) -> str | None:
        """What is wrong with a directory of the tree: "" for nothing, None if it does not exist yet."""
        if directory not in self._directories:
            above, _, _ = directory.rpartition("/")
            problem = self._obstacle(above) if above else ""
            self._directories[directory] = problem if problem or problem is None else self._directory(directory)
        return self._directories[directory]

    def _directory(self, directory: str) -> str | None:
        place = f"{self._root}/{directory}"
        try:
            mode = os.lstat(place).st_mode
        except OSError:
            return None
        if stat.S_ISDIR(mode):
            return ""
        if stat.S_ISLNK(mode) and not Path(os.path.realpath(place)).is_relative_to(self.root):
            return f"{directory} is a symbolic link out of the repository"
        if not Path(place).is_dir():
            return f"{directory} is not a directory"
        return ""

    def _may_replace(self, path: str, old: str, owned: dict[str, set[str | None]]) -> bool:
        if self.force or old in owned.get(path, ()):
            return True
        reason = "was edited by hand; move the change to the spec, or use --force" if path in owned else "was not made by inferspec"
        self.refused.append(Refusal(path, reason))
        return False

    def _stale(self, path: str, owned: dict[str, set[str | None]]) -> str | None:
        """The hash of a file that is no longer made and is still ours to delete."""
        old = self._on_disk(path)
        if old is None or not self._may_replace(path, old, owned):
            return None
        return old

    def _ordered(self, steps: list[tuple[str, str | None, str]], deleted: list[tuple[str, str]]) -> list[Step]:
        """Files, then deletions, then locks: a lock never owns what does not stand yet."""
        puts = [Step(path, old, new, f"{number:06d}") for number, (path, old, new) in enumerate(steps)]
        removals = [Step(path, old) for path, old in deleted]
        files = [step for step in (*puts, *removals) if not step.path.endswith(f"/{LOCK}")]
        return files + [step for step in (*puts, *removals) if step.path.endswith(f"/{LOCK}")]
