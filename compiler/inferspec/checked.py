"""The line up to the domain rules: load, model, resolve, check."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from .diagnostics import Diagnostic, Severity, Span
from .load import load_spec
from .load.read import display_name, read_source
from .outcome import Outcome, Request

if TYPE_CHECKING:
    from .catalog import CatalogueError


PAGE = "docs/catalogue.md has a row of each kind, with every key"


class Told(NamedTuple):
    """What policies judge: the facts of all that is sound, a team's own files, the repository."""

    facts: dict[str, Any]
    policies: list[Path]
    root: Path


def check_spec(outcome: Outcome, request: Request, catalog: Path | None = None) -> Told | None:
    """Fill ``outcome`` up to its fleet and what the domain rules find; None where it does not come that far.

    ``catalog`` is the team's folder where it is not the repository's own.
    """
    from .catalog import catalogue
    from .check import check
    from .load.lock import read_lock
    from .model.errors import read_platform
    from .policy.verdict import policies
    from .resolve.facts import facts
    from .resolve.fleet import Fleet

    document, outcome.diagnostics = load_spec(request.spec, root=request.root)
    outcome.document, outcome.texts = document, dict(document.texts) if document else _texts(request)
    if document is None:
        return None
    unread = {d.path for d in outcome.diagnostics if d.severity is Severity.ERROR}  # a value that readers take differently, say
    platform, found = read_platform(document)
    outcome.diagnostics += [d for d in found if not _follows(d, outcome.diagnostics)]
    if platform is None:
        return None
    own = catalog or request.root / "catalog"
    if own.is_dir():
        from .catalog.team import overlay

        known, problems = overlay(own)
    else:
        known, problems = catalogue(), []
    if problems:  # what a mended row would say is not known
        outcome.diagnostics += [_catalogue_problem(problem, request.root) for problem in problems]
        sources = [read_source(file, request.root)[0] for file in {Path(problem.file): None for problem in problems}]
        outcome.texts |= {source.name: source.text for source in sources if source.text is not None}
        return None
    digests, problems_of_lock = read_lock(request.spec, request.root)
    outcome.diagnostics += problems_of_lock
    outcome.fleet = Fleet(platform, known.pinning(digests) if digests else known)
    sound, found = check(outcome.fleet, document, request.today)
    outcome.sound = sound
    outcome.diagnostics += [d for d in found if not d.path or d.path not in unread]
    return Told(facts(sound), policies(request.root), request.root)


def _follows(found: Diagnostic, earlier: list[Diagnostic]) -> bool:
    """Whether ``found`` is about a place that loading already refused."""
    return any(d.path and found.path[: len(d.path)] == d.path for d in earlier)


def _texts(request: Request) -> dict[str, str]:
    """The spec as text where it could not be loaded, so that a message can still show its line."""
    # Nothing of another file is ever shown. Path.resolve raises for a link that leads to itself.
    inside = Path(os.path.realpath(request.spec)).is_relative_to(os.path.realpath(request.root))
    try:
        text = request.spec.read_bytes().decode("utf-8", "replace") if inside and request.spec.is_file() else ""
    except OSError:
        text = ""
    return {display_name(request.spec, request.root): text}


def _catalogue_problem(problem: CatalogueError, root: Path) -> Diagnostic:
    name = display_name(Path(problem.file), root)
    help = f"{problem.help}; {PAGE}" if problem.help else PAGE
    return Diagnostic("CAT005", problem.message, Span(name, problem.line, problem.column, problem.end), help=help)
