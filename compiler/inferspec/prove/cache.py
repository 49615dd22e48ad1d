"""Builds proven before, by the hash of all they read: outside the repository, safe to delete."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from ..files import replace_file
from ..kept import cache_directory

LIMIT = 50_000
"""Newest proofs kept, of builds and of objects: a fleet of a thousand clusters through a dozen changes."""


@dataclass(slots=True)
class Proofs:
    """Digests in the order they were proven. A cache that cannot be read or written costs time, nothing else."""

    path: Path
    held: dict[str, None] = field(default_factory=dict)
    fresh: bool = False

    @classmethod
    def load(cls) -> Proofs:
        path = cache_directory() / "proofs"
        try:
            return cls(path, dict.fromkeys(path.read_text(encoding="ascii").split()))
        except (OSError, UnicodeDecodeError):
            return cls(path)

    def __contains__(self, digest: str) -> bool:
        return digest in self.held

    def add(self, *digests: str) -> None:
        for digest in digests:
            self.held.pop(digest, None)
            self.held[digest] = None
            self.fresh = True

    def save(self) -> None:
        if not self.fresh:
            return
        with suppress(OSError):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            replace_file(self.path, ("\n".join(list(self.held)[-LIMIT:]) + "\n").encode("ascii"))
