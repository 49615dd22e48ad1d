"""Routes that lead to pools, and gateways that may carry them."""

from __future__ import annotations

from collections.abc import Iterator

from ..diagnostics import Diagnostic, Severity, SpecPath
from ..model.serving import Exposure
from ..resolve.crossregion import regions
from ..resolve.screening import SETTINGS_LIMIT, settings
from ..resolve.settings import WorkloadKey
from .context import PLACED, USED, Context, clusters, place_of


def reached(context: Context) -> Iterator[Diagnostic]:
    """An exposure leads somewhere: its gateway stands in a cluster that runs the service."""
    for name, service in context.platform.serving.items():
        keys = [k for k in context.fleet.front_keys if k.service == name]
        runs = [p for p in context.fleet.places if any(context.fleet.is_placed(k, p) for k in keys)]
        for i, exposure in enumerate(service.expose):
            has = [p for p in context.fleet.places if context.fleet.has_gateway(exposure.gateway, p)]
            if runs and has and not set(runs) & set(has):
                yield context.finding(
                    "GTW102",
                    f"gateway {exposure.gateway} stands in no cluster that runs {name}",
                    ("serving", name, "expose", i, "gateway"),
                    related=(context.span(("gateways", exposure.gateway, "where"), "where it stands"),),
                    notes=(f"{name} runs in {clusters(runs)}; the gateway is in {clusters(has)}",),
                    help="widen the gateway's where, or take another gateway",
                    presumes=PLACED,
                )


def routing(context: Context) -> Iterator[Diagnostic]:
    """Behind one gateway a model's name leads to one pool; SRV002 says it of the names that two services are exposed by."""
    taken: dict[tuple[str, SpecPath, str], tuple[WorkloadKey, SpecPath, bool]] = {}
    told: set[tuple[WorkloadKey, str]] = set()
    for key in context.fleet.front_keys:
        service = context.platform.serving[key.service]
        for i, exposure in enumerate(service.expose):
            if not context.fleet.leads_by_model(exposure.gateway):
                continue
            path: SpecPath = ("serving", key.service, "expose", i)
            for place in context.fleet.places:
                if not context.fleet.is_exposed(key, exposure.gateway, place):
                    continue
                for number, name in enumerate(context.fleet.workload_at(key, place).answers_to()):
                    own = number == 0
                    at = path if own else place_of(name, path)
                    first = taken.setdefault((exposure.gateway, place.path, str(name.v)), (key, at, own))
                    said = first[0].service != key.service and first[2] and own
                    if first[0] != key and not said and (key, exposure.gateway) not in told:
                        told.add((key, exposure.gateway))
                        yield context.finding(
                            "GTW101",
                            f"gateway {exposure.gateway} already leads {name.v} to {_named(first[0])} in cluster {place.name}",
                            at,
                            key=not own,
                            related=(context.span(first[1], "the first one", key=not first[2]),),
                            notes=("a request names the model, and one name reaches one pool",),
                            help="as: another name, or a gateway with a host of its own"
                            if own
                            else f"another name than {name.v}, or a gateway with a host of its own",
                        )


def _named(key: WorkloadKey) -> str:
    return key.service if key.variant is None else f"{key.service} ({key.variant})"


def bodies(context: Context) -> Iterator[Diagnostic]:
    """A gateway that leads by the model's name needs servers whose requests have one."""
    for key in context.fleet.front_keys:
        for i, exposure in enumerate(context.platform.serving[key.service].expose):
            if not context.fleet.leads_by_model(exposure.gateway):
                continue
            w = context.fleet.workload(key, context.fleet.base)
            if "servedModelName" not in w.engine.flags:
                yield context.finding(
                    "GTW110",
                    f"requests to {w.engine.id} name no model, and gateway {exposure.gateway} leads by that name"
                    if w.pooled
                    else f"gateway {exposure.gateway} leads to pools by the model's name, and {w.service_name} is an ordinary Service: "
                    f"no picker reads {w.engine.id}",
                    ("serving", key.service, "expose", i),
                    notes=("several services stand behind the gateway: the model of the body chooses among them",),
                    help="give this service a gateway with a host of its own",
                )


def defaults(context: Context) -> Iterator[Diagnostic]:
    """Requests without a model's name go to a service that the gateway leads to, where there is a choice."""
    for name, gateway in context.platform.gateways.items():
        if gateway.default is None or any(map(context.lost_exposures, context.platform.serving)):
            continue
        behind = sorted({k.service for k in context.fleet.front_keys if any(e.gateway == name for e in _exposed(context, k))})
        if gateway.default not in behind:
            yield context.finding(
                "GTW111",
                f"gateway {name} does not lead to {gateway.default}",
                ("gateways", name, "default"),
                help=f"it leads to {', '.join(behind) or 'nothing'}",
                presumes=USED,
            )
        elif not context.fleet.leads_by_model(name):
            yield context.finding(
                "GTW111",
                f"gateway {name} leads to {gateway.default} alone: nothing is left for a default",
                ("gateways", name, "default"),
                severity=Severity.WARNING,
                help="remove it",
                presumes=USED,
            )


