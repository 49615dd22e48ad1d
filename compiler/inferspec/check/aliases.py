"""Further names of a service: each leads to a name that its servers answer to."""

from __future__ import annotations

from collections.abc import Iterator

from ..diagnostics import Diagnostic, SpecPath
from ..model.serving import Service
from ..nearest import nearest
from .context import Context


def aliases(context: Context) -> Iterator[Diagnostic]:
    for key in context.fleet.front_keys:
        service = context.platform.serving[key.service]
        if key.variant not in (None, next(iter(service.variants), None)):
            continue
        own = str(context.fleet.workload(key, context.fleet.base).served_name().v)
        if own in service.adapters:
            yield context.finding(
                "GTW121",
                f"{own} is the name of the model of {key.service} itself",
                ("serving", key.service, "adapters", own),
                key=True,
                notes=("a request cannot say which of the two it means",),
                help="another name for the adapter",
            )
        if not service.aliases:
            continue
        at: SpecPath = ("serving", key.service, "aliases")
        if not service.expose and not context.lost_exposures(key.service):
            yield context.finding(
                "GTW120",
                f"{key.service} is behind no gateway, and only a pool's picker knows its aliases",
                at,
                key=True,
                help="expose: [{gateway: NAME}]",
            )
        served = [str(name.v) for name in context.fleet.workload(key, context.fleet.base).serves()]
        yield from _named(context, key.service, service, served)


def _named(context: Context, name: str, service: Service, served: list[str]) -> Iterator[Diagnostic]:
    for alias, said in service.aliases.items():
        at: SpecPath = ("serving", name, "aliases", alias)
        if alias in served:
            yield context.finding(
                "GTW121",
                f"{alias} is a name that the servers of {name} answer to",
                at,
                key=True,
                notes=("requests for it would be given to another model",),
                help="another alias",
            )
        for target in [said] if isinstance(said, str) else said:
            if target not in served and service.dynamic_adapters is None:
                near = nearest(target, served)
                yield context.finding(
                    "GTW120",
                    f"alias {alias}: no server of {name} answers to {target}",
                    at if isinstance(said, str) else (*at, target),
                    key=not isinstance(said, str),
                    help=f"did you mean '{near[0]}'?" if near else f"it answers to {', '.join(served)}",
                )
        if not isinstance(said, str) and sum(said.values()) != 100:
            yield context.finding(
                "GTW122",
                f"alias {alias}: {' + '.join(map(str, said.values()))} = {sum(said.values())} percent of its requests",
                at,
                key=True,
                help="shares that are 100 together",
            )
