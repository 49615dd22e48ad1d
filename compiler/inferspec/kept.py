"""Answers worth keeping between runs, by the hash of all that they follow from: outside the repository, safe to delete.

What is kept costs time when it is lost, and nothing else: a cache that cannot be read or written is no error.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

LIMIT = 400
"""Newest answers of one kind that are kept."""


def cache_directory() -> Path:
    """``$XDG_CACHE_HOME/inferspec``, or ``~/.cache/inferspec``."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base and Path(base).is_absolute() else Path.home() / ".cache") / "inferspec"


def kept(kind: str, follows_from: Iterable[bytes], ask: Callable[[], bytes | None]) -> bytes | None:
    """What ``ask`` answers, from the last time it was asked with the same ``follows_from``. None is an answer that is not kept."""
    total = hashlib.sha256()
    for part in follows_from:
        total.update(len(part).to_bytes(8, "big") + part)
    path = cache_directory() / kind / total.hexdigest()
    try:
        return path.read_bytes()
    except OSError:
        pass
    answer = ask()
    if answer is not None:
        _keep(path, answer)
    return answer


def _keep(path: Path, answer: bytes) -> None:
    scratch = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch.write_bytes(answer)
        scratch.replace(path)
        held = sorted(path.parent.iterdir(), key=lambda p: p.stat().st_mtime)
        for old in held[:-LIMIT]:
            old.unlink(missing_ok=True)
    except OSError:
        with suppress(OSError):
            scratch.unlink(missing_ok=True)
