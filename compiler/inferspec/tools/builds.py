"""Build directories as ``kustomize build`` does, many in one process, and tell which objects are the expected ones."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import NamedTuple

from inferspec.failures import ToolError
from inferspec.tools.feed import Feed
from inferspec.tools.runner import GO, run

_ENV = {**GO, "GOMAXPROCS": "1"}
"""A build uses one core, and the collector none beside it: a quarter less CPU."""

_AHEAD = 2
"""Builds that a process has been given: the one it is at, and the next."""


class Built(NamedTuple):
    """One directory.

    `equal` are places in the list of the expected objects: those that were built as they stand there, of values that every
    reader of YAML takes alike. `rest` is what ``kustomize build`` prints of all others. `error` says why there is no build.
    """

    directory: str
    error: str
    equal: frozenset[int]
    rest: bytes


def file_line(path: str, text: str) -> bytes:
    """A file that builds may read."""
    return json.dumps({"path": path, "text": text}).encode() + b"\n"


def build_line(directory: str, objects: Iterable[str]) -> bytes:
    """A directory to build, and the objects that it must give, as JSON."""
    return f'{{"build":{json.dumps(directory)},"objects":[{",".join(objects)}]}}\n'.encode()


def build(
    files: Iterable[bytes], following: Callable[[], bytes | None], told: Callable[[Built], None], *, sentinel: str, deadline: float
) -> None:
    """Build what ``following`` gives until that is None, ``told`` of each in that order, in one process.

    `files` are lines that all builds may read, `following` gives a ``build_line`` after the lines of its own files.
    `sentinel` is a text that must stand in no object, `deadline` is in seconds. Raises ToolError, ToolLimit at a limit.
    """
    feed, part = Feed(), bytearray()

    def give() -> None:
        line = following()
        feed.close() if line is None else feed.write(line)

    def take(said: bytes) -> None:
        *lines, rest = (part + said).split(b"\n")
        part[:] = rest
        for line in lines:
            give()
            answer = json.loads(line)
            told(Built(answer["build"], answer.get("error", ""), frozenset(answer["equal"]), answer["rest"].encode()))

    try:
        feed.write(b"".join(files))
        for _ in range(_AHEAD):
            give()
        done = run("kustomize", ["prove", f"--sentinel={sentinel}"], stdin=feed, told=take, deadline=deadline, env=_ENV)
    finally:
        feed.close(drop=True)
    if done.rc:
        raise ToolError(f"kustomize failed: {done.stderr.decode(errors='replace').strip()[-2000:] or f'exit status {done.rc}'}")
