"""Run a tool of the package: clean environment, no shell, a deadline, a cap on what it may say and on its memory."""

from __future__ import annotations

import contextlib
import os
import re
import selectors
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from inferspec.failures import ToolError
from inferspec.tools import live
from inferspec.tools.pinned import find

if TYPE_CHECKING:
    from inferspec.tools.feed import Feed

CHUNK = 1 << 16
GO = {"GOGC": "400"}
"""Environment of a Go program that ends soon: less garbage collection, a fifth less CPU for a few megabytes more."""


MEMORY = 4 << 30
"""Bytes of a tool. The largest builds take a tenth of it; a policy that doubles a text takes any amount."""


class ToolLimit(ToolError):
    """A tool ran past its deadline, its output cap or its memory and was ended. What it read may be to blame: a policy can loop."""


_NO_MEMORY = re.compile(rb"^fatal error: .*(?:out of memory|cannot allocate memory)", re.MULTILINE)
"""What the runtime of Go says last."""


@dataclass(frozen=True, slots=True)
class Completed:
    """What a tool left: exit status (negative: the signal that ended it) and its output, whole."""

    rc: int
    stdout: bytes
    stderr: bytes


def run(
    name: str,
    args: Sequence[str | Path],
    *,
    stdin: bytes | Feed = b"",
    told: Callable[[bytes], None] | None = None,
    cwd: Path | None = None,
    deadline: float = 60.0,
    cap: int = 64 << 20,
    memory: int = MEMORY,
    env: Mapping[str, str] | None = None,
) -> Completed:
    """Run a tool of the package and wait for it. ``told`` gets what it says on standard output as it comes, instead of the result.

    `deadline` is in seconds, `cap` in bytes of standard output and error together, `memory` in bytes. The environment holds
    nothing of ours but `env`: no PATH to find other programs on, a HOME that is empty and goes away. The tool gets a process
    group of its own, which is killed whole at a limit, or when the compiler is told to end (`live`). Raises ToolError when the
    tool is not there or does not start, ToolLimit at a limit.
    """
    import tempfile

    with contextlib.ExitStack() as held:
        if not isinstance(stdin, bytes):
            stdin.take()
            held.callback(os.close, stdin.reader)  # the tool has its own end: when it is gone, writing into the pipe fails
        path = find(name)
        home = held.enter_context(tempfile.TemporaryDirectory(prefix="inferspec-"))
        clean = {"PATH": home, "HOME": home, "TMPDIR": home, "LC_ALL": "C", **(env or {})}
        try:
            process = subprocess.Popen(
                [path, *(os.fspath(arg) for arg in args)],
                stdin=subprocess.PIPE if isinstance(stdin, bytes) else stdin.reader,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=cwd if cwd is not None else home,
                env=clean,
                start_new_session=True,
            )
        except OSError as problem:
            raise ToolError(f"{name} does not start: {problem}") from problem
        try:
            live.began(process, deadline, memory)
            if not isinstance(stdin, bytes):
                stdin.read_by(process)
            given = stdin if isinstance(stdin, bytes) else b""
            stdout, stderr = _exchange(process, name, given, told, time.monotonic() + deadline, deadline, cap)
            if process.returncode and _NO_MEMORY.search(stderr[:CHUNK]):
                raise ToolLimit(f"{name} wanted more than {memory >> 20:,} MiB of memory and was ended")
            return Completed(process.wait(), stdout, stderr)
        finally:
            _end(process)


def _exchange(
    process: subprocess.Popen[bytes],
    name: str,
    stdin: bytes,
    told: Callable[[bytes], None] | None,
    end: float,
    deadline: float,
    cap: int,
) -> tuple[bytes, bytes]:
    """Feed and drain the tool until both its outputs close and it has ended."""
    assert process.stdout and process.stderr
    said: dict[IO[bytes], list[bytes]] = {process.stdout: [], process.stderr: []}
    total, rest = 0, memoryview(stdin)
    with selectors.DefaultSelector() as selector:
        for pipe in said:
            selector.register(pipe, selectors.EVENT_READ)
        if process.stdin:
            os.set_blocking(process.stdin.fileno(), False)
            selector.register(process.stdin, selectors.EVENT_WRITE)
        while selector.get_map():
            ready = selector.select(max(0.0, end - time.monotonic()))
            if time.monotonic() >= end:
                raise ToolLimit(f"{name} did not finish within {deadline:g} s and was ended")
            for key, _ in ready:
                if process.stdin and key.fileobj is process.stdin:
                    rest = _feed(process.stdin, rest)
                    if not rest:
                        selector.unregister(process.stdin)
                        with contextlib.suppress(BrokenPipeError):
                            process.stdin.close()
                    continue
                data = os.read(key.fd, CHUNK)
                if not data:
                    selector.unregister(key.fileobj)
                    continue
                heard = told is not None and key.fileobj is process.stdout
                total = len(data) - data.rfind(b"\n") - 1 if heard and b"\n" in data else total + len(data)  # what is not told yet
                if total > cap:
                    raise ToolLimit(f"{name} wrote more than {cap:,} bytes and was ended")
                if heard:
                    told(data)  # type: ignore[misc]
                else:
                    said[key.fileobj].append(data)  # type: ignore[index]
    try:
        process.wait(max(0.0, end - time.monotonic()))
    except subprocess.TimeoutExpired:
        raise ToolLimit(f"{name} did not finish within {deadline:g} s and was ended") from None
    return b"".join(said[process.stdout]), b"".join(said[process.stderr])


def _feed(pipe: IO[bytes], rest: memoryview) -> memoryview:
    """Write what fits; nothing is left when the tool has stopped reading, which is its right."""
    try:
        return rest[os.write(pipe.fileno(), rest[:CHUNK]) :]
    except BlockingIOError:
        return rest
    except BrokenPipeError:
        return rest[len(rest) :]


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill the whole group if the tool is still there, close the pipes, leave no zombie."""
    if process.poll() is None:
        live.end(process)
        process.wait()
    live.over(process)
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe:
            with contextlib.suppress(BrokenPipeError):
                pipe.close()
