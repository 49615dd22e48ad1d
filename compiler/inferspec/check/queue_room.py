"""The chips of queues, counted: what a team's servers need, what others lend, and what the classes hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..diagnostics import Diagnostic, Severity, SpecPath
from ..model.queues import Queue
from ..resolve.ladder import rungs
from ..resolve.places import Place
from ..resolve.quota import PREEMPTIBLE, metric_of
from ..resolve.workload import Workload
from .context import Context, clusters
from .queues import sound
from .quotas import Limit, written


@dataclass(frozen=True, slots=True)
class Asked:
    """Chips of one class that the servers of a queue need in one cluster; ``update`` is that of the largest server more."""

    least: int
    most: int
    update: int
    parts: tuple[str, ...]


def room(context: Context) -> Iterator[Diagnostic]:
    """Below the least scale servers are never admitted, below the most they stop scaling; told once, of the first such cluster."""
    found = list(sound(context))
    left_out = len(found) != len(context.written("queues"))
    for name, queue, places in found:
        for capacity in queue.quota if not (queue.cohort and left_out) else ():  # a queue with a mistake of its own may lend
            verdicts = [d for place in places if (d := _short(context, name, queue, capacity, place, found)) is not None]
            if verdicts:
                yield min(verdicts, key=lambda d: d.severity.rank)


def _short(
    context: Context, name: str, queue: Queue, capacity: str, place: Place, queues: list[tuple[str, Queue, Sequence[Place]]]
) -> Diagnostic | None:
    asked, own = _asked(context, name, capacity, place), queue.own(capacity)
    lent = _lent(name, queue, capacity, place, queues)
    borrowed = min(lent, own.borrow) if own.borrow is not None else lent
    held = own.chips + borrowed
    if asked is None or (asked.most + asked.update <= held and asked.least <= own.chips):
        return None
    if asked.least > held:
        what, way = f"{asked.least:,} at least scale are never all admitted", asked.least
    elif asked.most > held:
        what, way = f"{asked.most:,} at most scale stop at {held:,}", asked.most + asked.update
    elif asked.most + asked.update > held:
        what, way = f"{asked.most:,} at most scale leave no room for the server that an update starts first", asked.most + asked.update
    else:
        what, way = f"{asked.least:,} at least scale are there only as long as others lend", asked.least
    sum_ = f"{own.chips:,} of its own" + (f" + {borrowed:,} borrowed from cohort {queue.cohort}" if borrowed else "")
    return context.finding(
        "CAP127",
        f"queue {name} holds {held:,} chips of class {capacity} in {place.name}: {what}",
        ("queues", name, "quota", capacity),
        key=True,
        severity=Severity.ERROR if asked.least > held else Severity.WARNING,
        notes=(
            *asked.parts,
            f"together {asked.least:,} to {asked.most:,}" + (f", and {asked.update:,} more during an update" if asked.update else ""),
            f"the queue: {sum_} = {held:,}",
        ),
        help=f"{capacity}: {way}" + (" or more" if way == asked.most + asked.update else "") + ", or lower the scale",
    )


def lacking(context: Context) -> Iterator[Diagnostic]:
    """Servers of a class that their queue has no chips of, told once a queue and class."""
    queues = {name: queue for name, queue, _ in sound(context)}
    found: dict[tuple[str, str], dict[str, Workload]] = {}
    held: dict[tuple[str, str], list[Place]] = {}
    for _, w, places in context.cohorts:
        name = str(w.queue.v) if w.queue is not None else ""
        if name in queues and w.engine.workload != "ray-service" and w.capacity_name not in queues[name].quota:
            found.setdefault((name, w.capacity_name), {}).setdefault(w.name, w)
            held.setdefault((name, w.capacity_name), []).extend(places)
    for (name, capacity), servers in found.items():
        here = list(dict.fromkeys(held[name, capacity]))
        sums = [(asked, place) for place in here if (asked := _asked(context, name, capacity, place)) is not None]
        asked, place = max(sums, key=lambda one: one[0].most + one[0].update)
        most = asked.most + asked.update
        during = f" + {asked.update:,} during an update" if asked.update else ""
        yield context.finding(
            "CAP128",
            f"{', '.join(servers)} {'is' if len(servers) == 1 else 'are'} never admitted: queue {name} has no chips of class {capacity}",
            ("queues", name, "quota"),
            key=True,
            related=tuple(context.span((*w.path, "capacity"), f"the class of {w.name}") for w in list(servers.values())[:3]),
            notes=(
                f"in {clusters(here)}",
                f"the queue has {', '.join(queues[name].quota)}",
                *asked.parts,
                f"at most scale in {place.name}: {asked.most:,}{during} = {most:,} chips",
            ),
            help=f"quota: {{{capacity}: {most}}} beside its other classes",
        )


def _asked(context: Context, name: str, capacity: str, place: Place) -> Asked | None:
    """Nodes that are kept ready have no Pods that would be admitted: they do not count, nor does Ray, which no queue takes."""
    here: list[Workload] = []
    for key in context.fleet.workload_keys:
        if context.fleet.is_placed(key, place):
            w = context.fleet.workload_at(key, place)
            if w.queue is not None and w.queue.v == name and w.capacity_name == capacity and w.engine.workload != "ray-service":
                here.append(w)
    if not here:
        return None
    scales = [(w, int(w.scale("min").v), int(w.scale("max").v)) for w in here]
    return Asked(
        least=sum(least * w.layout.total for w, least, _ in scales),
        most=sum(most * w.layout.total for w, _, most in scales),
        update=max((w.layout.total for w in here if w.surges), default=0),
        parts=tuple(f"{w.name}: {least} to {most} replicas x {w.layout.total} chips" for w, least, most in scales),
    )


def _lent(name: str, queue: Queue, capacity: str, place: Place, queues: list[tuple[str, Queue, Sequence[Place]]]) -> int:
    """What the others of the cohort may lend at most, when they use nothing."""
    if queue.cohort is None:
        return 0
    beside = [
        q.own(capacity)
        for other, q, places in queues
        if other != name and q.cohort == queue.cohort and place in places and capacity in q.quota
    ]
    return sum(said.chips if said.lend is None else min(said.lend, said.chips) for said in beside)


def promised(context: Context) -> Iterator[Diagnostic]:
    """Queues of a cluster that share out more of a class than it can have there, where every source of it has an end."""
    limits, found = written(context.platform, context.catalogue), list(sound(context))
    for capacity in context.platform.capacity_classes:
        for place in context.fleet.places:
            sharing = [(name, queue.own(capacity).chips) for name, queue, places in found if place in places and capacity in queue.quota]
            parts = _capacity(context, capacity, place, limits) if sharing else None
            if parts is None or (not parts and context.fleet.uses_class(capacity, place)):  # CAP103 says that there is no source
                continue
            shared, held = sum(chips for _, chips in sharing), sum(chips for _, chips in parts)
            if shared > held:
                most, own = max(reversed(sharing), key=lambda one: one[1])
                at: SpecPath = ("queues", most, "quota", capacity)
                rest = held - (shared - own)
                yield context.finding(
                    "CAP129",
                    f"queues share out {shared:,} chips of class {capacity} in {place.name}, and there are {held:,}",
                    at,
                    key=True,
                    severity=Severity.WARNING,
                    related=(context.span(("capacityClasses", capacity), "the class", key=True),),
                    notes=(
                        f"queues: {' + '.join(f'{name} {chips:,}' for name, chips in sharing)} = {shared:,}",
                        f"class: {' + '.join(f'{what} {chips:,}' for what, chips in parts)} = {held:,}"
                        if parts
                        else f"class: none of its sources is in {place.name}",
                        "Kueue admits what then waits for a node",
                    ),
                    help=(f"share out {held:,}" + (f", such as {capacity}: {rest} here" if 0 < rest < own else ""))
                    + ", or give the class another source"
                    if held
                    else f"leave {capacity} out of queues of {place.name}, or give the class a source there",
                )
                break


def _capacity(context: Context, name: str, place: Place, limits: dict[tuple[str, str, str, str], Limit]) -> list[tuple[str, int]] | None:
    """Chips by source; None where one of them has no end that the spec knows."""
    platform, region = context.platform, context.platform.regions[place.region]
    found: dict[str, int] = {}
    for rung in rungs(platform.capacity_classes[name], context.catalogue):
        kind = rung.source.kind
        if kind == "node-pools":
            for key in rung.source.node_pools or ():
                pool = place.cluster.node_pools.get(key)
                machine = context.catalogue.machines.get(pool.shape) if pool is not None else None
                found[f"node pool {key}"] = pool.max_nodes * machine.chips if pool is not None and machine is not None else 0
        elif kind == "reservation":
            for key in rung.source.reservation or ():
                held = region.reservations.get(key)
                if held is not None and rung.machine is not None and held.shape == rung.machine.id:
                    found[f"reservation {key}"] = held.nodes * rung.machine.chips
        elif kind == "any-reservation" or rung.machine is None or not rung.machine.accelerator:
            return None
        else:
            metric = metric_of(context.catalogue.accelerators[rung.machine.accelerator], kind)
            limit = limits.get((place.cluster.project, place.region, metric.name, metric.dimension)) if metric is not None else None
            if limit is None:
                return None
            found[f"quota {'of Spot and flex-start' if kind in PREEMPTIBLE else 'on demand'}"] = limit.chips
    return list(found.items())
