"""Publish a model: claim the prefix, bring every file, prove every object, then write the manifest."""

from __future__ import annotations

import hashlib
import queue
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

from . import tensors
from .bucket import Prefix, Stored
from .errors import INCOMPLETE, Interrupted, Refusal
from .files import SourceFile, Sums, chosen, sums
from .manifest import CLAIM, MANIFEST, Manifest, Published, claim_text, read_manifest
from .progress import Progress
from .sources import Source
from .space import Space, space
from .upload import CHUNK, Taken, Upload
from .verify import faults

IDENTITY, CRC32C, SHA256 = "inferspec-identity", "inferspec-crc32c", "inferspec-sha256"
"""Metadata of an object: which content of the source it was made from. Only an object that has it is trusted without its file."""
TRIES = 3
"""How often an object that another writer changes under us is looked at again."""
GRACE = 5.0
"""Seconds that files in flight have to end after a stop."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which files of the source."""

    include: Sequence[str] = ()
    exclude: Sequence[str] = ()
    all_formats: bool = False

    @property
    def usual(self) -> bool:
        return not (self.include or self.exclude or self.all_formats)


@dataclass(frozen=True, slots=True)
class Means:
    """What a publication may use: threads, bytes of scratch (None: what is free), bytes a request."""

    scratch: Path
    workers: int = 4
    limit: int | None = None
    chunk: int = CHUNK
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class Summary:
    manifest: Manifest
    uploaded: int
    there: int
    """Files that were in the bucket already."""


