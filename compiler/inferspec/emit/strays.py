"""Files in the directories that Config Sync reads as they stand, which no spec makes."""

from __future__ import annotations

import os
from collections.abc import Container, Iterator
from pathlib import Path

PARSED = (".yaml", ".yml", ".json")
"""Config Sync applies what it finds in files of these endings, at any depth."""


def strays(root: Path, platform: str, known: Container[str]) -> list[str]:
    """Paths below ``clusters/<platform>/<region>/<cluster>/sync/`` that are not ``known``, those of clusters that are not there too.

    A link counts by itself: where it leads is nobody's.
    """
    top = f"clusters/{platform}"
    synced = [f"{place}/sync" for region in _folders(root, top) for place in _folders(root, region)]
    return sorted(path for directory in synced for path in _files(root, directory) if path not in known)


def _folders(root: Path, directory: str) -> Iterator[str]:
    for entry in _entries(root, directory):
        if entry.is_dir():
            yield f"{directory}/{entry.name}"


def _files(root: Path, directory: str) -> Iterator[str]:
    for entry in _entries(root, directory):
        path = f"{directory}/{entry.name}"
        if entry.is_dir(follow_symlinks=False):
            yield from _files(root, path)
        elif entry.is_symlink() or entry.name.endswith(PARSED):
            yield path


def _entries(root: Path, directory: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(root / directory) as found:
            return list(found)
    except OSError:
        return []
