"""A facet before it is drawn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..resolve.layers import Subject
from ..resolve.places import Place
from .objects import Objects
from .row import Drawn


@dataclass(frozen=True, slots=True, eq=False)
class Drawing:
    """Objects that appear together, and where.

    draw      subject -> rows of its objects
    present   is it in this cluster
    services  services whose overrides can change it; empty for what only its region changes
    fixed     objects that are not drawn: a manifest of the spec
    alternative  another drawing may have objects of the same names, in other clusters that come and go
    """

    name: str
    part: str
    draw: Callable[[Subject], list[Drawn]]
    present: Callable[[Place], bool]
    services: frozenset[str] = frozenset()
    fixed: Objects = ()
    alternative: bool = False

    def narrowed(self, subject: Subject) -> Subject:
        """The subject without entries of other services, so that clusters which differ elsewhere share objects."""
        return Subject(subject.region, tuple(e for e in subject.entries if e[0] in self.services))
