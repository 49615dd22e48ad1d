"""Kueue's objects: a flavor a class, a queue of the cluster a team, and the team's own queue that leads there.

Of sigs.k8s.io/kueue@v0.19.2: a Pod gets only flavors whose labels its node selector matches, so that of its class alone; each flavor of a
group lists every resource of it; and nothing is admitted that asks for a resource which no flavor covers (pkg/scheduler/flavorassigner).
"""

from __future__ import annotations

from typing import Any

from ...catalog import Catalogue
from ...model.platform import Platform
from ...values import Default, SpecAt, Value, derive
from ..row import Drawn, Row, labels
from .class_teams import LABEL


def flavor(platform: Platform, name: str) -> Drawn:
    """Nodes of a class. Pods of the spec tolerate their class's taints themselves."""
    own = {LABEL: Value(name, SpecAt(("capacityClasses", name)))}
    return "resource-flavor", Row(name=name, labels=labels(platform.name, name, "queue"), nodes=own)


def cluster_queue(platform: Platform, catalogue: Catalogue, name: str) -> Drawn:
    spec = platform.queues[name]
    chips = {capacity: _resource(platform, catalogue, capacity) for capacity in spec.quota}
    beside = catalogue.default("queues.beside")
    covered = [*beside, *dict.fromkeys(chips.values())]
    return "cluster-queue", Row(
        name=name,
        labels=labels(platform.name, name, "queue"),
        namespace=Value(platform.teams[spec.team].namespace, SpecAt(("teams", spec.team, "namespace"))),
        cohort=Value(spec.cohort, SpecAt(("queues", name, "cohort"))) if spec.cohort is not None else None,
        reclaim=derive("lent chips are taken back", "Any", Value(True, SpecAt(("queues", name, "reclaim")))) if spec.reclaim else None,
        covered=covered,
        flavors=[
            Row(
                name=Value(capacity, SpecAt(("queues", name, "quota", capacity))),
                resources=[
                    *({"name": resource, "nominalQuota": Value(amount, Default("queues.beside"))} for resource, amount in beside.items()),
                    *(
                        {"name": resource, **(_chips(platform, name, capacity) if resource == chips[capacity] else _NONE)}
                        for resource in covered[len(beside) :]
                    ),
                ],
            )
            for capacity in spec.quota
        ],
    )


_NONE = {"nominalQuota": "0"}
"""Chips of another kind than the class has."""


def _resource(platform: Platform, catalogue: Catalogue, capacity: str) -> str:
    """How Pods of the class ask for chips; every shape of a class has the same kind."""
    return catalogue.accelerators[catalogue.machines[platform.capacity_classes[capacity].shape[0]].accelerator].resource


def _chips(platform: Platform, name: str, capacity: str) -> dict[str, Any]:
    said, at = platform.queues[name].quota[capacity], ("queues", name, "quota", capacity)
    if isinstance(said, int):
        return {"nominalQuota": Value(str(said), SpecAt(at))}
    limits = (("nominalQuota", "chips", said.chips), ("borrowingLimit", "borrow", said.borrow), ("lendingLimit", "lend", said.lend))
    return {field: Value(str(chips), SpecAt((*at, key))) for field, key, chips in limits if chips is not None}


def local_queue(platform: Platform, name: str) -> Drawn:
    """Of the same name, so that the label of a server is the queue's key."""
    namespace = platform.teams[platform.queues[name].team].namespace
    return "local-queue", Row(name=name, namespace=namespace, labels=labels(platform.name, name, "queue"))
