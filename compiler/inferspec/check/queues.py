"""Queues of Kueue against what they admit: kinds, classes, namespaces, and whether the chips are enough."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..diagnostics import Diagnostic, Severity, SpecPath
from ..model.queues import Queue
from ..resolve.places import Place
from .context import USED, Context, agreeing, clusters
from .layout import without_operator

ADDON = "kueue"


def provided(context: Context) -> Iterator[Diagnostic]:
    """Queues are nothing where no Kueue reads them."""
    for name, _, places in sound(context):
        without = [p for p in places if ADDON not in p.cluster.addons]
        if without:
            yield without_operator(context, f"queue {name} is of Kueue", without, "ClusterQueue", ADDON)


def placed(context: Context) -> Iterator[Diagnostic]:
    """A queue stands in its team's namespace, which is where the team serves; one queue a team, or nobody knows which admits."""
    first: dict[tuple[str, Place], str] = {}
    for name, queue, places in sound(context):
        at: SpecPath = ("queues", name)
        absent = [p for p in places if not context.fleet.serves_team(queue.team, p)]
        if absent:
            there = [p.name for p in context.fleet.places if context.fleet.serves_team(queue.team, p)]
            yield context.finding(
                "CAP130",
                f"queue {name}: {agreeing(absent, 'has', 'have')} no namespace "
                f"{context.platform.teams[queue.team].namespace}, where it would stand",
                (*at, "where"),
                notes=(f"team {queue.team} serves in {', '.join(there) or 'no cluster'}",),
                help=f"where: {{cluster: [{', '.join(there)}]}}" if there else "remove the queue until the team serves something",
                presumes=USED,
            )
        for place in places:
            other = first.setdefault((queue.team, place), name)
            if other != name:
                yield context.finding(
                    "CAP131",
                    f"queues {other} and {name} are both team {queue.team}'s in {place.name}",
                    (*at, "where"),
                    related=(context.span(("queues", other, "where"), "the first one"),),
                    notes=("a server has one queue",),
                    help="let each cluster have one queue of the team: put the quotas together, or part the clusters",
                )
                break


def classless(context: Context) -> Iterator[Diagnostic]:
    """Where the team has something, but no server: classes that no other team brings are not there, and no node of theirs is made."""
    queued = {(str(w.queue.v), place) for _, w, places in context.cohorts if w.queue is not None for place in places}
    for name, queue, places in sound(context) if not context.services_left_out else ():
        idle = [p for p in places if context.fleet.serves_team(queue.team, p) and (name, p) not in queued]
        absent = [c for c in queue.quota if any(not context.fleet.uses_class(c, p) for p in idle)]
        if absent:
            there = [p.name for p in places if p not in idle]
            yield context.finding(
                "CAP142",
                f"queue {name}: team {queue.team} has no server in {clusters(idle)}, and class {' and '.join(absent)} is not there",
                ("queues", name, "where"),
                severity=Severity.WARNING,
                notes=("a class is made where a server uses it: what the queue admits of it elsewhere gets no node",),
                help=f"where: {{cluster: [{', '.join(there)}]}}" if there else "remove the queue until the team serves something",
            )


def kinds(context: Context) -> Iterator[Diagnostic]:
    """What Kueue would do wrong with a server: a class without chips, a head of Ray without a class."""
    for name, queue, _ in sound(context):
        for capacity in queue.quota:
            if not context.catalogue.machines[context.platform.capacity_classes[capacity].shape[0]].accelerator:
                yield context.finding(
                    "CAP134",
                    f"queue {name} counts chips, and the machines of class {capacity} have none",
                    ("queues", name, "quota", capacity),
                    key=True,
                    help=f"remove {capacity}: Pods without chips need no queue",
                )
    told: set[str] = set()
    queues = {name for name, _, _ in sound(context)}
    for _, w, places in context.cohorts:
        if w.queue is None or str(w.queue.v) not in queues:
            continue
        if w.engine.workload == "ray-service" and w.name not in told:
            told.add(w.name)
            yield context.finding(
                "CAP132",
                f"{w.name} runs in Ray, and Kueue would place its head on nodes of queue {w.queue.v}",
                ("serving", w.service_name, "engine"),
                related=(context.span(("queues", str(w.queue.v), "where"), f"the queue is in {clusters(places)}"),),
                notes=("the head has no chips and no class: Kueue gives it the first class of the queue, whose nodes refuse it",),
                help=f"leave {clusters(places)} out of the queue's where, or let another team have the service",
            )


def alone(context: Context) -> Iterator[Diagnostic]:
    """Borrowing and lending are a cohort's; nobody lends more than there is."""
    for name, queue in context.platform.queues.items():
        if queue.cohort is None and queue.reclaim:
            yield _no_cohort(context, name, "reclaim", ("queues", name, "reclaim"))
        for capacity in queue.quota:
            said, at = queue.own(capacity), ("queues", name, "quota", capacity)
            if queue.cohort is None:
                keys = [key for key in ("borrow", "lend") if getattr(said, key) is not None]
                if keys:
                    yield _no_cohort(context, name, keys[0], (*at, keys[0]))
            elif said.lend is not None and said.lend > said.chips:
                message = f"queue {name} lends {said.lend} of its {said.chips} chips of class {capacity}"
                yield context.finding("CAP133", message, (*at, "lend"), help=f"lend: {said.chips} at most, or leave it out to lend all")


def _no_cohort(context: Context, name: str, key: str, at: SpecPath) -> Diagnostic:
    return context.finding(
        "CAP133",
        f"queue {name} has no cohort, so there is nobody for its {key}",
        at,
        notes=() if key == "reclaim" else ("Kueue refuses a limit of it without a cohort",),
        help="cohort: NAME, the same for the queues that share",
    )


def sound(context: Context) -> Iterator[tuple[str, Queue, Sequence[Place]]]:
    """Queues whose team and classes there are, with their clusters; the rest is told by name."""
    platform, machines = context.platform, context.catalogue.machines
    for name, queue in platform.queues.items():
        if queue.team in platform.teams and all(
            c in platform.capacity_classes and platform.capacity_classes[c].shape[0] in machines for c in queue.quota
        ):
            yield name, queue, context.fleet.selected(queue.where)
