"""Domain rules: what the shape of a spec cannot say. Each rule is a function of the fleet and the document to findings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date

from ..diagnostics import Diagnostic
from ..load import Document
from ..resolve.fleet import Fleet
from . import (
    capacity,
    capacity_disks,
    capacity_ladder,
    capacity_nodes,
    capacity_pools,
    capacity_reservations,
    capacity_zones,
    cloud,
    delivery,
    engines,
    escapes,
    fit,
    flags,
    formats,
    gateways,
    images,
    layout,
    names,
    objectives,
    overrides,
    parallel,
    provided,
    quotas,
    references,
    scaling,
    storage,
    volumes,
)
from .context import Context

Rule = Callable[[Context], Iterator[Diagnostic]]

RULES: tuple[Rule, ...] = (
    names.namespaces,
    names.collisions,
    capacity_reservations.reserved,
    capacity_reservations.reservations,
    capacity_reservations.affinities,
    capacity.sources,
    capacity.shapes,
    capacity.unenforced,
    capacity_ladder.reached,
    capacity_ladder.scores,
    capacity_ladder.interrupted,
    capacity_ladder.durations,
    capacity_ladder.waits,
    capacity_disks.boot_disks,
    capacity_disks.local_ssds,
    capacity_zones.availability,
    capacity_zones.zones,
    capacity_pools.pools,
    capacity_nodes.names,
    capacity_nodes.labels,
    capacity_nodes.together,
    capacity_nodes.confidential,
    capacity_nodes.gpus,
    capacity_nodes.selectors,
    capacity_nodes.migration,
    capacity.teams,
    storage.locations,
    storage.writers,
    storage.revisions,
    storage.copies,
    storage.budgets,
    storage.caches,
    storage.anywhere,
    volumes.lustre,
    volumes.held,
    volumes.crowded,
    volumes.zones,
    volumes.instances,
    images.reached,
    images.unused,
    images.pinned,
    overrides.conflicts,
    overrides.selectors,
    overrides.placed,
    overrides.expired,
    overrides.privileges,
    overrides.watched,
    escapes.manifests,
    escapes.later,
    engines.told,
    engines.speculation,
    engines.kinds,
    engines.containers,
    engines.pools,
    engines.halves,
    flags.flags,
    flags.together,
    flags.context_length,
    fit.memory,
    fit.pod,
    fit.least,
    formats.formats,
    parallel.heads,
    parallel.stages,
    parallel.groups,
    layout.nodes,
    layout.groups,
    layout.operators,
    layout.idle,
    layout.processors,
    scaling.bounds,
    scaling.chain,
    objectives.objectives,
    objectives.dashboards,
    gateways.reached,
    gateways.routing,
    gateways.bodies,
    gateways.defaults,
    gateways.hosts,
    gateways.addresses,
    gateways.partly,
    gateways.callers,
    gateways.adapters,
    gateways.classes,
    delivery.sources,
    delivery.waves,
    delivery.names,
    delivery.later,
    cloud.zonal,
    cloud.management,
    cloud.named,
    provided.floor,
    provided.objectives,
    quotas.limits,
    quotas.held,
)
"""In the order of the spec; a new rule is a function in its area's module and a line here."""


def check(fleet: Fleet, document: Document, today: date) -> tuple[Fleet, list[Diagnostic]]:
    """The part of the fleet that can be settled, and all findings. What leads nowhere is reported for that alone."""
    context = Context(fleet, document, today)
    found, sound = references.references(context)
    if sound != fleet.platform.serving:
        context = Context(Fleet(fleet.platform.model_copy(update={"serving": sound}), fleet.catalogue), document, today)
    for rule in RULES:
        found.extend(rule(context))
    return context.fleet, found
