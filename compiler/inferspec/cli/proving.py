"""What commands that prove a tree share: the proof that begins before there is one, and manifests that nobody made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from ..diagnostics import Diagnostic, Span
from ..emit.strays import strays
from ..emit.write import WriteResult
from ..outcome import Outcome, Request

if TYPE_CHECKING:
    from ..plan.objects import ClusterPlan, Holder, Objects
    from ..prove.proof import Prover


class EarlyProof:
    """Proving beside the line: objects as soon as they are drawn. A context, whose end ends what still runs."""

    def __init__(self, asked: Request, *, remember: bool = True) -> None:
        self.asked, self._remember = asked, remember
        self.prover: Prover | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.prover is not None:
            self.prover.close()

    def begin(self, outcome: Outcome) -> None:
        from ..prove.proof import Prover

        assert outcome.document is not None
        asked = self.asked
        self.prover = Prover(outcome.document, asked.crds, asked.jobs, asked.progress, remember=self._remember)
        outcome.proof = self.prover.proof

    def drawn(self, holder: Holder | ClusterPlan, objects: Objects) -> None:
        assert self.prover is not None
        self.prover.drawn(holder, objects)


def found_strays(outcome: Outcome, asked: Request, planned: WriteResult) -> list[Diagnostic]:
    """Manifests that Config Sync would apply beside ours, and that no spec says anything of."""
    assert outcome.plan is not None and outcome.tree is not None
    known = outcome.tree.keys() | set(planned.deleted)
    return [
        Diagnostic(
            "SYNC121",
            f"{path}: Config Sync applies it, and the spec does not make it",
            Span(path, 1, 1),
            help="move it away; a manifest of your own goes into the spec, under extraResources",
        )
        for path in strays(asked.root, outcome.plan.platform, known)
    ]
