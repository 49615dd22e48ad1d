"""What a gateway leads to: pools with an endpoint picker, and ordinary Services of servers that no picker reads."""

from __future__ import annotations

from collections.abc import Iterator

from ..catalog import Engine
from ..diagnostics import Diagnostic, SpecPath
from ..model.delivery import Gateway
from ..model.serving import Service
from ..resolve.dns import led_to
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


def identified(context: Context) -> Iterator[Diagnostic]:
    """IAP guards a Service, and asks a browser to sign in: no pool, no port without TLS, no health check that is no person."""
    for name, gateway in context.platform.gateways.items():
        problem, help = _unasked(context, name, gateway) if gateway.iap is not None else ("", "")
        if problem:
            yield context.finding("GTW135", f"gateway {name}: {problem}", ("gateways", name, "iap"), key=True, help=help)
    for name, service in context.platform.serving.items():
        shown = {e.gateway: context.platform.gateways[e.gateway].iap for e in service.expose}
        asking = [gateway for gateway, iap in shown.items() if iap is not None]
        engine = _engine(context, service.engine)
        if asking and engine.engine_label:
            problem, help = f"gateway {asking[0]} has iap, and {name} is an inference pool", "a gateway without iap for this service"
        elif asking and any(iap != shown[asking[0]] for iap in shown.values()):
            problem = f"{name} stands behind gateways with different iap"
            help = "one iap for these gateways, or a service of its own behind each"
        else:
            continue
        yield context.finding(
            "GTW135",
            problem,
            ("serving", name, "expose"),
            key=True,
            related=(context.span(("gateways", asking[0], "iap"), "its iap", key=True),),
            help=help,
        )


def _unasked(context: Context, name: str, gateway: Gateway) -> tuple[str, str]:
    """Why IAP cannot stand at the gateway, and what to do; nothing where it can."""
    if not gateway.class_.endswith("-external"):
        return "iap is for external classes", "class: regional-external or global-external"
    if gateway.tls is None:
        return "iap needs HTTPS", "tls: with the certificate of the host"
    if gateway.dns is not None and len({place.region for place in led_to(context.fleet, name)}) > 1:
        return "iap answers the health checks of dns with its sign-in, so every region looks lost", "dns.where: clusters of one region"
    return "", ""
