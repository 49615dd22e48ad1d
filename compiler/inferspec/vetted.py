"""What ``vet`` found before, kept by the hash of all that it reads: a hook over ten specs judges the one that changed.

Only ``vet`` answers from here: what is written is always judged anew. What is kept is JSON: reading it runs nothing.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import astuple
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

from .diagnostics import Diagnostic, Edit, Fix, Severity, Span, Waiver
from .kept import kept
from .load.lock import lock_path
from .load.read import display_name, read_source
from .outcome import Outcome, Request

PACKAGE = Path(__file__).parent
DEPENDS = ("pydantic", "pydantic_core", "yaml")


def vetted(request: Request) -> Outcome:
    """The findings and texts of ``vet``; of one that was made before where all it reads is the same.

    A file that is no sound text, or has gone or changed in between, is judged and not kept.
    """
    vetting = _Vetting(request)
    try:
        return vetting.outcome()
    except (ValueError, TypeError, LookupError):  # what was kept is cut or of another shape; a fault of our own comes again here
        return vetting.judged


class _Vetting:
    def __init__(self, request: Request) -> None:
        self.request = request

    def outcome(self) -> Outcome:
        own = self._texts(self._fixed())
        if own is None:
            return self.judged
        included = kept("includes", (*self._judge, *_flat(own)), self._included)
        if included is None:
            return self.judged
        read = self._texts([*self._fixed(), *(self.request.root / name for name in json.loads(included))])
        if read is None:
            return self.judged
        found = kept("verdicts", (*self._judge, *_flat(read)), lambda: self._found(read))
        if "judged" in self.__dict__ or found is None:
            return self.judged
        return Outcome(texts=read, diagnostics=restored(found))

    @cached_property
    def judged(self) -> Outcome:
        from .pipeline import vet

        return vet(self.request)

    @cached_property
    def _judge(self) -> tuple[bytes, ...]:
        """The day, and the program as its files stand."""
        return (self.request.today.isoformat().encode(), display_name(self.request.spec, self.request.root).encode(), _program())

    def _fixed(self) -> list[Path]:
        """The files of every vet; those that the spec includes come to them."""
        root, lock = self.request.root, lock_path(self.request.spec)
        own = sorted(path for path in (root / "catalog").rglob("*") if path.is_symlink() or not path.is_dir())
        policies = [*sorted((root / "policies").glob("*.cue")), root / "policies" / "waivers.yaml", lock]
        return [self.request.spec, *own, *(path for path in policies if path.exists() or path.is_symlink())]

    def _texts(self, paths: Iterable[Path]) -> dict[str, str] | None:
        """Name -> text, or None where one is not plain text of the repository."""
        texts = {}
        for path in paths:
            source, problems = read_source(path, self.request.root)
            if source.text is None or problems:
                return None
            texts[source.name] = source.text
        return texts

    def _included(self) -> bytes | None:
        document = self.judged.document
        if document is None or any(d.code.startswith("SYN") for d in self.judged.diagnostics):
            return None  # a file that could not be read may be there the next time
        return json.dumps([name for name in document.texts if name != document.file]).encode()

    def _found(self, read: dict[str, str]) -> bytes | None:
        judged = self.judged
        if judged.document is None or self._texts(self.request.root / name for name in read) != read:
            return None
        return plain(judged.diagnostics)


def _flat(texts: dict[str, str]) -> Iterator[bytes]:
    for name, text in texts.items():
        yield name.encode()
        yield text.encode()


def _program() -> bytes:
    """Digest of every file of the package by size and time of change, of the interpreter and of what it builds on."""
    total = hashlib.sha256(sys.version.encode())
    for name in DEPENDS:
        found = importlib.util.find_spec(name)
        total.update(_stamp(found.origin, Path(found.origin).stat()) if found and found.origin else b"")
    folders = [os.fspath(PACKAGE)]
    while folders:
        for entry in sorted(os.scandir(folders.pop()), key=lambda e: e.name):
            if entry.is_dir(follow_symlinks=False):
                folders += [] if entry.name == "__pycache__" else [entry.path]
            else:
                total.update(_stamp(entry.path, entry.stat()))
    return total.digest()


def _stamp(path: str, held: os.stat_result) -> bytes:
    return f"{path} {held.st_size} {held.st_mtime_ns}\n".encode()


# -- a finding as JSON ---------------------------------------------------------------------------------------------------------


def plain(found: Iterable[Diagnostic]) -> bytes:
    """``found`` as JSON."""
    return json.dumps([_row(d) for d in found]).encode()


def restored(text: bytes) -> list[Diagnostic]:
    """The inverse of ``plain``. Raises ValueError, TypeError or LookupError where the text is none of its."""
    return [_diagnostic(*row) for row in json.loads(text)]


def _row(d: Diagnostic) -> list[Any]:
    fix = d.fix and [d.fix.title, [astuple(edit) for edit in d.fix.edits]]
    waiver = d.waiver and [d.waiver.rule, d.waiver.at, d.waiver.reason, d.waiver.owner, d.waiver.expires.isoformat()]
    related = [astuple(span) for span in d.related]
    return [d.code, d.message, astuple(d.span), d.severity, d.path, related, d.notes, d.help, d.object, d.field, fix, waiver]


def _diagnostic(
    code: str,
    message: str,
    span: list[Any],
    severity: str,
    path: list[Any],
    related: list[list[Any]],
    notes: list[str],
    help: str,
    object: str,
    field: str,
    fix: list[Any] | None,
    waiver: list[Any] | None,
) -> Diagnostic:
    return Diagnostic(
        code,
        message,
        Span(*span),
        Severity(severity),
        tuple(path),
        tuple(Span(*s) for s in related),
        tuple(notes),
        help,
        object,
        field,
        Fix(fix[0], tuple(Edit(*edit) for edit in fix[1])) if fix else None,
        Waiver(waiver[0], tuple(waiver[1]), waiver[2], waiver[3], date.fromisoformat(waiver[4])) if waiver else None,
    )
