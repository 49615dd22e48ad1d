"""What a person sees of a publication: a line a file, and one every few seconds while nothing ends."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, field
from threading import Lock

EVERY = 5.0
"""Seconds between lines while large files are under way."""


@dataclass(slots=True)
class Progress:
    """Counts bytes that reached the bucket. ``quiet`` prints nothing."""

    files: int
    bytes: int
    quiet: bool = False
    done_files: int = 0
    done_bytes: int = 0
    started: float = field(default_factory=time.monotonic)
    _told: float = field(default_factory=time.monotonic)
    _lock: Lock = field(default_factory=Lock)

    def moved(self, count: int) -> None:
        """``count`` more bytes are in the bucket; fewer where an upload began anew."""
        with self._lock:
            self.done_bytes += count
            if time.monotonic() - self._told < EVERY:
                return
        self.say("…")

    def ended(self, name: str, size: int, what: str) -> None:
        """A file is in the bucket. Its bytes were told by ``moved``, or are told now where it was there already."""
        with self._lock:
            self.done_files += 1
        self.say(f"{name} {human(size)} {what}")

    def say(self, what: str) -> None:
        with self._lock:
            self._told = time.monotonic()
            rate = self.done_bytes / max(self._told - self.started, 1e-3)
            line = f"{what}: {self.done_files}/{self.files} files, {human(self.done_bytes)} of {human(self.bytes)}, {human(rate)}/s"
            if not self.quiet:
                print(line, file=sys.stderr, flush=True)


def human(size: float) -> str:
    """``51.1 GiB``; bytes below a KiB are whole."""
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if size < 1024 or unit == "TiB":
            return f"{size:.0f} B" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    raise AssertionError("unreachable")