@dataclass(slots=True)
class Publication:
    source: Source
    prefix: Prefix
    selection: Selection
    means: Means
    stop: Event
    _fault: BaseException | None = None
    _uploaded: int = 0
    _published: dict[str, Published] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self) -> Summary:
        """Raises Refusal, Interrupted; nothing is published then, unless it was before."""
        self.means.scratch.mkdir(parents=True, exist_ok=True)
        stored = self.prefix.objects()
        if MANIFEST in stored and self.selection.usual:
            there = self._manifest()
            if (there.source, there.revision) == (self.source.name, self.source.revision):
                return self._complete(there, stored)
        files = chosen(self.source.files(), self.selection.include, self.selection.exclude, self.selection.all_formats)
        if MANIFEST in stored:
            there = self._manifest()
            self._same(there, files)
            return self._complete(there, stored)
        self._claim(files)
        progress = Progress(len(files), sum(file.bytes for file in files), self.means.quiet)
        room = space(self.means.scratch, self.means.limit, self.source.space(), max(file.bytes for file in files), self.stop)
        indexes = [file for file in files if file.name.endswith(tensors.INDEX)]
        names = {file.name for file in files}
        self._bring(indexes, stored, room, progress)
        for index in indexes:
            if lost := tensors.missing_shards(index.name, self.prefix.read(index.name), names):
                raise Refusal(INCOMPLETE, lost)
        self._bring([file for file in files if file not in indexes], stored, room, progress)
        return self._finished()

    # -- what is there already -----------------------------------------------------------------------------------------

    def _manifest(self) -> Manifest:
        return read_manifest(self.prefix.read(MANIFEST), str(self.prefix))

    def _same(self, there: Manifest, files: list[SourceFile]) -> None:
        """A prefix is written once: what is asked for has to be in it. Raises Refusal."""
        if there.revision != self.source.revision or there.source.lower() != self.source.name.lower():
            raise Refusal(
                INCOMPLETE, f"{self.prefix} holds {there.source} at {there.revision}; nothing is overwritten: publish to another prefix"
            )
        for file in files:
            held = there.files.get(file.name)
            other = held and (held.bytes != file.bytes or (held.sha256 and file.sha256 and held.sha256 != file.sha256))
            if held is None or other:
                what = "other content of" if held else "no"
                raise Refusal(
                    INCOMPLETE, f"{self.prefix} is complete and has {what} {file.name}; nothing is overwritten: publish to another prefix"
                )

    def _complete(self, there: Manifest, stored: dict[str, Stored]) -> Summary:
        if wrong := faults(there, stored):
            raise Refusal(INCOMPLETE, f"{self.prefix} has a manifest and is damaged: {'; '.join(wrong[:3])}; publish to another prefix")
        return Summary(there, 0, len(there.files))

    def _claim(self, files: list[SourceFile]) -> None:
        """Writers of the same content may work side by side; one of other content stops here. Raises Refusal."""
        text = claim_text(self.source.name, self.source.revision, files)
        if self.prefix.create(CLAIM, text):
            return
        if self.prefix.read(CLAIM) != text.encode():
            raise Refusal(
                INCOMPLETE,
                f"{self.prefix} is being filled with other content, or was and is not complete: see {CLAIM} there; publish to another "
                "prefix, or delete that object once no other writer runs",
            )

    # -- bringing files ------------------------------------------------------------------------------------------------

    def _bring(self, files: list[SourceFile], stored: dict[str, Stored], room: Space, progress: Progress) -> None:
        """All files, large ones first. The threads are daemons: one that hangs in a read does not keep a stopped process alive."""
        waiting: queue.SimpleQueue[SourceFile] = queue.SimpleQueue()
        for file in sorted(files, key=lambda f: (-f.bytes, f.name)):
            waiting.put(file)

        def work() -> None:
            while self._fault is None and not self.stop.is_set():
                try:
                    file = waiting.get_nowait()
                except queue.Empty:
                    return
                try:
                    self._file(file, stored.get(file.name), room, progress)
                except BaseException as fault:  # handed to the caller's thread
                    with self._lock:
                        self._fault = self._fault or fault
                    return

        threads = [threading.Thread(target=work, daemon=True) for _ in range(min(self.means.workers, len(files)))]
        for thread in threads:
            thread.start()
        for thread in threads:
            while thread.is_alive() and not self.stop.is_set():
                thread.join(0.1)
        if self.stop.is_set():
            for thread in threads:
                thread.join(GRACE / len(threads))
            raise Interrupted
        if self._fault is not None:
            raise self._fault

    def _file(self, file: SourceFile, there: Stored | None, room: Space, progress: Progress) -> None:
        if there is not None and trusted(file, there):
            self._stands(file, Published(there.bytes, there.crc32c, there.metadata[SHA256]))
            progress.moved(file.bytes)
            progress.ended(file.name, file.bytes, "is there")
            return
        label = hashlib.sha256(f"{self.prefix}/{file.name}\0{file.identity}".encode()).hexdigest()[:32]
        part = self.means.scratch / f"{label}.part"
        with room.held(file.bytes):
            have = self._fetched(file, part)
            what = "uploaded" if self._put(file, part, have, there, progress) else "was there"
            part.unlink()
        self._stands(file, Published(have.bytes, have.crc32c, have.sha256))
        progress.ended(file.name, file.bytes, what)

    def _stands(self, file: SourceFile, published: Published) -> None:
        with self._lock:
            self._published[file.name] = published

    def _fetched(self, file: SourceFile, part: Path) -> Sums:
        """The file on disk, as the source says it is. What an earlier run left may be wrong: it is loaded once more."""
        for again in (True, False):
            self.source.fetch(file, part)
            have = sums(part, self.stop)
            wrong = have.differs_from(file) or (tensors.file_fault(part) if file.name.endswith(".safetensors") else "")
            if not wrong:
                return have
            part.unlink()
            if not again:
                raise Refusal(INCOMPLETE, f"{file.name} of {self.source.name}: {wrong}")
        raise AssertionError("unreachable")

    def _put(self, file: SourceFile, part: Path, have: Sums, there: Stored | None, progress: Progress) -> bool:
        """The file into the bucket; False where another writer, or an earlier one, has put the same there."""
        said = {IDENTITY: file.identity, CRC32C: have.crc32c, SHA256: have.sha256}
        for _ in range(TRIES):
            if there is not None and (there.bytes, there.crc32c) == (have.bytes, have.crc32c):
                progress.moved(file.bytes)
                return False
            if there is not None and self.prefix.object(MANIFEST) is not None:
                raise Refusal(
                    INCOMPLETE, f"{self.prefix} was completed by another writer, with another {file.name}; nothing is overwritten"
                )
            replaces = there.generation if there is not None else 0
            upload = Upload(
                self.prefix, file.name, part, have, said, replaces, part.with_suffix(".session"), self.means.chunk, progress.moved
            )
            try:
                upload.run()
            except Taken:
                progress.moved(-upload.kept)
                there = self.prefix.object(file.name)
            else:
                with self._lock:
                    self._uploaded += 1
                return True
        held = f"{there.bytes:,} bytes, CRC32C {there.crc32c}" if there is not None else "gone"
        sent = f"{have.bytes:,} bytes, CRC32C {have.crc32c}"
        raise Refusal(INCOMPLETE, f"{self.prefix}/{file.name} is {held} after {TRIES} uploads of {sent}: does another writer change it?")

    # -- the end -------------------------------------------------------------------------------------------------------

    def _finished(self) -> Summary:
        """Every object as the server tells it now, then the manifest: whoever reads it finds all of them."""
        made = Manifest(self.source.name, self.source.revision, self._published)
        if wrong := faults(made, self.prefix.objects()):
            raise Refusal(INCOMPLETE, f"{self.prefix} changed while it was filled: {'; '.join(wrong[:3])}; run again")
        if not self.prefix.create(MANIFEST, made.text()) and self._manifest().text() != made.text():
            raise Refusal(INCOMPLETE, f"{self.prefix} was completed by another writer with other content; nothing is overwritten")
        self.source.release()
        return Summary(made, self._uploaded, len(made.files) - self._uploaded)


def trusted(file: SourceFile, there: Stored) -> bool:
    """Whether an object holds the file, by what was written with it and by what the server says it has."""
    said = there.metadata
    return there.bytes == file.bytes and said.get(IDENTITY) == file.identity and said.get(CRC32C) == there.crc32c and SHA256 in said
