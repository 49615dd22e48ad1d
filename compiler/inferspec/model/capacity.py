"""Capacity classes: which machines, and in which order they are asked for."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

from .base import Closed, Duration, IsoDate, Items, Name, OneOrMany, Quantity, Shape, Topology

_WORDS = ("on-demand", "spot")


class CapacitySource(Closed):
    """One rung of the ladder: exactly one of its keys."""

    on_demand: bool | None = None
    """At the list price, when there is any."""
    spot: bool | None = None
    """Cheaper, and taken away at any time."""
    flex_start: Duration | None = None
    """Dynamic Workload Scheduler flex-start; how long a node may run, 10m to 168h."""
    reservation: Name | None = None
    """Key of a reservation of the region; a region without it is told so."""
    future_reservation: Name | None = None
    """Key of a reservation that begins later."""
    starts: IsoDate | None = None
    """First day of the future reservation."""

    @property
    def kind(self) -> str:
        """on-demand, spot, flex-start, reservation or future-reservation."""
        for name, word in (("on_demand", "on-demand"), ("spot", "spot"), ("flex_start", "flex-start"), ("reservation", "reservation")):
            if getattr(self, name):
                return word
        return "future-reservation"


def _source(value: Any) -> Any:
    if isinstance(value, str):
        if value not in _WORDS:
            raise PydanticCustomError(
                "capacity_source",
                "{found} is no capacity source: write {words}, {flex} or {held}",
                {"found": repr(value), "words": ", ".join(_WORDS), "flex": "{flexStart: 168h}", "held": "{reservation: NAME}"},
            )
        return {"onDemand": True} if value == "on-demand" else {"spot": True}
    if isinstance(value, dict) and len(set(value) - {"starts"}) != 1:
        raise PydanticCustomError(
            "capacity_source",
            "one source an entry; this has {count}: {keys}",
            {"count": len(value), "keys": ", ".join(map(str, value)) or "none"},
        )
    return value


Source = Annotated[CapacitySource, BeforeValidator(_source, json_schema_input_type=Literal["on-demand", "spot"] | CapacitySource)]


class CapacityClass(Closed):
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
    """Teams that may use the class; all without it."""
    boot_disk: Quantity | None = None
    """Size of the node's boot disk."""
    zones: Items[Name] | None = None
    """Zones of the region to ask in, by suffix."""
