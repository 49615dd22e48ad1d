"""Bytes of scratch that files in flight may take together."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Condition, Event

from .errors import ENVIRONMENT, Interrupted, Refusal
from .progress import human

MARGIN = 0.95
"""Of what is free: the file system's own needs."""


class Space:
    """``limit`` in bytes. A file waits until there is room for it."""

    def __init__(self, limit: int, stop: Event) -> None:
        self.limit, self.used, self._stop, self._freed = limit, 0, stop, Condition()

    @contextmanager
    def held(self, size: int) -> Iterator[None]:
        """Room for ``size`` bytes. Raises Interrupted while it waits."""
        with self._freed:
            while self.used + size > self.limit:
                if self._stop.is_set():
                    raise Interrupted
                self._freed.wait(0.2)
            self.used += size
        try:
            yield
        finally:
            with self._freed:
                self.used -= size
                self._freed.notify_all()


def space(scratch: Path, limit: int | None, taken: int, largest: int, stop: Event) -> Space:
    """``taken`` bytes are in use by the source; the ``largest`` file must fit. Raises Refusal with the arithmetic."""
    left = sum(path.stat().st_size for path in scratch.rglob("*.part"))
    free = int(shutil.disk_usage(scratch).free * MARGIN) + left
    room = min(free, free if limit is None else limit - taken)
    if largest > room:
        has = f"{human(free)} free" if limit is None else f"{human(min(limit, free))} allowed"
        needs = f"the largest file has {human(largest)}" + (f", the source itself {human(taken)}" if taken else "")
        raise Refusal(ENVIRONMENT, f"{scratch} is too small: {has}, {needs}")
    return Space(room, stop)
