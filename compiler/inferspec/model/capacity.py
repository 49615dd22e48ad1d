"""Capacity classes: which machines, and in which order they are asked for."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from .base import Duration, Name, Percent, ServiceAccount, Shape, Topology, Where
from .forms import Closed, Items, OneOrMany
from .nodes import NodeOptions, Shielded

_WORDS = {"on-demand": "onDemand", "spot": "spot"}
_KINDS = ("onDemand", "spot", "flexStart", "reservation", "anyReservation", "nodePools")


class CapacitySource(NodeOptions):
    """One rung of the ladder: one of its first six keys, and what this rung has otherwise than the class."""

    on_demand: Literal[True] | None = None
    """At the list price, when there is any."""
    spot: Literal[True] | None = None
    """Cheaper, and taken away at any time."""
    flex_start: Duration | None = None
    """Dynamic Workload Scheduler flex-start; how long a node may run, 10m to 168h."""
    reservation: OneOrMany[Name] | None = None
    """Key of a reservation of the region, or several of them in one rule; a region without any is told so."""
    any_reservation: Literal["then-fail", "best-effort"] | None = None
    """Any reservation that matches; best-effort takes on-demand where none does, inside Compute Engine."""
    node_pools: OneOrMany[Name] | None = None
    """Node pools that somebody made (Standard clusters), by name; nothing else of the rung can be chosen."""
    shape: Shape | None = None
    """Machine type of this rung alone."""
    wait: Duration | None = None
    """How long flex-start, or a slice of TPUs, is waited for before the next rung is asked."""
    recycle_before: Duration | None = None
    """How long before its end a flex-start node is replaced; 1h unless set."""
    max_run: Duration | None = None
    """How long a node may run at most, 30s to 120 days; flex-start has its own."""
    score: Annotated[int, Field(ge=1, le=1000)] | None = None
    """Priority score: rungs of one score are asked together, the cheapest first. All rungs have one, or none."""
    minimum_nodes: Annotated[int, Field(ge=1, le=10_000)] | None = None
    """Nodes of this rung that are there even where no Pod asks for them."""

    @property
    def kind(self) -> str:
        """on-demand, spot, flex-start, reservation, any-reservation or node-pools."""
        for name in ("on_demand", "spot", "flex_start", "reservation", "any_reservation"):
            if getattr(self, name) is not None:
                return name.replace("_", "-")
        return "node-pools"


def _source(value: Any) -> Any:
    if isinstance(value, str):
        if value not in _WORDS:
            raise PydanticCustomError(
                "capacity_source",
                "{found} is no capacity source: write {words}, {flex} or {held}",
                {"found": repr(value), "words": ", ".join(_WORDS), "flex": "{flexStart: 168h}", "held": "{reservation: NAME}"},
            )
        return {_WORDS[value]: True}
    known = {to_camel(field) for field in CapacitySource.model_fields}
    if isinstance(value, dict) and known.issuperset(value) and sum(kind in value for kind in _KINDS) != 1:
        found = [kind for kind in value if kind in _KINDS]
        raise PydanticCustomError(
            "capacity_source",
            "one source an entry, of {kinds}; this has {count}: {keys}",
            {"kinds": ", ".join(_KINDS), "count": len(found), "keys": ", ".join(found) or "none"},
        )
    return value


Source = Annotated[CapacitySource, BeforeValidator(_source, json_schema_input_type=Literal["on-demand", "spot"] | CapacitySource)]


class Consolidation(Closed):
    """When nodes that are hardly used are emptied and taken away."""

    delay: Duration | None = None
    """How long a node must be under the threshold, 1m to 24h."""
    threshold: Percent | None = None
    """Share of its CPU and memory below which a node is emptied."""
    gpu_threshold: Percent | None = None
    """The same for GPUs; 0 or 100 say never and always."""


class ActiveMigration(Closed):
    """Whether Pods move when a better rung is to be had again."""

    rules: bool
    """Move to a rung that stands higher: ends a loaded server to start it elsewhere."""
    daemon_sets: bool | None = None
    """Replace a node that is too small for every DaemonSet."""


class CapacityClass(NodeOptions):
    """Becomes a ComputeClass: baseline first, then burst, tried in this order."""

    shape: OneOrMany[Shape]
    """Machine type of the catalogue, or a list to fall back over; every service of the class must fit each."""
    topology: Topology | None = None
    """TPU slice topology."""
    baseline: Items[Source] = ()
    """What is paid for already, asked first."""
    burst: Items[Source] = ()
    """What is asked for when the baseline is full."""
    when_unsatisfiable: Literal["DoNotScaleUp", "ScaleUpAnyway"] | None = None
    """What GKE does when no entry can be had; DoNotScaleUp unless set."""
    teams: Items[Name] | None = None
    """Teams that may use the class, held by an admission policy; all without it."""
    where: Where | None = None
    """Clusters that have the class although no service of the spec asks for it there."""
    minimum_nodes: Annotated[int, Field(ge=1, le=10_000)] | None = None
    """Nodes that are there even where no Pod asks for them."""
    active_migration: bool | ActiveMigration | None = None
    """Move Pods up when a better rung is to be had again; false unless set."""
    image_streaming: bool | None = None
    """Start containers before their image is there in full; true unless set."""
    consolidation: Consolidation | None = None
    """When nodes that are hardly used are taken away."""
    autopilot: Literal[True] | None = None
    """Nodes that GKE manages, also in a Standard cluster; it cannot be taken back."""
    confidential: Literal["SEV", "SEV_SNP", "TDX"] | None = None
    """Confidential nodes, of machines that have them; GPUs need zones too."""
    shielded: Shielded | None = None
    """Secure boot and integrity monitoring."""
    service_account: ServiceAccount | None = None
    """Google service account of the nodes, by its address."""
    node_pool_group: Name | None = None
    """Collection of TPU slices that are scheduled as one."""
    workload_type: Literal["HIGH_AVAILABILITY", "HIGH_THROUGHPUT"] | None = None
    """What a collection is for; HIGH_THROUGHPUT needs a nodePoolGroup."""

    @property
    def every_shape(self) -> tuple[str, ...]:
        """Machine types of the class and of single sources: a server of the class must fit each."""
        own = (source.shape for source in (*self.baseline, *self.burst) if source.shape is not None)
        return tuple(dict.fromkeys((*self.shape, *own)))
