"""The command line. Commands import what they need when they run: help and version answer at once."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module

USAGE, NO_INPUT, TOOL, STALE, INTERNAL, INTERRUPTED = 2, 3, 4, 5, 70, 130
"""Exit codes beside 0 (clean) and 1 (findings at or above the threshold)."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    from .parser import build

    parser = build()
    try:
        options = parser.parse_args(arguments)
    except SystemExit as stop:
        return int(stop.code or 0)
    if options.command is None:
        parser.print_help(sys.stderr)
        return USAGE
    try:
        return _run(options)
    except KeyboardInterrupt:
        print("inferspec: interrupted; the tree is as it was", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:  # the last resort: whatever gets here is ours
        return _internal(error)


def _run(options: object) -> int:
    from ..emit.journal import WriteError
    from ..tools.pinned import ToolError
    from .stop import Stop

    try:
        return import_module(f".{options.module}", __package__).run(options)  # type: ignore[attr-defined]
    except Stop as stop:
        print(f"inferspec: {stop}", file=sys.stderr)
        return stop.code
    except WriteError as error:
        print(f"inferspec: {error}", file=sys.stderr)
        return TOOL
    except ToolError as error:
        print(f"inferspec: {error}", file=sys.stderr)
        return TOOL


def _internal(error: Exception) -> int:
    import traceback

    traceback.print_exception(error)
    print("inferspec: this is a bug of the compiler, not of your spec; nothing was written", file=sys.stderr)
    return INTERNAL
