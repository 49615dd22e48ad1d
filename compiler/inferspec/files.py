"""Files that are put in place whole, and small ones that are read: never by a way that somebody else laid."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path


def replace_file(path: Path, content: bytes, mode: int | None = None) -> None:
    """Put ``content`` at ``path`` in one step. Raises OSError.

    The new file is one that was not there before: a link that stands beside ``path`` is not followed. ``mode`` is that of the
    file that is replaced, or what the process gives new files.
    """
    import tempfile

    if mode is None:
        try:
            mode = stat.S_IMODE(path.lstat().st_mode) if not path.is_symlink() else _usual()
        except OSError:
            mode = _usual()
    handle, scratch = tempfile.mkstemp(prefix=".inferspec-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(scratch).chmod(mode)
        Path(scratch).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(scratch).unlink()
        raise


def _usual() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


def read_regular(path: Path | str, limit: int) -> bytes:
    """At most ``limit`` bytes of a regular file that is no link. Raises OSError for anything else, and ValueError for a longer one."""
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0))
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(f"{path} is not a regular file")
        content = file.read(limit + 1)
    if len(content) > limit:
        raise ValueError(f"{path} has more than {limit} bytes")
    return content
