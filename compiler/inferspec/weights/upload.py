"""One file into a bucket by the resumable protocol, continued where an earlier attempt or run ended.

The official client makes a session for another process, but cannot take one over; the protocol is small and documented (Cloud Storage,
"Perform resumable uploads"). Chunks go in order, a condition on the generation decides who wins, and the server compares the CRC32C
before the object exists.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from .bucket import TIMEOUT, Prefix, Stored
from .errors import ENVIRONMENT, Interrupted, Refusal
from .files import Sums
from .patience import Transient, persist, requested

QUANTUM = 256 << 10
"""Bytes; every chunk but the last is a multiple of this, and so is what the server keeps of it."""
CHUNK = 32 << 20


class Taken(Exception):
    """The object is there already, is another than the one to replace, or is not what was sent: look at it again."""


class Begin(Exception):
    """The session is gone, or has something else than was sent: start anew."""


@dataclass(slots=True)
class Upload:
    """A file on its way. ``replaces`` is the generation of the object to overwrite, 0 for none; ``session`` remembers the upload."""

    prefix: Prefix
    name: str
    path: Path
    sums: Sums
    metadata: Mapping[str, str]
    replaces: int
    session: Path
    chunk: int = CHUNK
    moved: Callable[[int], None] = lambda count: None
    kept: int = 0
    known: bool = False
    """Whether the server has to be asked what it has: not of a new session, of which we know."""

    def run(self) -> Stored:
        """The object as the server tells it, equal to the file. Raises Taken, Refusal, Interrupted."""
        for again in (True, False):
            try:
                url = self._remembered() or self._started()
                found = persist(lambda url=url: self._sent(url), self.prefix.patience, self.prefix.stop, lambda: self.kept)  # type: ignore[misc]
                self.session.unlink(missing_ok=True)
                return found
            except Begin as reason:
                self.session.unlink(missing_ok=True)
                self.moved(-self.kept)
                self.kept = 0
                if not again:
                    raise Refusal(ENVIRONMENT, f"{self.prefix}/{self.name}: {reason}, twice") from None
            except Taken:
                self.session.unlink(missing_ok=True)
                raise
        raise AssertionError("unreachable")

    # -- the session ---------------------------------------------------------------------------------------------------

    def _signature(self) -> dict[str, Any]:
        return {"object": f"{self.prefix}/{self.name}", "crc32c": self.sums.crc32c, "bytes": self.sums.bytes, "replaces": self.replaces}

    def _remembered(self) -> str:
        try:
            said = json.loads(self.session.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return ""
        self.known = False
        return str(said["url"]) if said == {**self._signature(), "url": said.get("url")} else ""

    def _started(self) -> str:
        query = f"uploadType=resumable&ifGenerationMatch={self.replaces}&name={quote(self.prefix.key(self.name), safe='')}"
        url = f"{self.prefix.endpoint}/upload/storage/v1/b/{self.prefix.bucket}/o?{query}"
        body = {"name": self.prefix.key(self.name), "crc32c": self.sums.crc32c, "metadata": dict(self.metadata)}
        headers = {"X-Upload-Content-Type": "application/octet-stream", "X-Upload-Content-Length": str(self.sums.bytes)}

        def start() -> str:
            answer = requested(lambda: self.prefix.session.post(url, json=body, headers=headers, timeout=TIMEOUT))
            if answer.status_code == 412:
                raise Taken
            if answer.status_code not in (200, 201) or "Location" not in answer.headers:
                raise self.prefix.refused(answer.status_code)
            return str(answer.headers["Location"])

        found = persist(start, self.prefix.patience, self.prefix.stop)
        self.session.parent.mkdir(parents=True, exist_ok=True)
        self.session.write_text(json.dumps({**self._signature(), "url": found}), encoding="utf-8")
        self.known = True
        return found

    # -- the bytes -----------------------------------------------------------------------------------------------------

    def _sent(self, url: str) -> Stored:
        """From what the server has to the end."""
        total = self.sums.bytes
        answer = None if self.known and total else self._put(url, b"", f"bytes */{total}")
        self.known = False
        with self.path.open("rb") as file:
            while answer is None or answer.status_code == 308:
                offset = 0 if answer is None else self._offset(answer)
                self.moved(offset - self.kept)
                self.kept = offset
                if self.prefix.stop.is_set():
                    raise Interrupted
                file.seek(offset)
                piece = file.read(max(QUANTUM, self.chunk // QUANTUM * QUANTUM))
                if not piece:
                    raise Begin("the server has all bytes and no object")
                answer = self._put(url, piece, f"bytes {offset}-{offset + len(piece) - 1}/{total}")
        return self._finished(answer)

    def _put(self, url: str, piece: bytes, span: str) -> Any:
        headers = {"Content-Range": span, "Content-Length": str(len(piece))}
        return requested(lambda: self.prefix.session.put(url, data=piece, headers=headers, timeout=TIMEOUT, allow_redirects=False))

    def _offset(self, answer: Any) -> int:
        """Bytes the server has. Raises Begin where that cannot be."""
        told = answer.headers.get("Range", "")
        try:
            offset = int(told.rpartition("-")[2]) + 1 if told else 0
        except ValueError:
            raise Begin(f"the server says it has {told!r}") from None
        if offset > self.sums.bytes or (offset % QUANTUM and offset != self.sums.bytes) or offset < self.kept:
            raise Begin(f"the server says it has {offset:,} bytes of {self.sums.bytes:,}")
        return offset

    def _finished(self, answer: Any) -> Stored:
        if answer.status_code == 412:
            raise Taken
        if answer.status_code in (400, 404, 410, 499):
            raise Begin(f"the session ended with {answer.status_code}")
        if answer.status_code not in (200, 201):
            raise self.prefix.refused(answer.status_code)
        found = self.prefix.object(self.name)
        if found is None:
            raise Transient(f"{self.prefix}/{self.name} was written and is not there")
        if (found.bytes, found.crc32c) != (self.sums.bytes, self.sums.crc32c):
            # A server that takes what it should refuse, or another writer in between: what is there decides.
            raise Taken
        self.moved(self.sums.bytes - self.kept)
        self.kept = self.sums.bytes
        return found
