"""The line: load, model, resolve, check, policy, plan, emit, prove. Each stage returns a value and what it found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from .checked import check_spec
from .diagnostics import Diagnostic, settled
from .outcome import Outcome, Request

if TYPE_CHECKING:
    from .plan.objects import ClusterPlan, Holder, Objects
    from .plan.patches import Problem
    from .policy.engine import Violation


class Proving(Protocol):
    """What proves a plan beside the line."""

    def begin(self, outcome: Outcome) -> None:
        """Called when there is a fleet that may be drawn."""

    def drawn(self, holder: Holder | ClusterPlan, objects: Objects) -> None:
        """Called with objects and a cluster that has them, as soon as they are known; policies may still object."""

    def prove(self, outcome: Outcome) -> list[Diagnostic]:
        """Called when there is a tree."""


def vet(request: Request) -> Outcome:
    """Load, model, resolve, check and policies; the only objects that are made are those that patches are for."""
    from .policy.engine import evaluate

    outcome = Outcome()
    told = check_spec(outcome, request)
    if told is not None:
        _judge(outcome, request, evaluate(*told))
    if not outcome.failed and outcome.fleet is not None and any(s.patches for s in outcome.fleet.platform.serving.values()):
        from .plan.fleet import patch_problems

        _add(outcome, patch_problems(outcome.fleet))
    outcome.diagnostics = settled(outcome.diagnostics)
    return outcome


def compile(request: Request, proving: Proving | None = None) -> Outcome:
    """The whole line up to the tree as text; writing it is the caller's."""
    outcome = Outcome()
    _plan(outcome, request, proving)
    outcome.diagnostics = settled(outcome.diagnostics)
    if outcome.plan is None:
        return outcome
    from .emit.tree import render_tree

    outcome.tree = render_tree(outcome.plan)
    if proving is not None:
        outcome.diagnostics = settled([*outcome.diagnostics, *proving.prove(outcome)])
    return outcome


def _plan(outcome: Outcome, request: Request, proving: Proving | None) -> None:
    """Up to the plan, which stays None where something failed."""
    from concurrent.futures import ThreadPoolExecutor

    from .plan.fleet import Planner
    from .plan.skeleton import Skeletons
    from .policy.engine import evaluate

    told = check_spec(outcome, request)
    if told is None or outcome.fleet is None:
        return
    planner = Planner(outcome.fleet, Skeletons())
    if proving is not None and not outcome.failed:
        proving.begin(outcome)
        planner.tell = proving.drawn
    with ThreadPoolExecutor(1) as beside:  # cue is a process of its own: objects are drawn while it judges
        judging = beside.submit(evaluate, *told)
        if not outcome.failed:
            planner.clusters  # noqa: B018 - drawn when first asked for
        _judge(outcome, request, judging.result())
    if outcome.failed:
        return
    drawn, problems = planner.plan()
    _add(outcome, problems)
    outcome.plan = None if outcome.failed else drawn


def _judge(outcome: Outcome, request: Request, violations: Sequence[Violation]) -> None:
    from .policy.verdict import judge

    assert outcome.document is not None
    outcome.diagnostics, texts = judge(violations, outcome.document, outcome.diagnostics, request.root, request.today)
    outcome.texts |= texts


def _add(outcome: Outcome, problems: list[Problem]) -> None:
    assert outcome.document is not None
    span = outcome.document.span
    outcome.diagnostics += [Diagnostic(p.code, p.message, span(p.path), path=p.path, help=p.help) for p in problems]
