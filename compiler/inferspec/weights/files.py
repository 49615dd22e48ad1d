"""Files of a model: what a source says of them, what they are checked by, which are left out."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from threading import Event

from .errors import INCOMPLETE, USAGE, Interrupted, Refusal
from .manifest import CLAIM, MANIFEST

ALWAYS_OUT = (".git*", "*/.git*")
DUPLICATE_FOLDERS = ("original/*", "metal/*")
"""Copies of the same weights for other programs: openai/gpt-oss-20b has 41.3 GB of which 13.8 GB are served."""
DUPLICATE_FORMATS = ("*.bin", "*.pt", "*.pth", "*.h5", "*.msgpack", "*.onnx", "*.gguf", "*.tflite", "*.ot", "*.mlmodel")
"""Left out where safetensors stand beside them."""
_READ = 1 << 20


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file as its source tells it; ``sha256`` and ``git_id`` (the id of a git blob) are hexadecimal, or None where not told."""

    name: str
    bytes: int
    sha256: str | None = None
    git_id: str | None = None

    @property
    def identity(self) -> str:
        """What two equal files of the source have in common."""
        if self.sha256:
            return f"sha256:{self.sha256}"
        return f"git:{self.git_id}" if self.git_id else f"bytes:{self.bytes}"


@dataclass(frozen=True, slots=True)
class Sums:
    """Of a file on disk: ``crc32c`` in base64, as Cloud Storage writes it, the others hexadecimal."""

    bytes: int
    crc32c: str
    sha256: str
    git_id: str

    def differs_from(self, told: SourceFile) -> str:
        """What is not as the source says; empty where nothing is."""
        if self.bytes != told.bytes:
            return f"{self.bytes:,} bytes, the source says {told.bytes:,}"
        if told.sha256 and self.sha256 != told.sha256:
            return f"sha256 {self.sha256[:12]}…, the source says {told.sha256[:12]}…"
        if told.git_id and not told.sha256 and self.git_id != told.git_id:
            return f"git id {self.git_id[:12]}…, the source says {told.git_id[:12]}…"
        return ""


def sums(path: Path, stop: Event) -> Sums:
    """Read the file once for all of its sums. Raises Interrupted."""
    import google_crc32c

    size = path.stat().st_size
    crc, sha256 = google_crc32c.Checksum(), hashlib.sha256()
    git = hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
    with path.open("rb") as data:
        while piece := data.read(_READ):
            if stop.is_set():
                raise Interrupted
            crc.update(piece)
            sha256.update(piece)
            git.update(piece)
    return Sums(size, base64.b64encode(crc.digest()).decode(), sha256.hexdigest(), git.hexdigest())


def chosen(files: Iterable[SourceFile], include: Sequence[str], exclude: Sequence[str], all_formats: bool) -> list[SourceFile]:
    """The files to publish, by name. ``include`` narrows, ``exclude`` takes away, ``all_formats`` keeps duplicates.

    A pattern's ``*`` crosses folders. Raises Refusal where nothing is left or names cannot stand in one folder.
    """
    found = sorted(files, key=lambda file: file.name)
    kept = [f for f in found if not _any(f.name, ALWAYS_OUT) and (not include or _any(f.name, include)) and not _any(f.name, exclude)]
    served = [f for f in kept if not _any(f.name, DUPLICATE_FOLDERS)]
    if not all_formats and any(f.name.endswith(".safetensors") for f in served):
        kept = [f for f in served if not _any(f.name, DUPLICATE_FORMATS)]
    if not kept:
        raise Refusal(USAGE, f"no file of the source's {len(found)} is left by the patterns")
    _distinct(kept)
    return kept


def _any(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _distinct(files: list[SourceFile]) -> None:
    """File names stay as they are, because engines open them by name; what only case tells apart is refused."""
    lowered: dict[str, str] = {}
    for file in files:
        parts = file.name.split("/")
        if any(part in ("", ".", "..") for part in parts) or not file.name.isprintable() or "\\" in file.name:
            raise Refusal(INCOMPLETE, f"the source has a file of the name {file.name!r}, which no folder can hold")
        if file.name in (MANIFEST, CLAIM):
            raise Refusal(INCOMPLETE, f"the source has a file {file.name}, which is our own name")
        other = lowered.setdefault(file.name.lower(), file.name)
        if other != file.name:
            raise Refusal(INCOMPLETE, f"{other} and {file.name} differ in case alone: leave one out with --exclude")
