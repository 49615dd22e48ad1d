"""``inferspec verify``: the tree on disk is what the spec makes, and what it makes is proven."""

from __future__ import annotations

from argparse import Namespace

from ..diagnostics import Diagnostic
from ..emit.write import Planned
from ..outcome import Outcome, Request
from ..pipeline import compile
from . import STALE
from .proving import EarlyProof, found_strays
from .session import count, note, report, request
from .stale import Stale

MOST_FILES = 20
"""Files listed where the tree on disk is another; ``compile --check`` lists all."""


def run(options: Namespace) -> int:
    asked = request(options)
    with _Proving(options, asked) as proving:
        outcome = compile(asked, proving)
    code = report(options, outcome)
    if outcome.failed or outcome.proof is None:
        return max(code, 1)
    proof = outcome.proof
    overlays = count(len(proof.built) + len(proof.known), "overlay")
    note(options, f"proven: {count(proof.covered, 'object')}, {overlays}; {len(proof.known)} proven before")
    if proving.stale.planned.stale:
        proving.stale.print(options, [], MOST_FILES)
        note(options, f"the tree on disk is not what the spec makes: {proving.stale.way_out()}")
        return code or STALE
    return code


class _Proving(EarlyProof):
    """Of the tree on disk."""

    def __init__(self, options: Namespace, asked: Request) -> None:
        super().__init__(asked, remember=not options.no_cache)
        self._all = options.all

    def prove(self, outcome: Outcome) -> list[Diagnostic]:
        assert self.prover is not None and outcome.plan is not None and outcome.tree is not None
        found = Planned(outcome.tree, self.asked.root).result
        self.stale = Stale.of(found, outcome.tree)
        return [*found_strays(outcome, self.asked, found), *self.prover.prove(outcome.plan, outcome.tree, every=self._all)]
