"""No server while nobody asks: who sees the first request, and who holds it until there is one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..diagnostics import Diagnostic, Severity
from ..model.base import seconds
from ..resolve.objectives import series
from ..resolve.picker_config import FLOW_CONTROL, holds, path_of, queueing
from ..resolve.scaling import KEDA, by, waiting
from ..resolve.workload import Workload
from .context import Context, place_of

HELD = 60
"""Seconds that a request waits for the first server without coldStartTtl (llm-d/llm-d-router v0.10.0, noEndpointRequestTTL)."""


def zero(context: Context) -> Iterator[Diagnostic]:
    seen: set[Any] = set()
    for w in context.workloads():
        zero = w.to_zero and by(w) == KEDA and w.engine.workload == "deployment"
        found = ([*_seen(context, w)] or [*_held(context, w)]) if zero else [*_idle(context, w)]
        for finding in found:
            if (finding.code, finding.path, finding.message) not in seen:
                seen.add((finding.code, finding.path, finding.message))
                yield finding


def _idle(context: Context, w: Workload) -> Iterator[Diagnostic]:
    said = w.settings.get("scale.idle")
    if said is not None and not w.to_zero:
        at = place_of(said, (*w.path, "scale"))
        told = f"{w.name}: idle is said, and {w.scale('min').v} or more replicas stay"
        yield context.finding("SCL108", told, at, severity=Severity.WARNING, help="min: 0, or leave idle out")


def _seen(context: Context, w: Workload) -> Iterator[Diagnostic]:
    """With no server the engine shows nothing: the queue of the picker is what tells KEDA of a request."""
    why, help = "", ""
    if w.half:
        why, help = "its halves share one picker, whose queue does not say which of them is missing", "min: 1 for both halves"
    elif context.lost_exposures(w.service_name):
        return
    elif not w.service.expose:
        why, help = "no gateway leads to it, so no picker holds a request", "expose it, or min: 1"
    elif not w.pooled:
        why, help = f"no endpoint picker reads {w.engine.id}, so none holds a request", "min: 1, or an engine that a picker reads"
    elif not holds(w.stack):
        able = [s for s in context.catalogue.stacks() if holds(context.catalogue.stack(s))]
        why = f"the picker of stack {w.stack.id} holds no request for a first server"
        help = f"stack: {able[0]}, or min: 1" if able else "min: 1"
    elif queueing(w) is None:
        why, help = f"its picker holds no request: {FLOW_CONTROL} is off", _way(context, w)
    elif waiting(w) is None or series(w, "running") is None:
        why, help = f"{w.engine.id} {w.engine_version.v} does not show running requests: the last server would go with them", "min: 1"
    if why:
        at = place_of(w.scale("min"), (*w.path, "scale"))
        notes = ("a server that is not there has no metrics: without a queue before it nothing would ever start one",)
        yield context.finding("SCL108", f"{w.name} would stay at zero replicas: {why}", at, notes=notes, help=help)


def first_server(w: Workload) -> tuple[int, int]:
    """Seconds that the first server takes: for its node, and until it is ready there."""
    return int(w.default("load.nodeSeconds").v), w.pod.ready_seconds


def _way(context: Context, w: Workload) -> str:
    """A wait that is long enough for the first server, and gateways that wait as long."""
    minutes = -(-sum(first_server(w)) // 60)
    short = sorted({e.gateway for e in w.service.expose if _timeout(context, e.gateway) < minutes * 60})
    longer = f" with timeout: {minutes}m of gateway {' and '.join(short)}" if short else ""
    return f"picker: {{flowControl: {{coldStartTtl: {minutes}m}}}}{longer}, or min: 1"


def _timeout(context: Context, gateway: str) -> int:
    said = context.platform.gateways[gateway].timeout
    return seconds(said) if said else int(context.catalogue.default("gateway.backendTimeout"))


def _held(context: Context, w: Workload) -> Iterator[Diagnostic]:
    """The first request waits for a node, the weights and the compilation."""
    node, ready = first_server(w)
    due, flow = node + ready, queueing(w)
    said = flow.cold_start_ttl if flow is not None else None
    own = w.service.picker is not None and w.service.picker.config is not None
    held = seconds(said) if said is not None else HELD
    arithmetic = (f"{node} s for a node + {ready} s for the weights and to compile",)
    at = path_of(w.service_name)
    if held < due and not own:
        yield context.finding(
            "SCL109",
            f"{w.name}: a request waits {held} s for the first server, which takes about {due} s",
            (*at, "flowControl", "coldStartTtl") if said is not None else (*at, "flowControl"),
            key=said is None,
            severity=Severity.WARNING,
            notes=arithmetic,
            help=f"coldStartTtl: {-(-due // 60)}m",
        )
    for exposure in w.service.expose:
        gateway = context.platform.gateways[exposure.gateway]
        most = _timeout(context, exposure.gateway)
        if most < due:
            yield context.finding(
                "SCL109",
                f"{w.name}: gateway {exposure.gateway} gives a request up after {most} s, and the first server takes about {due} s",
                ("gateways", exposure.gateway, *(["timeout"] if gateway.timeout else [])),
                key=not gateway.timeout,
                severity=Severity.WARNING,
                notes=arithmetic,
                help=f"timeout: {-(-max(due, seconds(said) if said is not None else 0) // 60)}m or more",
            )
