"""The order of a class: rungs that are reached, scores, waits, how long nodes run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from ..diagnostics import Diagnostic, Severity, SpecPath, format_path
from ..model.base import seconds
from ..model.capacity import CapacityClass, CapacitySource
from ..resolve.ladder import Rung, rungs, shapes
from ..resolve.ladder import sources as sources_of
from .context import Context

DAY = 86_400


def reached(context: Context) -> Iterator[Diagnostic]:
    """A rung that an earlier one takes the place of is never asked.

    AnyBestEffort falls back to on-demand inside Compute Engine (google/skills@1af7775, "Reservation fallback bypass").
    """
    for name, spec in context.platform.capacity_classes.items():
        ladder = list(rungs(spec, context.catalogue))
        for at, source in sources_of(spec):
            mine = [rung for rung in ladder if rung.at == at]
            earlier = ladder[: ladder.index(mine[0])] if mine else []
            blocking = [next((e for e in earlier if _covers(spec, e, rung)), None) for rung in mine]
            if mine and blocking[0] is not None and all(blocking):
                first = blocking[0]
                same = first.source.kind == source.kind
                yield context.finding(
                    "CAP109",
                    f"class {name}: {source.kind} is never asked, {format_path(first.at)} "
                    + ("says the same before it" if same else "takes on-demand machines itself"),
                    ("capacityClasses", name, *at),
                    severity=Severity.WARNING,
                    related=(context.span(("capacityClasses", name, *first.at), "asked before it"),),
                    notes=() if same else ("flex-start and Spot below it are asked when on-demand has failed; GKE reports nothing",),
                    help="remove it" if same else "{anyReservation: then-fail} and {reservation: NAME} leave on-demand to its own rung",
                )


def _covers(spec: CapacityClass, earlier: Rung, later: Rung) -> bool:
    if earlier.machine is not later.machine or _zones(spec, earlier.source) != _zones(spec, later.source):
        return False
    bypass = earlier.source.any_reservation == "best-effort" and later.source.kind == "on-demand"
    asked = ("kind", "flex_start", "max_run", "reservation", "any_reservation", "node_pools", "local_ssd", "boot_disk", "placement")
    return bypass or all(getattr(earlier.source, key) == getattr(later.source, key) for key in asked)


def _zones(spec: CapacityClass, source: CapacitySource) -> object:
    keys = ("zones", "zone_types", "location_policy")
    return tuple(getattr(spec if getattr(source, key) is None else source, key) for key in keys)


def scores(context: Context) -> Iterator[Diagnostic]:
    """All rungs have a score or none has; three at most share one (ComputeClass CRD, GKE 1.35.2)."""
    for name, spec in context.platform.capacity_classes.items():
        root: SpecPath = ("capacityClasses", name)
        without = [at for at, source in sources_of(spec) if source.score is None]
        scored = [(at, source.score) for at, source in sources_of(spec) if source.score is not None]
        if scored and without:
            yield context.finding(
                "CAP113",
                f"class {name}: {format_path(scored[0][0])} has a score and {format_path(without[0])} has none",
                (*root, *without[0]),
                notes=("the API server refuses it: PriorityScore must be set for all priorities or for none of them",),
                help="score: on every source, or on none",
            )
        count = Counter(rung.source.score for rung in rungs(spec, context.catalogue) if rung.source.score is not None)
        for score, n in count.items():
            if n > 3:
                at = next(at for at, source in sources_of(spec) if source.score == score)
                yield context.finding(
                    "CAP113",
                    f"class {name}: {n} entries have score {score}, GKE takes 3",
                    (*root, *at, "score"),
                    notes=("a source is one entry for each shape", "GKE reports RuleMisconfigured"),
                    help="give the less wanted ones a score of their own",
                )


def interrupted(context: Context) -> Iterator[Diagnostic]:
    """Spot first, for a service whose requests carry an objective: every node can be taken away in 30 seconds."""
    objectives = context.platform.objectives
    for key in context.fleet.workload_keys:
        workload = context.fleet.workload(key, context.fleet.base)
        first = next((source for _, source in sources_of(workload.capacity)), None)
        asked = sorted({e.objective for e in workload.service.expose if e.objective and objectives.get(e.objective, -1) >= 0})
        if first is not None and first.kind == "spot" and asked:
            yield context.finding(
                "CAP114",
                f"{workload.name} serves objective {asked[0]} and its class {workload.capacity_name} asks for Spot first",
                (*workload.path, "capacity"),
                related=(context.span(("capacityClasses", workload.capacity_name), "Spot is its first source", key=True),),
                notes=("a Spot node is taken away with 30 s of notice; Google's order is reservation, on-demand, flex-start, Spot",),
                help="put spot last, or take another class for this service",
            )


def durations(context: Context) -> Iterator[Diagnostic]:
    """Limits of the autoscaler (GoogleCloudPlatform/cluster-autoscaler@7d25050 injection.go) and of the CRD."""
    for name, spec in context.platform.capacity_classes.items():
        root: SpecPath = ("capacityClasses", name)
        if spec.consolidation is not None:
            path: SpecPath = (*root, "consolidation", "delay")
            yield from _within(context, path, spec.consolidation.delay, 60, DAY, "consolidation waits 1m to 24h")
        for at, source in sources_of(spec):
            path = (*root, *at)
            yield from _within(context, (*path, "flexStart"), source.flex_start, 600, 7 * DAY, "flex-start nodes run 10m to 168h")
            yield from _within(context, (*path, "maxRun"), source.max_run, 30, 120 * DAY, "a node runs 30s to 2880h")
            yield from _within(context, (*path, "wait"), source.wait, 1, DAY, "a rung is waited for 1s to 24h")
            most = seconds(source.flex_start) - 1 if source.flex_start else 7 * DAY
            path = (*path, "recycleBefore")
            yield from _within(context, path, source.recycle_before, 1, most, "a node is replaced before its own end")


def _within(context: Context, path: SpecPath, said: str | None, least: int, most: int, rule: str) -> Iterator[Diagnostic]:
    if said is not None and not least <= seconds(said) <= most:
        yield context.finding(
            "CAP106",
            f"{rule}, not {said}",
            path,
            notes=(f"{seconds(said):,} s; GKE takes {least:,} to {most:,}", "GKE reports RuleMisconfigured"),
            help=f"{path[-1]}: from {_spelt(least)} to {_spelt(most)}",
        )


def _spelt(total: int) -> str:
    for unit, length in (("h", 3600), ("m", 60)):
        if total % length == 0:
            return f"{total // length}{unit}"
    return f"{total}s"


def waits(context: Context) -> Iterator[Diagnostic]:
    """Keys of flex-start, and of slices of TPUs, on sources that have neither."""
    for name, spec in context.platform.capacity_classes.items():
        for at, source in sources_of(spec):
            path: SpecPath = ("capacityClasses", name, *at)
            flex = source.kind == "flex-start"
            tpu = any(context.catalogue.kind_of(shape) == "tpu" for shape in shapes(spec, source))
            wrong = {
                "wait": source.wait is not None and not flex and not tpu,
                "recycleBefore": source.recycle_before is not None and not flex,
                "maxRun": source.max_run is not None and flex,
            }
            for key in (key for key, is_wrong in wrong.items() if is_wrong):
                yield context.finding(
                    "CAP115",
                    f"{key} is not for {source.kind}" if key != "maxRun" else "flexStart says how long the node runs already",
                    (*path, key),
                    notes=("capacityCheckWaitTimeSeconds is only supported for Flex Start and for multi-host TPUs (ComputeClass CRD)",)
                    if key == "wait"
                    else (),
                    help=f"remove {key}",
                )
