"""``inferspec verify``: the tree on disk is what the spec makes, and what it makes is proven."""

from __future__ import annotations

from argparse import Namespace

from ..diagnostics import Diagnostic
from ..emit.write import WriteResult, write_tree
from ..outcome import Outcome
from ..pipeline import compile
from . import STALE
from .session import note, report, request


def run(options: Namespace) -> int:
    asked = request(options)
    planned: list[WriteResult] = []

    def prove(outcome: Outcome) -> list[Diagnostic]:
        from ..prove.proof import Prover

        assert outcome.plan is not None and outcome.tree is not None and outcome.document is not None
        planned.append(write_tree(outcome.tree, asked.root, force=True, dry_run=True))
        prover = Prover(outcome.plan, outcome.tree, outcome.document, asked.crds, asked.jobs, asked.progress)
        outcome.proof = prover.proof
        return prover.prove(every=options.all)

    outcome = compile(asked, prove=prove)
    code = report(options, outcome)
    if outcome.failed or outcome.proof is None:
        return max(code, 1)
    proof = outcome.proof
    note(options, f"proven: {proof.objects} objects, {len(proof.built) + len(proof.known)} overlays ({len(proof.known)} proven before)")
    if planned[0].stale:
        note(options, "the tree on disk is not what the spec makes: run 'inferspec compile'")
        return code or STALE
    return code
