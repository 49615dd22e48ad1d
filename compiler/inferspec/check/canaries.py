"""Canaries: servers that take a share of a service's requests."""

from __future__ import annotations

from collections.abc import Iterator

from ..diagnostics import Diagnostic, Severity
from ..resolve.dns import led_to
from ..resolve.places import Place
from ..resolve.settings import FlagValue, WorkloadKey
from ..resolve.workload import Workload
from .context import PLACED, USED, Context, clusters
from .flag_names import flag_row

AMOUNT = ("scale", "resources")
"""Keys that say how much, not what."""
READ = ("dtype", "quantization", "kvCacheDtype", "maxNumSeqs", "maxNumBatchedTokens", "blockSize")
"""Roles of flags that the memory account reads where they are set, and that nobody sets but the spec."""


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
                presumes=USED,
            )
            continue
        else:
            continue
        presumes = PLACED if places else ()
        yield context.finding("GTW119", f"canary of {key.service}: {problem}", key.path, key=True, help=help, presumes=presumes)


def _shared(context: Context, gateway: str, place: Place) -> bool:
    """Whether clients of the gateway's host may come to the cluster."""
    has = context.fleet.has_gateway(gateway, place)
    return has and (context.platform.gateways[gateway].dns is None or place in led_to(context.fleet, gateway))


def different(context: Context) -> Iterator[Diagnostic]:
    """A canary tries something: a model version, an engine, a class, flags, with another value than the servers beside it have."""
    held: dict[str, tuple[WorkloadKey, Workload]] = {}
    trying: set[str] = set()
    for key, tried, places in context.cohorts:
        if key.canary:
            beside = key._replace(canary=False)
            if any(_changes(context, context.fleet.workload_at(beside, place), tried) for place in places):
                trying.add(key.service)
            held.setdefault(key.service, (key, tried))
    for service, (key, tried) in held.items():
        if service in trying:
            continue
        said = [s.path for s in tried.settings.flags.values() if s.path[: len(key.path)] == key.path]
        same = [f"{path[-1]} is {tried.settings.flags[str(path[-1])].v} without the canary too" for path in said]
        yield context.finding(
            "SRV131",
            f"canary of {service} differs from it in nothing",
            key.path,
            key=True,
            notes=(*same, "its servers would cost as much as others and try nothing"),
            help="model, engine, image, capacity, flags or env: what it is to try, with another value than the service has",
        )


def _changes(context: Context, stable: Workload, tried: Workload) -> bool:
    """Whether the servers of the canary run anything else: what they are, what they are told, what they have in their environment."""
    if _made_of(stable) != _made_of(tried) or _said(stable) != _said(tried):
        return True
    names = stable.settings.flags.keys() | tried.settings.flags.keys() | stable.settings.removed.keys() ^ tried.settings.removed.keys()
    return any(_value(context, stable, name) != _value(context, tried, name) for name in names)


def _made_of(w: Workload) -> tuple[object, ...]:
    image = w.image_said
    return w.model_ref.v, w.engine.id, w.engine_version.v, image.v if image is not None else "", w.capacity_name


def _said(w: Workload) -> dict[str, FlagValue]:
    """Keys and variables that say what runs, not how much of it."""
    keys = {key: said.v for key, said in w.settings.scalars.items() if key.partition(".")[0] not in AMOUNT}
    return keys | {f"env.{name}": said.v for name, said in w.settings.env.items()}


def _value(context: Context, w: Workload, name: str) -> str | None:
    """What the engine has of a flag, as text; its own default where nobody sets it. None of a flag that is derived."""
    if name in w.settings.flags:
        return str(w.settings.flags[name].v)
    roles = {f.name.removeprefix("--"): role for role, f in w.engine.flags.items()}
    if name not in w.settings.removed and roles.get(name, READ[0]) not in READ:
        return None
    row = flag_row(context, w, name)
    return str(row.default if row is not None else "")
