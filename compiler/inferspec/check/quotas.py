"""Limits that a team wrote down, against what its fleet asks for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ..catalog import Catalogue
from ..diagnostics import Diagnostic, Severity, SpecPath
from ..model.places import QuotaLimit
from ..model.platform import Platform
from ..resolve.quota import PREEMPTIBLE, Need, demands, metric_of, needs
from ..resolve.settings import capacity_of
from . import references
from .context import Context


@dataclass(frozen=True, slots=True)
class Limit:
    chips: int
    path: SpecPath


def written(platform: Platform, catalogue: Catalogue) -> dict[tuple[str, str, str, str], Limit]:
    """(project, region, metric, dimension) -> the limit of the spec. A plain number is for machines on demand.

    A name of several accelerators, ``h100``, says it of each that has no entry of its own.
    """
    found: dict[tuple[str, str, str, str], Limit] = {}
    for region, facts in platform.regions.items():
        for project, limits in facts.quotas.items():
            for accelerator, key in _entries(limits, catalogue):
                said, at = limits[key], ("regions", region, "quotas", project, key)
                asked = [("on-demand", said, at)] if isinstance(said, int) else _both(said, at)
                for kind, chips, path in asked:
                    metric = metric_of(catalogue.accelerators[accelerator], kind)
                    if chips is not None and metric is not None:
                        found[project, region, metric.name, metric.dimension] = Limit(chips, path)
    return found


def _entries(limits: Mapping[str, object], catalogue: Catalogue) -> list[tuple[str, str]]:
    """Accelerators with the key that speaks of each."""
    return [(row, key) for key in limits for row in catalogue.accelerators_named(key) if row == key or row not in limits]


def _both(said: QuotaLimit, at: SpecPath) -> list[tuple[str, int | None, SpecPath]]:
    return [("on-demand", said.on_demand, (*at, "onDemand")), (PREEMPTIBLE[0], said.spot, (*at, "spot"))]


def limits(context: Context) -> Iterator[Diagnostic]:
    """More than the quota at the least scale is an error, more at the most scale a warning."""
    yield from _names(context)
    said = written(context.platform, context.catalogue)
    if not said or not _sound(context):
        return
    for need in needs(context.fleet, demands(context.fleet)):
        limit = said.get((need.project, need.region, need.metric.name, need.metric.dimension))
        if limit is not None and need.most > limit.chips:
            yield from _over(context, need, limit)


def held(context: Context) -> Iterator[Diagnostic]:
    """Reservations alone, and fewer machines in them than the least scale asks for: some servers never start."""
    classes = context.platform.capacity_classes
    alone = {name for name, spec in classes.items() if all(s.kind == "reservation" for s in (*spec.baseline, *spec.burst))}
    if not any(capacity_of(context.platform, key) in alone for key in context.fleet.workload_keys) or not _sound(context):
        return
    for demand in demands(context.fleet):
        if demand.capacity in alone and demand.asks and demand.unmet:
            filled = demand.least - demand.unmet
            yield context.finding(
                "CAP126",
                f"{demand.workload} in {demand.place.name}: reservations hold {filled:,} of the {demand.least:,} chips of its least scale",
                ("capacityClasses", demand.capacity),
                key=True,
                severity=Severity.WARNING,
                notes=(f"{demand.arithmetic} = {demand.least:,} to {demand.most:,}", "reservations are filled in the order of the spec"),
                help="add a burst source, a larger reservation, or lower the scale",
            )


def _sound(context: Context) -> bool:
    """Machines that the catalogue lacks have been told; without them there is nothing to add up."""
    return all(s in context.catalogue.machines for spec in context.platform.capacity_classes.values() for s in spec.every_shape)


def _over(context: Context, need: Need, limit: Limit) -> Iterator[Diagnostic]:
    least = need.least > limit.chips
    asked, scale = (need.least, "least") if least else (need.most, "most")
    more = len(need.by) - 4
    yield context.finding(
        "CAP122",
        f"{need.region} asks for {asked:,} {need.accelerator} by {' or '.join(need.kinds)} at {scale}, its quota is {limit.chips:,}",
        limit.path,
        severity=Severity.ERROR if least else Severity.WARNING,
        notes=(
            *need.by[:4],
            *([f"and {more} more"] if more > 0 else []),
            f"{need.metric.name} {need.metric.dimension}".strip() + f": {asked:,} > {limit.chips:,}",
        ),
        help=f"ask for {asked - limit.chips:,} more, or lower the scale; 'inferspec quota' shows the account",
    )


def _names(context: Context) -> Iterator[Diagnostic]:
    for region, facts in context.platform.regions.items():
        for project, held in facts.quotas.items():
            at: SpecPath = ("regions", region, "quotas", project)
            yield from references.named(context, at, project, "projects", key=True)
            for accelerator in held:
                if not context.catalogue.accelerators_named(accelerator):
                    near = context.catalogue.accelerators.near(accelerator)
                    yield context.finding(
                        "SPC006",
                        f"the catalogue has no accelerator '{accelerator}'",
                        (*at, accelerator),
                        key=True,
                        help=f"did you mean {' or '.join(near)}?" if near else "such as l4, h100 or v6e",
                    )
