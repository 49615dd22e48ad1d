"""``inferspec compile``: check, prove what is about to be written, write all of it or nothing."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterable

from ..diagnostics import Diagnostic
from ..emit.write import Planned, WriteResult, removed
from ..outcome import Outcome, Request
from ..pipeline import compile
from . import STALE
from .session import note, report, request


def run(options: Namespace) -> int:
    asked = request(options)
    writes: list[Planned] = []

    def prove(outcome: Outcome) -> list[Diagnostic]:
        assert outcome.tree is not None
        writes.append(Planned(outcome.tree, asked.root, force=options.force))
        planned = writes[0].result
        return [*_refusals(outcome, planned), *_removals(outcome, asked, planned), *_proof(outcome, asked, planned)]

    outcome = compile(asked, prove=prove)
    code = report(options, outcome)
    if outcome.failed or outcome.tree is None:
        return max(code, 1)
    if options.check:
        return _checked(options, writes[0].result, code)
    _summary(options, outcome, writes[0].write())
    return code


def _proof(outcome: Outcome, asked: Request, planned: WriteResult) -> list[Diagnostic]:
    from ..prove.proof import Prover

    assert outcome.plan is not None and outcome.tree is not None and outcome.document is not None
    prover = Prover(outcome.plan, outcome.tree, outcome.document, asked.crds, asked.jobs, asked.progress)
    outcome.proof = prover.proof
    return prover.prove(changed=changed_clusters(outcome, planned))


def changed_clusters(outcome: Outcome, planned: WriteResult) -> set[str]:
    """Clusters with a file that is new or differs."""
    touched = {path.split("/")[3] for path in (*planned.created, *planned.changed) if path.count("/") > 3}
    return {c.name for c in outcome.plan.clusters if c.name in touched} if outcome.plan else set()


def _refusals(outcome: Outcome, planned: WriteResult) -> list[Diagnostic]:
    assert outcome.document is not None
    at = outcome.document.span(("name",))
    return [
        Diagnostic(
            "SYNC106",
            f"{refusal.path}: {refusal.reason}",
            at,
            path=("name",),
            help="put the change into the spec, or overwrite the file with --force",
        )
        for refusal in planned.refused
    ]


def _removals(outcome: Outcome, asked: Request, planned: WriteResult) -> list[Diagnostic]:
    """Config Sync prunes what disappears: more than the budget, or anything precious, has to be acknowledged."""
    from ..resolve.facts import deletion_budget

    assert outcome.fleet is not None and outcome.tree is not None and outcome.document is not None
    platform = outcome.fleet.platform
    meant = {entry.object for entry in platform.delivery.deletions.acknowledge}
    gone = removed(planned, outcome.tree, asked.root, platform.name)
    left = [(cluster, identity) for cluster, identity in gone if str(identity) not in meant]
    precious = [(c, i) for c, i in left if i.kind in PRECIOUS]
    budget = deletion_budget(outcome.fleet)
    if not precious and len(left) <= budget:
        return []
    at = (
        ("delivery", "deletions")
        if platform.delivery.deletions.acknowledge or platform.delivery.deletions.budget is not None
        else ("delivery",)
    )
    shown = precious or left
    names = tuple(f"{cluster}: {identity}" for cluster, identity in shown[:10])
    more = (f"and {len(shown) - 10} more",) if len(shown) > 10 else ()
    what = f"{len(precious)} of them hold data or other objects" if precious else f"the budget is {budget}"
    first = str(shown[0][1])
    return [
        Diagnostic(
            "SYNC103",
            f"{len(left)} objects would be deleted in their clusters: {what}",
            outcome.document.span(at, key=True),
            path=at,
            notes=names + more,
            help=f'delivery: {{deletions: {{acknowledge: [{{object: {first}, reason: "..."}}]}}}}, or a larger budget',
        )
    ]


PRECIOUS = frozenset({"Namespace", "PersistentVolumeClaim", "PersistentVolume", "ComputeClass", "StorageClass", "CustomResourceDefinition"})
"""Kinds whose removal takes more with it than one object."""


def _checked(options: Namespace, planned: WriteResult, code: int) -> int:
    if not planned.stale:
        note(options, f"the tree is current: {len(planned.unchanged)} files")
        return code
    for mark, paths in (("+", planned.created), ("~", planned.changed), ("-", planned.deleted)):
        for path in _only(paths, options.only):
            note(options, f"{mark} {path}")
    note(options, f"the tree is stale: {_counts(planned)}; 'inferspec compile' writes it")
    return code or STALE


def _only(paths: Iterable[str], clusters: list[str]) -> list[str]:
    return [p for p in paths if not clusters or (p.count("/") > 3 and p.split("/")[3] in clusters)]


def _counts(result: WriteResult) -> str:
    return f"{len(result.created)} new, {len(result.changed)} changed, {len(result.deleted)} deleted, {len(result.unchanged)} unchanged"


def _summary(options: Namespace, outcome: Outcome, written: WriteResult) -> None:
    assert outcome.plan is not None and outcome.proof is not None
    proof = outcome.proof
    note(
        options,
        f"{outcome.plan.platform}: {len(outcome.plan.clusters)} clusters, {_counts(written)} files; "
        f"{proof.objects} objects checked, {len(proof.built)} overlays built ({len(proof.known)} proven before)",
    )
