"""The line: load, model, resolve, check, policy, plan, emit, prove. Each stage returns a value and what it found."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from .diagnostics import Diagnostic, Span, settled
from .load import Document, load_spec
from .load.read import display_name
from .outcome import Outcome, Request

if TYPE_CHECKING:
    from .catalog import CatalogueError
    from .plan.patches import Problem


def vet(request: Request) -> Outcome:
    """Load, model, resolve, check and policies; the only objects that are made are those that patches are for."""
    outcome = Outcome()
    outcome.document, outcome.diagnostics = load_spec(request.spec, root=request.root)
    if outcome.document is None:
        outcome.texts = _texts(request)
        return outcome
    outcome.texts = dict(outcome.document.texts)
    _judge(outcome, outcome.document, request)
    outcome.diagnostics = settled(outcome.diagnostics)
    return outcome


def _judge(outcome: Outcome, document: Document, request: Request) -> None:
    from .catalog import catalogue, overlay
    from .check import check
    from .load.lock import read_lock
    from .model.errors import read_platform
    from .policy.verdict import judge
    from .resolve.fleet import Fleet

    platform, found = read_platform(document)
    outcome.diagnostics += [d for d in found if not _follows(d, outcome.diagnostics)]
    if platform is None:
        return
    own = request.root / "catalog"
    known, problems = overlay(own) if own.is_dir() else (catalogue(), [])
    if problems:  # what a mended row would say is not known
        outcome.diagnostics += [_catalogue_problem(problem, request.root) for problem in problems]
        return
    digests, problems_of_lock = read_lock(request.spec, request.root)
    outcome.diagnostics += problems_of_lock
    fleet = Fleet(platform, known.pinning(digests) if digests else known)
    sound, found = check(fleet, document, request.today)
    outcome.diagnostics += found
    judged, texts = judge(sound, document, outcome.diagnostics, request.root, request.today)
    outcome.diagnostics = judged
    outcome.texts |= texts
    outcome.fleet = fleet
    if not outcome.failed and any(service.patches for service in fleet.platform.serving.values()):
        from .plan.fleet import patch_problems

        outcome.diagnostics += _problems(document, patch_problems(fleet))


def _problems(document: Document, problems: list[Problem]) -> list[Diagnostic]:
    return [Diagnostic(p.code, p.message, document.span(p.path), path=p.path, help=p.help) for p in problems]


def _follows(found: Diagnostic, earlier: list[Diagnostic]) -> bool:
    """Whether ``found`` is about a place that loading already refused."""
    return any(d.path and found.path[: len(d.path)] == d.path for d in earlier)


def _texts(request: Request) -> dict[str, str]:
    """The spec as text where it could not be loaded, so that a message can still show its line."""
    inside = request.spec.resolve().is_relative_to(request.root.resolve())  # nothing of another file is ever shown
    try:
        text = request.spec.read_bytes().decode("utf-8", "replace") if inside and request.spec.is_file() else ""
    except OSError:
        text = ""
    return {display_name(request.spec, request.root): text}


def _catalogue_problem(problem: CatalogueError, root: Path) -> Diagnostic:
    name = display_name(Path(problem.file), root)
    return Diagnostic("CAT005", problem.message, Span(name, problem.line, 1), help="rows of your own win over the package's; mend this one")


def compile(request: Request, *, prove: Callable[[Outcome], list[Diagnostic]] | None = None) -> Outcome:
    """The whole line up to the tree as text; writing it is the caller's."""
    outcome = vet(request)
    if outcome.failed or outcome.fleet is None:
        return outcome
    from .emit.tree import render_tree
    from .plan.fleet import plan

    assert outcome.document is not None
    planned, problems = plan(outcome.fleet)
    outcome.diagnostics += _problems(outcome.document, problems)
    if outcome.failed:
        return outcome
    outcome.plan, outcome.tree = planned, render_tree(planned)
    if prove is not None:
        outcome.diagnostics = settled([*outcome.diagnostics, *prove(outcome)])
    return outcome
