"""``https://…``: one file, or a tar archive of several, pinned by its sha256."""

from __future__ import annotations

import hashlib
import shutil
import tarfile
from pathlib import Path
from threading import Event, Lock
from urllib.parse import urlsplit

from ..download import download
from ..errors import INCOMPLETE, Interrupted, Refusal
from ..files import SourceFile
from . import Order, connected

ARCHIVES = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
_READ = 1 << 20


class Web:
    """What one URL has. It is loaded once, whole, because nothing but the sha256 of the whole says that it is right."""

    def __init__(self, order: Order, stop: Event) -> None:
        self.name, self.revision = order.source, order.sha256
        self._order, self._stop = order, stop
        self._file = Path(urlsplit(order.source).path).name or "download"
        self._local = order.scratch / f"source-{order.sha256}"
        self._reading = Lock()

    def files(self) -> list[SourceFile]:
        """Raises Refusal where the content is another, or the archive holds links or devices."""
        local = self._loaded()
        if not self._file.endswith(ARCHIVES):
            return [SourceFile(self._file, local.stat().st_size, self.revision)]
        try:
            return self._members(local)
        except (tarfile.TarError, EOFError) as fault:
            raise Refusal(INCOMPLETE, f"{self._file} is no tar archive: {fault}") from None

    def _members(self, local: Path) -> list[SourceFile]:
        found = []
        with tarfile.open(local) as archive:
            for member in archive:
                if self._stop.is_set():
                    raise Interrupted
                if member.isdir():
                    continue
                data = archive.extractfile(member) if member.isreg() else None
                if data is None:
                    raise Refusal(INCOMPLETE, f"{self._file} holds {member.name}, which is no plain file")
                found.append(SourceFile(_inside(member.name), member.size, hashlib.file_digest(data, "sha256").hexdigest()))  # type: ignore[arg-type]
        return found

    def _loaded(self) -> Path:
        """The content, checked; a run before this one may have left it, or a part of it."""
        for again in (True, False):
            download(connected(), self._order.source, self._local, None, self._order.patience, self._stop)
            with self._local.open("rb") as data:
                found = hashlib.file_digest(data, "sha256").hexdigest()
            if found == self.revision:
                return self._local
            self._local.unlink()
            if not again:
                raise Refusal(INCOMPLETE, f"{self.name} has sha256 {found}, not {self.revision}")
        raise AssertionError("unreachable")

    def fetch(self, file: SourceFile, to: Path) -> None:
        to.parent.mkdir(parents=True, exist_ok=True)
        if not self._file.endswith(ARCHIVES):
            shutil.copyfile(self._local, to)
            return
        with self._reading, tarfile.open(self._local) as archive:
            member = next(m for m in archive if m.isreg() and _inside(m.name) == file.name)
            data = archive.extractfile(member)
            assert data is not None, "a plain file has content"
            with to.open("wb") as copy:
                shutil.copyfileobj(data, copy, _READ)

    def space(self) -> int:
        return self._local.stat().st_size if self._local.exists() else 0

    def release(self) -> None:
        self._local.unlink(missing_ok=True)


def _inside(name: str) -> str:
    return name.removeprefix("./")
