"""What commands share: finding the spec, showing progress, writing the report."""

from __future__ import annotations

import os
import sys
import time
from argparse import Namespace
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from ..diagnostics import Diagnostic, Severity
from ..outcome import Outcome, Request
from ..report import Report, exit_code, render
from ..report.masking import clean
from . import NO_INPUT, USAGE
from .stop import Stop

if TYPE_CHECKING:
    from ..resolve.fleet import Fleet


def request(options: Namespace) -> Request:
    """The run that the options describe. Raises Stop where there is no such spec or directory."""
    root = Path(options.directory)
    if not root.is_dir():
        raise Stop(USAGE, f"{root} is not a directory")
    crds = [Path(folder) for folder in options.crds]
    for folder in crds:
        if not folder.is_dir():
            raise Stop(USAGE, f"--crds {folder} is not a directory")
    return Request(spec_path(options.file, root), root, date.today(), crds, options.jobs, progress(options))


def spec_path(name: str | None, root: Path) -> Path:
    """The file that is named, or the only one that can be meant. Raises Stop."""
    if name is not None:
        path = root / name
        if not path.exists() and not path.is_symlink():
            raise Stop(NO_INPUT, f"there is no {clean(str(path))}")
        return path
    usual = root / "specs" / "platform.yaml"
    if usual.exists():
        return usual
    found = sorted((root / "specs").glob("*.yaml"))
    if len(found) == 1:
        return found[0]
    raise Stop(
        NO_INPUT,
        "there is no specs/platform.yaml: name the spec with -f"
        if not found
        else f"which spec? name one with -f: {', '.join(clean(p.name) for p in found)}",
    )


def progress(options: Namespace) -> Callable[[str, int, int], None]:
    """A line on standard error, for runs of more than a second on a terminal."""
    if options.no_progress or options.quiet or not sys.stderr.isatty():
        return lambda what, done, total: None
    started = time.monotonic()

    def show(what: str, done: int, total: int) -> None:
        if time.monotonic() - started > 1:
            print(f"\r\x1b[K{what} {done}/{total}", end="\n" if done == total else "", file=sys.stderr, flush=True)

    return show


def stopped(outcome: Outcome, answered: tuple[str, ...]) -> bool:
    """Whether there is an error beside those whose codes begin so, which the command's own answer shows."""
    return any(d.severity is Severity.ERROR and d.waiver is None and not d.code.startswith(answered) for d in outcome.diagnostics)


def refused(options: Namespace, outcome: Outcome) -> int:
    """The findings of a spec that a command has no answer for, as text; the exit code is never 0."""
    form, options.format, options.output, options.fail_on = options.format, "text", None, "error"
    code = report(options, outcome)
    options.format = form
    return code or 1


def known_service(fleet: Fleet, name: str | None) -> None:
    """Raises Stop for a service that the spec does not have."""
    known("service", name, fleet.platform.serving)


def known(what: str, name: str | None, names: Iterable[str]) -> None:
    """Raises Stop for a name that is none of ``names``."""
    held = list(names)
    if name is not None and name not in held:
        from .keys import did_you_mean, near

        there = f"; they are {', '.join(held)}" if held else ""
        raise Stop(NO_INPUT, f"there is no {what} {name}{did_you_mean(near(name, held, 1)) or there}")


def report(options: Namespace, outcome: Outcome, extra: Iterable[Diagnostic] = ()) -> int:
    """Write the findings in the form asked for; returns 0 or 1."""
    diagnostics = [*outcome.diagnostics, *extra]
    with _opened(options.output) as stream:
        if not (options.quiet and not diagnostics):
            render(options.format, Report(diagnostics, outcome.texts, colour=colour(options, stream.isatty()), width=_width()), stream)
    return exit_code(diagnostics, Severity(options.fail_on))


def _opened(path: str | None) -> AbstractContextManager[TextIO]:
    if path is None:
        return nullcontext(sys.stdout)
    try:
        return open(path, "w", encoding="utf-8")
    except OSError as error:
        raise Stop(USAGE, f"cannot write the findings to {path}: {error.strerror}") from None


def colour(options: Namespace, terminal: bool) -> bool:
    if options.color == "auto":
        return terminal and not os.environ.get("NO_COLOR")
    return str(options.color) == "always"


def _width() -> int:
    try:
        return max(60, os.get_terminal_size(sys.stdout.fileno()).columns)
    except (OSError, ValueError):
        return 120


def count(number: int, what: str) -> str:
    """``1 cluster``, ``2 clusters``."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def named(clusters: Sequence[str]) -> str:
    """The first names and how many follow."""
    return ", ".join(clusters[:3]) + (f" and {len(clusters) - 3} more" if len(clusters) > 3 else "")


def note(options: Namespace, line: str) -> None:
    """A line for people, on standard error so that machine output stays clean."""
    if not options.quiet:
        print(clean(line), file=sys.stderr)
