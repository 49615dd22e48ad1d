"""The command line. Commands import what they need when they run: help and version answer at once."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from errno import ENOSPC
from importlib import import_module
from typing import Any, TextIO

USAGE, NO_INPUT, TOOL, STALE, INTERNAL, INTERRUPTED = 2, 3, 4, 5, 70, 130
"""Exit codes beside 0 (clean) and 1 (findings at or above the threshold)."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    options = None
    try:
        import gc

        from .parser import build

        os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # looking for plugins reads every installed package's metadata
        gc.set_threshold(200_000, 20, 100)  # a run ends soon and makes few cycles: looking for them took 5 % of its time
        sys.setswitchinterval(0.001)  # threads here start tools and wait for them: at 5 ms a switch, one took 0.7 s to start cue
        _streams()
        parser = build()
        try:
            options = parser.parse_args(arguments)
        except SystemExit as stop:
            sys.stdout.flush()
            return int(stop.code or 0)
        if options.command is None:
            parser.print_help(sys.stderr)
            return USAGE
        return _run(options)
    except KeyboardInterrupt:
        print("inferspec: interrupted; the tree is as it was, or the next run finishes it", file=sys.stderr)
        return INTERRUPTED
    except Exception as error:  # the last resort: whatever gets here is ours
        return _internal(error, bool(getattr(options, "traceback", False)))


def _streams() -> None:
    """What is printed is UTF-8 whatever the locale, and a stream that was closed is one that nobody reads."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 - as long as the process lives
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
        if stream is not None and stream is getattr(sys, f"__{name}__") and not stream.isatty():
            setattr(sys, name, _unbroken(stream, name == "stderr"))


def _unbroken(stream: TextIO, by_line: bool) -> TextIO:
    """The stream, and its reader may leave: the command goes on, and its exit code is its own."""
    import io

    class Pipe(io.FileIO):
        def write(self, data: Any) -> int:
            try:
                return super().write(data)
            except BrokenPipeError:
                return len(memoryview(data).cast("B"))

    raw = Pipe(stream.fileno(), "w", closefd=False)
    return io.TextIOWrapper(io.BufferedWriter(raw), encoding="utf-8", errors="backslashreplace", line_buffering=by_line)


def _run(options: object) -> int:
    from ..failures import ToolError, WriteError
    from ..tools.live import handle_signals
    from .stop import Stop

    handle_signals()
    try:
        code: int = import_module(f".{options.module}", __package__).run(options)  # type: ignore[attr-defined]
        sys.stdout.flush()
        return code
    except Stop as stop:
        print(f"inferspec: {stop}", file=sys.stderr)
        return stop.code
    except (WriteError, ToolError) as error:
        print(f"inferspec: {error}", file=sys.stderr)
        return TOOL
    except OSError as error:
        if error.errno != ENOSPC:
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        print("inferspec: no space left on the device", file=sys.stderr)
        return TOOL


def _internal(error: Exception, wanted: bool) -> int:
    from ..report.masking import clean

    wanted = wanted or os.environ.get("INFERSPEC_TRACEBACK", "") not in ("", "0")
    if wanted:
        import traceback

        traceback.print_exception(error)
    what = clean(f"{type(error).__name__}: {error}")[:300].rstrip(": ")
    print(f"inferspec: this is a bug of the compiler, not of your spec; nothing was written ({what})", file=sys.stderr)
    seen = "the traceback above" if wanted else "its traceback, which --traceback or INFERSPEC_TRACEBACK=1 shows"
    print(f"inferspec: please report it with {seen}", file=sys.stderr)
    return INTERNAL
