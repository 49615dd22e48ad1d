"""A class as the ladder GKE climbs: every source with every machine it may be had on, in the order they are asked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..catalog import Catalogue, Machine
from ..diagnostics import SpecPath
from ..model.capacity import CapacityClass, CapacitySource
from ..model.platform import Platform


@dataclass(frozen=True, slots=True, eq=False)
class Rung:
    """One entry of ``priorities``. ``at`` is its place in the class; ``machine`` is None for node pools that are there."""

    at: SpecPath
    source: CapacitySource
    machine: Machine | None


def sources(spec: CapacityClass) -> Iterator[tuple[SpecPath, CapacitySource]]:
    """Each source with its place in the class: ``("burst", 0)``."""
    for part in ("baseline", "burst"):
        for i, source in enumerate(getattr(spec, part)):
            yield (part, i), source


def shapes(spec: CapacityClass, source: CapacitySource) -> tuple[str, ...]:
    """Machine types that the source is asked for."""
    if source.kind == "node-pools":
        return ()
    return (source.shape,) if source.shape is not None else spec.shape


def rungs(spec: CapacityClass, catalogue: Catalogue) -> Iterator[Rung]:
    """Machines that the catalogue lacks are left out; check.rows says so."""
    for at, source in sources(spec):
        if source.kind == "node-pools":
            yield Rung(at, source, None)
        for shape in shapes(spec, source):
            if shape in catalogue.machines:
                yield Rung(at, source, catalogue.machines[shape])


def reserved(platform: Platform, source: CapacitySource, region: str | None, machine: Machine) -> list[str]:
    """Keys of the source's reservations that the region has of that machine: a reservation holds one shape."""
    held = platform.regions[region].reservations if region else {}
    return [key for key in source.reservation or () if key in held and held[key].shape == machine.id]


def named(spec: CapacityClass) -> frozenset[str]:
    """Keys of every reservation that a source of the class names."""
    return frozenset(key for _, source in sources(spec) for key in source.reservation or ())
