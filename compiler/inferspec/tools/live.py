"""The tools that run now, and their end: by their own limits, and with the compiler that started them."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from types import FrameType

from inferspec.failures import ToolError


class _State:
    processes: set[subprocess.Popen[bytes]] = set()
    ending = False
    held = False
    waiting: int | None = None


def handle_signals() -> None:
    """Before the first tool, where this is the main thread: SIGINT, SIGTERM and SIGHUP end the tools, and then the compiler.

    Without this a thread that waits for a tool keeps an interrupted compiler alive until the tool's deadline, and the
    tools of a terminated one go on without it.
    """
    _State.ending = False
    if threading.current_thread() is not threading.main_thread():
        return
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup
            signal.signal(number, _end_all)


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """A signal that comes now is obeyed at the end: for what takes a moment and must not be left half done."""
    _State.held, _State.waiting = True, None
    try:
        yield
    finally:
        _State.held = False
        if _State.waiting is not None:
            _end_all(_State.waiting, None)


def _end_all(number: int, frame: FrameType | None) -> None:
    if _State.held:
        _State.waiting = number
        return
    _State.ending = True  # first: a tool that is started meanwhile sees it, or is seen here
    for process in list(_State.processes):
        end(process)
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    raise SystemExit(128 + number)


def began(process: subprocess.Popen[bytes], seconds: float, memory: int) -> None:
    """A tool was started. Raises ToolError where all are being ended."""
    _State.processes.add(process)
    if _State.ending:
        raise ToolError("interrupted")
    _bound(process.pid, seconds, memory)


def over(process: subprocess.Popen[bytes]) -> None:
    """A tool was waited for."""
    _State.processes.discard(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """Kill the whole group of a tool that is still there; it is not waited for."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def _bound(pid: int, seconds: float, memory: int) -> None:
    """Memory, and processor time for the case that nobody is left to keep the deadline. Linux alone can set them from outside.

    Memory is what a tool may write to (RLIMIT_DATA): programs in Go reserve far more addresses than they use, so
    RLIMIT_AS would have to be too high to protect anything.
    """
    import resource

    if hasattr(resource, "prlimit"):
        most = int(seconds + 1) * (os.cpu_count() or 1)
        with contextlib.suppress(ProcessLookupError, PermissionError, ValueError):  # it has ended, or has lower limits already
            resource.prlimit(pid, resource.RLIMIT_DATA, (memory, memory))
            resource.prlimit(pid, resource.RLIMIT_CPU, (most, most))