def _exposed(context: Context, key: WorkloadKey) -> tuple[Exposure, ...]:
    return context.platform.serving[key.service].expose


def partly(context: Context) -> Iterator[Diagnostic]:
    """A service that its gateway does not reach everywhere: servers that nobody outside can ask."""
    for key in context.fleet.front_keys:
        shown = context.platform.serving[key.service].expose
        served = {p for other in context.fleet.front_keys if other.service == key.service for p in context.fleet.places_of(other)}
        reached = {p for p in served if any(context.fleet.has_gateway(e.gateway, p) for e in shown)}
        without = [p for p in context.fleet.places_of(key) if p not in reached]
        if reached and without and not context.lost_exposures(key.service):  # reached nowhere: GTW102
            yield context.finding(
                "GTW107",
                f"no gateway of {key.service} is in {clusters(without)}, where {context.fleet.workload(key, context.fleet.base).name} runs",
                ("serving", key.service, "expose", 0, "gateway"),
                severity=Severity.WARNING,
                help="widen a gateway's where, or narrow the service's",
                presumes=PLACED,
            )


def callers(context: Context) -> Iterator[Diagnostic]:
    """Without the proxy-only subnet the network policy must let everybody through."""
    told: set[str] = set()
    for key in context.fleet.front_keys:
        for region, purpose in _asked_from(context, key).items():
            if context.platform.regions[region].proxy_subnet is None and region not in told:
                told.add(region)
                yield context.finding(
                    "GTW103",
                    f"{region} does not say its proxy-only subnet: any Pod and node may reach {key.service}'s servers",
                    ("regions", region),
                    key=True,
                    severity=Severity.WARNING,
                    help=f"proxySubnet: the range of the region's {purpose} subnet",
                )


def _asked_from(context: Context, key: WorkloadKey) -> dict[str, str]:
    """Regions whose proxies ask the servers, with the purpose of the subnet there."""
    fleet, found = context.fleet, dict[str, str]()
    classes = context.catalogue.stack(context.platform.stack).gateway_classes
    for exposure in context.platform.serving[key.service].expose:
        spec = context.platform.gateways[exposure.gateway]
        if purpose := classes[spec.class_].proxy_subnet:
            crossing = exposure.gateway in fleet.config_clusters
            asked = regions(context.platform, spec.where) if crossing else [place.region for place in fleet.places_of(key)]
            # A region has one such subnet, and no regional gateway where a cross-regional one asks from (check.crossregion).
            found = {**found, **dict.fromkeys(asked, purpose)} if crossing else {**dict.fromkeys(asked, purpose), **found}
    return found


def adapters(context: Context) -> Iterator[Diagnostic]:
    """A server that loads adapters on request takes that request from whoever reaches it."""
    for name, service in context.platform.serving.items():
        open_to = [e.gateway for e in service.expose if context.platform.gateways[e.gateway].class_.endswith("-external")]
        if service.dynamic_adapters is not None and open_to:
            yield context.finding(
                "SEC112",
                f"{name}: whoever reaches gateway {open_to[0]} may load and unload its adapters",
                ("serving", name, "dynamicAdapters"),
                key=True,
                severity=Severity.WARNING,
                notes=("/v1/load_lora_adapter is behind the same route as /v1/chat/completions",),
                help="an internal gateway, or adapters: loaded at start",
            )


def screened(context: Context) -> Iterator[Diagnostic]:
    """GKE takes 1,023 characters of settings: one entry a model."""
    for name, gateway in context.platform.gateways.items():
        for place in context.fleet.places if gateway.model_armor is not None else ():
            size = len(str(settings(context.fleet, name, place).v)) if context.fleet.has_gateway(name, place) else 0
            if size > SETTINGS_LIMIT:
                names = len(context.fleet.led_names(name, place))
                each = size // (names + 1)
                yield context.finding(
                    "GTW123",
                    f"gateway {name}: Model Armor's settings for {names} models are {size:,} characters in {place.name}",
                    ("gateways", name, "modelArmor"),
                    key=True,
                    notes=(
                        f"GKE takes {SETTINGS_LIMIT:,} characters: {SETTINGS_LIMIT // each} entries of about {each}, one for no model",
                        "an entry has the project, the region and the template twice",
                    ),
                    help="fewer services, adapters and aliases behind this gateway, or shorter names of them and of the template",
                )
                break


def guarded(context: Context) -> Iterator[Diagnostic]:
    """Cloud Armor guards a pool, not a gateway: what stands behind two gateways has the policy of both."""
    for name, service in context.platform.serving.items():
        policies = {e.gateway: context.platform.gateways[e.gateway].cloud_armor for e in service.expose}
        if len(set(policies.values())) > 1:
            said = ", ".join(f"{gateway}: {policy or 'none'}" for gateway, policy in policies.items())
            yield context.finding(
                "GTW124",
                f"{name} stands behind gateways with different Cloud Armor policies: {said}",
                ("serving", name, "expose"),
                key=True,
                notes=("the policy is the pool's, so it would hold at every gateway",),
                help="one cloudArmor for these gateways, or a service of its own behind each",
            )
