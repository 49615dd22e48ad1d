"""Canaries: servers that take a share of a service's requests."""

from __future__ import annotations

from collections.abc import Iterator

from ..diagnostics import Diagnostic, Severity, SpecPath
from ..model.serving import Canary, Running
from ..resolve.dns import led_to
from ..resolve.places import Place
from .context import Context, clusters

PLACED = {"weight", "where", "variant", "scale", "resources"}
"""Keys that say how much and where, not what."""


def asked(context: Context) -> Iterator[Diagnostic]:
    """A canary gets its requests from a route: with nothing exposed where it stands, its chips wait for nothing."""
    for key in context.fleet.workload_keys:
        if not key.canary:
            continue
        service = context.platform.serving[key.service]
        if context.lost_exposures(key.service):
            continue
        places = list(context.fleet.places_of(key))
        led = [p for p in places if any(context.fleet.has_gateway(e.gateway, p) for e in service.expose)]
        if not service.expose:
            problem, help = f"{key.service} is behind no gateway, which would share its requests", "expose: [{gateway: NAME}]"
        elif context.fleet.workload(key, context.fleet.base).half:
            problem, help = "prompts are read by servers of their own, and both halves share one pool", "leave prefill or canary out"
        elif places and not led:
            problem = f"no gateway of {key.service} is in {clusters(places)}, where it would run"
            help = "widen a gateway's where, or narrow the canary's"
        elif led and not any(_shared(context, e.gateway, p) for e in service.expose for p in led):
            yield context.finding(
                "GTW119",
                f"canary of {key.service}: no host with records leads to {clusters(led)}, where it stands",
                key.path,
                key=True,
                severity=Severity.INFO,
                notes=("its share is of the requests that come there by another name, such as CLUSTER.HOST",),
                help="widen dns.where of a gateway, or let the canary stand where clients come",
            )
            continue
        else:
            continue
        yield context.finding("GTW119", f"canary of {key.service}: {problem}", key.path, key=True, help=help)


def _shared(context: Context, gateway: str, place: Place) -> bool:
    """Whether clients of the gateway's host may come to the cluster."""
    has = context.fleet.has_gateway(gateway, place)
    return has and (context.platform.gateways[gateway].dns is None or place in led_to(context.fleet, gateway))


def different(context: Context) -> Iterator[Diagnostic]:
    """A canary tries something: a model version, an engine, a class, flags."""
    for name, service in context.platform.serving.items():
        canary = service.canary
        if canary is None:
            continue
        at: SpecPath = ("serving", name, "canary")
        if not _changes(canary):
            yield context.finding(
                "SRV131",
                f"canary of {name} differs from it in nothing",
                at,
                key=True,
                notes=("its servers would cost as much as others and try nothing",),
                help="model, engine, image, capacity, flags or env: what it is to try",
            )


def _changes(canary: Canary) -> bool:
    unset = Running.model_fields | Canary.model_fields
    return any(getattr(canary, key) not in (None, {}) for key in unset if key not in PLACED)
