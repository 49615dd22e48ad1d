"""``inferspec verify``: the tree on disk is what the spec makes, and what it makes is proven."""

from __future__ import annotations

from argparse import Namespace

from ..diagnostics import Diagnostic
from ..emit.write import Planned
from ..outcome import Outcome
from ..pipeline import compile
from . import STALE
from .session import count, note, report, request
from .stale import Stale

MOST_FILES = 20
"""Files listed where the tree on disk is another; ``compile --check`` lists all."""


def run(options: Namespace) -> int:
    asked = request(options)
    stale: list[Stale] = []

    def prove(outcome: Outcome) -> list[Diagnostic]:
        from ..prove.proof import Prover

        assert outcome.plan is not None and outcome.tree is not None and outcome.document is not None
        stale.append(Stale.of(Planned(outcome.tree, asked.root).result, outcome.tree))
        prover = Prover(outcome.plan, outcome.tree, outcome.document, asked.crds, asked.jobs, asked.progress, remember=not options.no_cache)
        outcome.proof = prover.proof
        return prover.prove(every=options.all)

    outcome = compile(asked, prove=prove)
    code = report(options, outcome)
    if outcome.failed or outcome.proof is None:
        return max(code, 1)
    proof = outcome.proof
    overlays = count(len(proof.built) + len(proof.known), "overlay")
    note(options, f"proven: {count(proof.covered, 'object')}, {overlays}; {len(proof.known)} proven before")
    if stale[0].planned.stale:
        stale[0].print(options, [], MOST_FILES)
        note(options, f"the tree on disk is not what the spec makes: {stale[0].way_out()}")
        return code or STALE
    return code
