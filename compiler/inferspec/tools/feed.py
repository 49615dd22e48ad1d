"""Standard input of a tool, written while the tool reads it."""

from __future__ import annotations

import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Lock

from inferspec.failures import ToolError
from inferspec.tools import live


class Feed:
    """A pipe with a thread that writes into it, so that nobody waits for the tool. Ended by ``close``, whatever happens."""

    def __init__(self) -> None:
        self.reader, self._writer = os.pipe()
        self._pool = ThreadPoolExecutor(1)
        self._lock = Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._dropped = self._closed = self._taken = False

    def write(self, data: bytes) -> None:
        self._pool.submit(self._put, memoryview(data))

    def take(self) -> None:
        """``reader`` is now another's to close. Raises ToolError where nothing more is to be read."""
        with self._lock:
            if self._dropped:
                raise ToolError("interrupted")
            self._taken = True

    def read_by(self, process: subprocess.Popen[bytes]) -> None:
        with self._lock:
            self._process = process
            if self._dropped:
                live.end(process)

    def close(self, *, drop: bool = False) -> None:
        """Nothing more comes; with ``drop`` neither does what the tool has not read yet, and the tool is ended."""
        if drop:
            self._drop()
        if not self._closed:
            self._closed = True
            self._pool.submit(os.close, self._writer)
            self._pool.shutdown(wait=False)

    def _drop(self) -> None:
        with self._lock:
            if not self._dropped and not self._taken:
                os.close(self.reader)
            self._dropped = True
            if self._process is not None:
                live.end(self._process)

    def _put(self, rest: memoryview) -> None:
        with suppress(BrokenPipeError):  # nobody reads any more, which is the tool's right
            while rest and not self._dropped:
                rest = rest[os.write(self._writer, rest) :]
