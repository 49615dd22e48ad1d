"""Domain rules: what the shape of a spec cannot say. Each rule is a function of the fleet and the document to findings."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ..diagnostics import Diagnostic
from ..load import Document
from ..resolve.fleet import Fleet
from . import capacity, delivery, fit, flags, gateways, overrides, provided, references, scaling, storage
from .context import Context

Rule = Callable[[Context], Iterator[Diagnostic]]

RULES: tuple[Rule, ...] = (
    capacity.reservations,
    capacity.sources,
    capacity.shapes,
    capacity.availability,
    capacity.durations,
    storage.locations,
    overrides.conflicts,
    overrides.selectors,
    overrides.patches,
    flags.flags,
    flags.context_length,
    fit.memory,
    fit.pod,
    fit.parallelism,
    scaling.bounds,
    scaling.chain,
    gateways.routing,
    gateways.callers,
    gateways.classes,
    delivery.sources,
    delivery.waves,
    delivery.names,
    delivery.later,
    provided.floor,
)
"""In the order of the spec; a new rule is a function in its area's module and a line here."""


def check(fleet: Fleet, document: Document) -> tuple[Fleet, list[Diagnostic]]:
    """The part of the fleet that can be settled, and all findings. What leads nowhere is reported for that alone."""
    context = Context(fleet, document)
    found, sound = references.references(context)
    if sound != fleet.platform.serving:
        context = Context(Fleet(fleet.platform.model_copy(update={"serving": sound}), fleet.catalogue), document)
    for rule in RULES:
        found.extend(rule(context))
    return context.fleet, found
