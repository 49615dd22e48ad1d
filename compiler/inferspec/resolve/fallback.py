"""Which nodes are not the capacity that a class asks for first, by the labels that GKE gives them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..diagnostics import SpecPath
from ..values import SpecAt, Value
from .places import Place
from .settings import WorkloadKey
from .workload import Workload

if TYPE_CHECKING:
    from .fleet import Fleet

LABELS = {"spot": "cloud.google.com/gke-spot", "flex-start": "cloud.google.com/gke-flex-start"}
"""Kind of capacity -> label of its nodes, with the value "true" (GKE documentation, "Spot VMs in GKE" and "About flex-start"). What came
from a reservation and what at the list price have none that tells them apart."""


@dataclass(frozen=True, slots=True)
class Fallback:
    """``kinds`` of nodes; those are the fallback, or with ``first`` every other is."""

    kinds: tuple[str, ...]
    first: bool


def fallback(workload: Workload) -> Fallback | None:
    """None where no label tells the first kind from those after it."""
    kinds = list(dict.fromkeys(source.kind for source in (*workload.capacity.baseline, *workload.capacity.burst)))
    if len(kinds) < 2:
        return None
    if kinds[0] in LABELS:
        return Fallback((kinds[0],), first=True)
    after = tuple(kind for kind in kinds[1:] if kind in LABELS)
    return Fallback(after, first=False) if after else None


def watching(fleet: Fleet) -> dict[WorkloadKey, dict[Place, tuple[str, ...]]]:
    """Workloads with an alert on it: in which clusters, and the kinds of nodes it looks at."""
    found: dict[WorkloadKey, dict[Place, tuple[str, ...]]] = {}
    for key in fleet.workload_keys:
        if fleet.platform.serving[key.service].alerts.fallback is None:
            continue
        for place in fleet.places_of(key):
            w = fleet.workload_at(key, place)
            if (held := fallback(w)) is not None and tolerated(w) is not None:
                found.setdefault(key, {})[place] = held.kinds
    return found


def tolerated(workload: Workload) -> Value | None:
    """Percent of the replicas that may be there; None where nobody is to be told, or nobody could be."""
    said = workload.service.alerts.fallback
    if said is None or fallback(workload) is None or not workload.engine.metrics_path:
        return None
    at: SpecPath = ("serving", workload.service_name, "alerts", "fallback")
    return Value(said, SpecAt(at))
