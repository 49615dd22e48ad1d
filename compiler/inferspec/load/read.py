"""Files of the repository to text, and text that a reviewer sees as it is.

The spec comes from a pull request: nothing outside the repository is read, nothing that blocks is opened, and characters
that show otherwise than they act are refused.
"""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from ..diagnostics import Diagnostic, Severity, Span
from .limits import MAX_BYTES

_ALLOWED_ASCII = bytes(range(0x20, 0x7F)) + b"\t\n"
# C0, DEL, C1 (with U+0085), line and paragraph separators, byte order mark, surrogates, bidi controls ("Trojan Source",
# CVE-2021-42574), zero-width and invisible operators, tag characters, the noncharacters that YAML excludes, and two of private
# use that mark holes of templates (plan/scalars.py).
FORBIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff"
    "\ud800-\udfff\ue000\ue001\U000e0000-\U000e0fff]|\r(?!\n)"
)
_STAND_IN = "\ufffd"
_SHOWN = 20
_CONFLICT = re.compile(r"^(?:<{7}|>{7})(?: .*)?\r?$", re.MULTILINE)
_NAMES = {
    "\0": "NUL",
    "\r": "a carriage return without a line feed",
    "\x1b": "an escape character",
    "\x85": "a next-line character",
    "\u2028": "a line separator",
    "\u2029": "a paragraph separator",
    "\ufeff": "a byte order mark inside the file",
}


@dataclass(frozen=True, slots=True)
class Source:
    """``text`` is None where the file is no text at all; ``sound`` is False where characters had to be replaced."""

    name: str
    text: str | None
    sound: bool = True


def display_name(path: Path, root: Path) -> str:
    """``path`` relative to ``root`` in posix form, as it stands (symlinks not followed); the path as given if it is not below."""
    relative = Path(os.path.relpath(path, root))
    return path.as_posix() if relative.parts[:1] == ("..",) else relative.as_posix()


def read_source(path: Path, root: Path, *, cite: Span | None = None) -> tuple[Source, list[Diagnostic]]:
    """The text of ``path``, which must be a regular file below ``root`` once symlinks are followed.

    ``cite`` is the line that names the file, if a file does: problems with the file itself are shown there.
    """
    name = display_name(path, root)
    data, problem = _read(path, root)
    if data is None:
        at = cite or Span(name, 1, 1)
        code, message, help = problem
        return Source(name, None), [Diagnostic(code, f"{name}: {message}", at, help=help)]
    return decode(data, name)


def _read(path: Path, root: Path) -> tuple[bytes | None, tuple[str, str, str]]:
    try:
        real, top = os.path.realpath(path, strict=True), os.path.realpath(root, strict=True)
        if os.path.commonpath([real, top]) != top:
            return None, ("SYN002", "leads outside the repository", "keep the file inside it; symlinks may not leave it")
        kind = Path(real).stat().st_mode
        if not stat.S_ISREG(kind):
            return None, ("SYN001", f"is {_kind(kind)}, not a file", "name a regular file")
        # Non-blocking, and looked at again once open: the path may have become a FIFO in between.
        handle = os.open(real, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
        with os.fdopen(handle, "rb") as file:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                return None, ("SYN001", "is not a regular file", "name a regular file")
            data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "is not a usable path"
        return None, ("SYN001", f"cannot be read: {reason.lower()}", "check the path and its permissions")
    if len(data) > MAX_BYTES:
        return None, ("SYN003", f"is larger than {MAX_BYTES // 1_000_000} MB", "split it: a spec may include a file for each team")
    return data, ("", "", "")


def _kind(mode: int) -> str:
    kinds = ((stat.S_ISDIR, "a directory"), (stat.S_ISFIFO, "a named pipe"), (stat.S_ISSOCK, "a socket"))
    return next((name for test, name in kinds if test(mode)), "a device")


def decode(data: bytes | str, name: str) -> tuple[Source, list[Diagnostic]]:
    """UTF-8 text, with a problem for every character or line that no spec may hold."""
    if isinstance(data, str):
        data = data.encode("utf-8", "surrogatepass")
    if len(data) > MAX_BYTES:
        return Source(name, None), [Diagnostic("SYN003", f"{name}: is larger than {MAX_BYTES // 1_000_000} MB", Span(name, 1, 1))]
    if refused := _not_text(data, name):
        return Source(name, None), [refused]
    found: list[Diagnostic] = []
    if data.startswith(b"\xef\xbb\xbf"):
        data = data[3:]
        message = "the file starts with a byte order mark, which is ignored"
        found.append(Diagnostic("SYN008", message, Span(name, 1, 1), Severity.INFO, help="inferspec fmt removes it"))
    if data.isascii() and not data.translate(None, _ALLOWED_ASCII):
        text = data.decode("ascii")
        unsound: list[Diagnostic] = []
    else:
        text, unsound = _decode_slowly(data, name)
    unsound += _conflicts(text, name)
    return Source(name, text, sound=not unsound), found + unsound


def _not_text(data: bytes, name: str) -> Diagnostic | None:
    at = Span(name, 1, 1)
    if data.startswith(b"version https://git-lfs.github.com/spec/"):
        help = "run: git lfs pull; better, keep specs out of LFS"
        return Diagnostic("SYN007", "this is a Git LFS pointer, not the file itself", at, help=help)
    if data.startswith(b"\0GITCRYPT\0"):
        help = "run: git-crypt unlock; specs hold no secrets and need no encryption"
        return Diagnostic("SYN007", "this file is encrypted by git-crypt", at, help=help)
    if data.startswith((b"\xff\xfe", b"\xfe\xff", b"\0\0\xfe\xff")):
        return Diagnostic("SYN004", "the file is UTF-16 or UTF-32", at, help="save it as UTF-8")
    if data.count(0) * 4 > len(data):
        return Diagnostic("SYN004", "the file is UTF-16 or binary: it is full of NUL bytes", at, help="save it as UTF-8")
    return None


def _decode_slowly(data: bytes, name: str) -> tuple[str, list[Diagnostic]]:
    found: list[Diagnostic] = []
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        text = data.decode("utf-8", "replace")
        before = data[: error.start].decode("utf-8", "replace")
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        message = f"byte 0x{data[error.start]:02x} is not UTF-8"
        found.append(Diagnostic("SYN004", message, Span(name, line, column, column + 1), help="save the file as UTF-8"))
    for match in islice(FORBIDDEN.finditer(text), _SHOWN):
        line, column = text.count("\n", 0, match.start()) + 1, match.start() - text.rfind("\n", 0, match.start())
        found.append(_forbidden(match[0], Span(name, line, column, column + 1)))
    text, replaced = FORBIDDEN.subn(_STAND_IN, text)
    if replaced > _SHOWN:
        found[-1] = replace(found[-1], notes=(f"{replaced - _SHOWN:,} more in this file",))
    return text, found


def _forbidden(char: str, at: Span) -> Diagnostic:
    what = _NAMES.get(char) or ("a control character" if char < "\xa0" else "an invisible character")
    return Diagnostic("SYN005", f"U+{ord(char):04X} is {what}", at, help="delete it: it makes text look other than it is")


def _conflicts(text: str, name: str) -> list[Diagnostic]:
    if "<<<<<<<" not in text and ">>>>>>>" not in text:
        return []
    found = []
    for match in islice(_CONFLICT.finditer(text), _SHOWN):
        line = text.count("\n", 0, match.start()) + 1
        help = "choose a side and delete the marker lines"
        found.append(Diagnostic("SYN006", "a merge conflict was left in the file", Span(name, line, 1, 8), help=help))
    return found
