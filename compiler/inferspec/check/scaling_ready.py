"""Nodes that are kept ready for further servers: by a buffer or by Pods that give way, and of a kind that stays."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..diagnostics import Diagnostic, Severity
from ..resolve.workload import Workload
from ..values import Value
from .context import Context, place_of

STAYS = ("on-demand", "reservation", "any-reservation", "node-pools")
"""Sources whose nodes nobody takes away."""


def ready(context: Context) -> Iterator[Diagnostic]:
    told: set[Any] = set()
    for w in context.workloads():
        for finding in _of_workload(context, w):
            if (finding.code, finding.path) not in told:
                told.add((finding.code, finding.path))
                yield finding


def _of_workload(context: Context, w: Workload) -> Iterator[Diagnostic]:
    for key, held in (("buffer", w.buffer), ("placeholders", w.placeholders)):
        if held is None:
            continue
        at = place_of(held, (*w.path, "scale"))
        if w.engine.workload != "deployment" or w.layout.spans_nodes:
            what = "a group of nodes" if w.engine.workload == "deployment" else "a RayService"
            yield context.finding(
                "SCL110",
                f"{w.name} is {what}: {'a buffer' if key == 'buffer' else 'placeholders'} would keep single nodes ready",
                at,
                notes=(f"{key} keeps room for copies of one Pod; the leader of a group is one of several, on a machine each",),
                help=f"leave {key} out; minimumNodes of the class keeps nodes",
            )
        elif not any(source.kind in STAYS for source in (*w.capacity.baseline, *w.capacity.burst)):
            yield _fleeting(context, w, key, held)
        if int(held.v) > int(w.scale("max").v):
            yield _beyond(context, w, key, held)
    if w.buffer is not None and w.placeholders is not None:
        yield context.finding(
            "SCL112",
            f"{w.name} keeps {_nodes(int(w.buffer.v))} by a CapacityBuffer and {w.placeholders.v} more by placeholders",
            place_of(w.placeholders, (*w.path, "scale")),
            related=(context.span(place_of(w.buffer, (*w.path, "scale")), "the buffer"),),
            notes=(f"{w.kept} nodes without a server are paid for; the autoscaler plans each set without the other",),
            help="one of the two: buffer where the cluster has it (GKE 1.35.2), else placeholders",
        )


def _beyond(context: Context, w: Workload, key: str, held: Value) -> Diagnostic:
    least, most = int(w.scale("min").v), int(w.scale("max").v)
    at = (*w.path, "scale")
    return context.finding(
        "CAP141",
        f"{w.name}: room is kept for {held.v} further servers, and it has {most} at most",
        place_of(held, at),
        severity=Severity.WARNING,
        related=(context.span(place_of(w.scale("max"), at), "the most"),),
        notes=(f"{most} at most - {least} at least = {most - least} that can come, and one more in an update; the rest is paid for idle",),
        help=f"{key}: {most - least + 1} or fewer, or a higher max",
    )


def _fleeting(context: Context, w: Workload, key: str, held: Value) -> Diagnostic:
    kinds = dict.fromkeys(source.kind for source in (*w.capacity.baseline, *w.capacity.burst))
    return context.finding(
        "SCL113",
        f"{w.name}: {_nodes(int(held.v))} kept ready, and class {w.capacity_name} has none that stays",
        place_of(held, (*w.path, "scale")),
        severity=Severity.WARNING,
        related=(context.span(("capacityClasses", w.capacity_name), f"{' and '.join(kinds)} alone", key=True),),
        notes=("a spot node goes when Compute Engine wants it, a flex-start node after seven days: ready is what happens to be there",),
        help=f"a reservation or on-demand in the class, or no {key}",
    )


def _nodes(number: int) -> str:
    return "1 node" if number == 1 else f"{number} nodes"
