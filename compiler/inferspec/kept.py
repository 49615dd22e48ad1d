"""Answers worth keeping between runs, by the hash of all that they follow from: outside the repository, safe to delete.

What is kept costs time when it is lost, and nothing else: a cache that cannot be read or written is no error.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from .files import read_regular, replace_file

_FORM = b"2"
"""Of the files: another program may share the folder."""
_KEY_BYTES = 32
_FALLBACK = os.urandom(_KEY_BYTES)

LIMIT = 400
"""Newest answers of one kind that are kept."""


def cache_directory() -> Path:
    """``$XDG_CACHE_HOME/inferspec``, or ``~/.cache/inferspec``."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base and Path(base).is_absolute() else Path.home() / ".cache") / "inferspec"


def kept(kind: str, follows_from: Iterable[bytes], ask: Callable[[], bytes | None]) -> bytes | None:
    """What ``ask`` answers, from the last time it was asked with the same ``follows_from``. None is an answer that is not kept."""
    total = hashlib.sha256(_FORM)
    for part in follows_from:
        total.update(len(part).to_bytes(8, "big") + part)
    path = cache_directory() / kind / total.hexdigest()
    try:
        told, _, answer = path.read_bytes().partition(b"\n")
        if told == hashlib.sha256(answer).hexdigest().encode():
            return answer
    except OSError:
        pass
    found = ask()
    if found is not None:
        _keep(path, hashlib.sha256(found).hexdigest().encode() + b"\n" + found)
    return found


def _keep(path: Path, answer: bytes) -> None:
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, answer)
        held = sorted(path.parent.iterdir(), key=lambda p: p.stat().st_mtime)
        for old in held[:-LIMIT]:
            old.unlink(missing_ok=True)


def own_key() -> bytes:
    """A secret of this user on this machine: what is signed by it was made here. Without a cache it lives as long as the process."""
    path = cache_directory() / "key"
    for _ in range(2):
        with suppress(OSError, ValueError):
            found = read_regular(path, _KEY_BYTES)
            if len(found) == _KEY_BYTES:
                return found
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            replace_file(path, os.urandom(_KEY_BYTES), 0o600)
    return _FALLBACK
