"""Entries that lead to nothing, because nothing names them."""

from __future__ import annotations

from collections.abc import Iterator

from ..diagnostics import Diagnostic, Severity
from ..nearest import nearest
from ..resolve.ladder import sources as sources_of
from .capacity_reservations import nearly
from .context import USED, Context

WAYS_OUT = {
    "teams": "let a service name it as its team, or remove it",
    "secrets": "let a model or an adapter name it as its secret, or remove it",
    "storage": "let a model name it as its store, or remove it",
    "models": "let a service name it, or remove it: its weights are fetched for nobody",
    "capacityClasses": "let a service name it as its capacity, or remove it: no cluster has it until then",
}


def entries(context: Context) -> Iterator[Diagnostic]:
    for section, way_out in WAYS_OUT.items():
        for name in sorted(context.written(section)):
            if (section, name) not in context.used and not (section == "capacityClasses" and _placed(context, name)):
                yield context.finding(
                    "SPC034",
                    f"nothing names {section}.{name}",
                    (section, name),
                    key=True,
                    severity=Severity.INFO,
                    help=way_out,
                    presumes=(*USED, *WAYS_OUT, "queues"),
                )


def _placed(context: Context, name: str) -> bool:
    """Whether a class says itself where it is, for Pods that others bring."""
    held = context.platform.capacity_classes.get(name)
    return held is None or held.where is not None


def reservations(context: Context) -> Iterator[Diagnostic]:
    """Machines that are paid for by the hour, in a region where no server asks for them."""
    classes = {name: [source for _, source in sources_of(spec)] for name, spec in context.platform.capacity_classes.items()}
    for region, facts in context.platform.regions.items():
        here = [place for place in context.fleet.places if place.region == region]
        sources = [s for name, held in classes.items() if any(context.fleet.uses_class(name, p) for p in here) for s in held]
        if any(source.any_reservation for source in sources):
            continue
        asked = {key for source in sources for key in source.reservation or ()}
        for key, held in facts.reservations.items():
            if key not in asked and (held.starts is None or held.starts <= context.today.isoformat()):
                meant = [wanted for wanted in sorted(asked - facts.reservations.keys()) if nearly(context, region, wanted) == key]
                way_out = f"baseline: [{{reservation: {key}}}] of a class of {held.shape} that serves there, or remove it here"
                yield context.finding(
                    "CAP143",
                    f"no server in {region} asks for reservation '{key}': its machines ({held.nodes} x {held.shape}) are paid for and idle",
                    ("regions", region, "reservations", key),
                    key=True,
                    severity=Severity.WARNING,
                    help=f"did you mean '{meant[0]}', which classes ask for there?" if meant else way_out,
                    cause=f"reservations of {region}" if meant else "",
                    presumes=(*USED, "capacityClasses", "reservations"),
                )


def cohorts(context: Context) -> Iterator[Diagnostic]:
    """A cohort of one queue shares nothing; a name nearly that of another is meant to be it."""
    members: dict[str, list[str]] = {}
    for name, queue in context.platform.queues.items():
        if queue.cohort is not None:
            members.setdefault(queue.cohort, []).append(name)
    told: set[str] = set()
    for cohort, (first, *others) in reversed(members.items()):
        near = nearest(cohort, [other for other in members if other != cohort])
        if others or not told.isdisjoint(near):  # of two names that are nearly one, one is told
            continue
        told.add(cohort)
        yield context.finding(
            "CAP144",
            f"queue {first} is alone in cohort '{cohort}': nobody lends to it or borrows from it",
            ("queues", first, "cohort"),
            severity=Severity.WARNING,
            related=tuple(context.span(("queues", members[other][0], "cohort"), "nearly the same") for other in near),
            help=f"did you mean '{near[0]}'?" if near else "give another queue the same cohort, or remove it",
            presumes=("queues",),
        )
