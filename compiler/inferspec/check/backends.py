"""What a gateway leads to: pools with an endpoint picker, and ordinary Services of servers that no picker reads."""

from __future__ import annotations

from collections.abc import Iterator

from ..catalog import Engine
from ..diagnostics import Diagnostic, SpecPath
from ..model.serving import Service
from .context import Context


def pickers(context: Context) -> Iterator[Diagnostic]:
    """What a picker does is not asked of an engine that none reads: its requests go to an ordinary Service."""
    for name, service in context.platform.serving.items():
        engine = _engine(context, service.engine)
        if not service.expose:
            continue
        if not engine.engine_label:
            for path, key, what in _asked(name, service):
                yield context.finding(
                    "GTW108",
                    f"{name}: no endpoint picker reads the metrics of {engine.id}, and {what} is the picker's",
                    path,
                    key=key,
                    notes=("requests go to its Service, which knows nothing of models, priorities and queues",),
                    help="remove it, or take vllm or sglang",
                )
        tried = _engine(context, service.canary.engine) if service.canary is not None and service.canary.engine is not None else engine
        if bool(tried.engine_label) != bool(engine.engine_label):
            unread = engine if tried.engine_label else tried
            yield context.finding(
                "GTW108",
                f"canary of {name}: no endpoint picker reads the metrics of {unread.id}: one of the two would be a pool",
                ("serving", name, "canary", "engine"),
                notes=("a route shares requests between two pools or between two Services",),
                help=f"a service of its own for {tried.id}, behind a gateway with a host of its own",
            )


def _engine(context: Context, said: str) -> Engine:
    return context.catalogue.engine(said.partition("@")[0])


def _asked(name: str, service: Service) -> Iterator[tuple[SpecPath, bool, str]]:
    """(where, whether its key is meant, what) of all that only a picker does."""
    for i, exposure in enumerate(service.expose):
        if exposure.objective is not None:
            yield ("serving", name, "expose", i, "objective"), False, f"objective {exposure.objective}"
    for key, said in (("aliases", service.aliases), ("picker", service.picker is not None)):
        if said:
            yield ("serving", name, key), True, key


def screened(context: Context) -> Iterator[Diagnostic]:
    """Model Armor reads prompts and answers of the OpenAI API, under the path where that is."""
    for key in context.fleet.front_keys:
        w = context.fleet.workload(key, context.fleet.base)
        for i, exposure in enumerate(w.service.expose):
            gateway = context.platform.gateways[exposure.gateway]
            if gateway.model_armor is None or w.engine.openai:
                continue
            yield context.finding(
                "GTW131",
                f"{w.service_name}: Model Armor of gateway {exposure.gateway} cannot read the requests of {w.engine.id}",
                ("serving", w.service_name, "expose", i, "gateway"),
                related=(context.span(("gateways", exposure.gateway, "modelArmor"), "it screens requests of the OpenAI API", key=True),),
                notes=("they would come to the servers unscreened",),
                help="a gateway without modelArmor for this service"
                + (", or container: {paths: [/v1]} where it serves the OpenAI API" if w.service.container is not None else ""),
            )
