"""``inferspec fmt``"""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path

from ..files import replace_file
from ..fmt import Unformattable, format_text
from ..report import Report, render
from . import NO_INPUT, STALE
from .stop import Stop


def run(options: Namespace) -> int:
    """All files are formatted before any is written."""
    changed: dict[Path, str] = {}
    for name in options.files:
        path = Path(name)
        try:
            before = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            raise Stop(NO_INPUT, f"there is no {name}") from None
        except OSError as error:
            raise Stop(NO_INPUT, f"{name} cannot be read: {(error.strerror or 'no reason given').lower()}") from None
        except UnicodeDecodeError:
            raise Stop(NO_INPUT, f"{name} is not UTF-8") from None
        try:
            after = format_text(before, name)
        except Unformattable as refused:
            render("text", Report(refused.diagnostics, {name: before}), sys.stdout)
            return 1
        if after != before:
            changed[path] = after
    for path, text in changed.items():
        print(path)
        if not options.check:
            replace_file(path, text.encode())
    return STALE if options.check and changed else 0
