"""Standard input of a tool, written while the tool reads it."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor


class Feed:
    """A pipe with a thread that writes into it, so that nobody waits for the tool. Ended by ``close``, whatever happens."""

    def __init__(self) -> None:
        self.reader, self._writer = os.pipe()
        self._pool = ThreadPoolExecutor(1)
        self._dropped = self._closed = False

    def write(self, data: bytes) -> None:
        self._pool.submit(self._put, memoryview(data))

    def close(self, *, drop: bool = False) -> None:
        """Nothing more comes; with ``drop`` neither does what the tool has not read yet."""
        self._dropped |= drop
        if not self._closed:
            self._closed = True
            self._pool.submit(os.close, self._writer)
            self._pool.shutdown(wait=False)

    def _put(self, rest: memoryview) -> None:
        try:
            while rest and not self._dropped:
                rest = rest[os.write(self._writer, rest) :]
        except BrokenPipeError:  # the tool has stopped reading, which is its right
            self._dropped = True
