"""Queues: how many chips of each class a team's servers may have at once in a cluster, held by Kueue."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from .base import Name, Where
from .forms import Closed


class QueueQuota(Closed):
    """Chips of one class."""

    chips: Annotated[int, Field(ge=0)]
    """The queue's own, in each cluster."""
    borrow: Annotated[int, Field(ge=0)] | None = None
    """Most chips that it takes of what others of the cohort leave; all of it unless set."""
    lend: Annotated[int, Field(ge=0)] | None = None
    """Most of its own chips that others of the cohort may take; all that it leaves unless set."""


class Queue(Closed):
    """Kueue starts the team's servers, and its own Jobs that name the queue, as far as the quota goes; the others wait."""

    team: Name
    """Key in ``teams``: whose namespace it is for."""
    where: Where
    """Clusters that have it: where the team serves, one queue a team."""
    quota: Annotated[dict[Name, Annotated[int, Field(ge=0)] | QueueQuota], Field(min_length=1, max_length=64)]
    """Chips by class, in each cluster; a class that is not here admits nothing."""
    cohort: Name | None = None
    """Queues of one cohort borrow from each other what is not used; without it a queue is alone."""
    reclaim: bool = False
    """Lent chips are taken back when they are needed: Kueue ends servers of the borrower. Without it the owner waits."""

    def own(self, capacity: str) -> QueueQuota:
        """The quota of a class that has one, in its long form."""
        said = self.quota[capacity]
        return QueueQuota.model_construct(chips=said) if isinstance(said, int) else said
