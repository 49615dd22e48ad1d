"""``inferspec verify``: the tree on disk is what the spec makes, and what it makes is proven."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING

from ..diagnostics import Diagnostic
from ..emit.write import Planned
from ..outcome import Outcome
from ..pipeline import compile
from . import STALE
from .compile import new_prover
from .session import count, note, report, request
from .stale import Stale

if TYPE_CHECKING:
    from ..prove.proof import Prover

MOST_FILES = 20
"""Files listed where the tree on disk is another; ``compile --check`` lists all."""


def run(options: Namespace) -> int:
    asked = request(options)
    stale: list[Stale] = []
    provers: list[Prover] = []

    def planned(outcome: Outcome) -> None:
        provers.append(new_prover(outcome, asked, remember=not options.no_cache))
        provers[0].begin()

    def prove(outcome: Outcome) -> list[Diagnostic]:
        assert outcome.tree is not None
        stale.append(Stale.of(Planned(outcome.tree, asked.root).result, outcome.tree))
        return provers[0].prove(outcome.tree, every=options.all)

    outcome = compile(asked, planned=planned, prove=prove)
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
