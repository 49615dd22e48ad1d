"""What a run is asked, and how far it came."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from .diagnostics import Diagnostic, Severity

if TYPE_CHECKING:
    from .emit.tree import Tree
    from .load import Document
    from .plan.objects import FleetPlan
    from .prove.proof import Proof
    from .resolve.fleet import Fleet


@dataclass(slots=True)
class Request:
    """What a run is about. ``root`` is the repository; every path of the spec is relative to it."""

    spec: Path
    root: Path
    today: date
    crds: Sequence[Path] = ()
    jobs: int = 2
    progress: Callable[[str, int, int], None] = lambda what, done, total: None


@dataclass(slots=True)
class Outcome:
    """How far the line came. A stage that was not reached is None; ``diagnostics`` says why."""

    document: Document | None = None
    fleet: Fleet | None = None
    sound: Fleet | None = None
    plan: FleetPlan | None = None
    tree: Tree | None = None
    proof: Proof | None = None
    texts: dict[str, str] = field(default_factory=dict)
    diagnostics: list[Diagnostic] = field(default_factory=list)

    @property
    def failed(self) -> bool:
        """An error that nobody waived: nothing may be written."""
        return any(d.severity is Severity.ERROR and d.waiver is None for d in self.diagnostics)
