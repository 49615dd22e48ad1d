"""What a cross-regional gateway leads to: an import gathers the exported pools of one name in its fleet."""

from __future__ import annotations

from collections.abc import Iterator

from ..diagnostics import Diagnostic, Severity
from ..resolve.places import Place, selects
from ..resolve.settings import WorkloadKey
from .context import Context, clusters

NEGS = 50
"""Network endpoint groups of a backend service: one for each zone and port of a pool (GKE documentation, "Set up the GKE multi-cluster
Inference Gateway", NEG limits)."""
METRIC = "kv-cache"
"""Name that AutoscalingMetric exports it by; the load balancer knows it as gke.named_metrics.kv-cache."""


def _led(context: Context, gateway: str) -> dict[WorkloadKey, list[Place]]:
    """Workloads that requests of the gateway come to, with their clusters; no canary."""
    fleet = context.fleet
    shown = [key for key in fleet.front_keys if any(e.gateway == gateway for e in context.platform.serving[key.service].expose)]
    found = {key: [place for place in fleet.places if fleet.is_exposed(key, gateway, place)] for key in shown}
    return {key: places for key, places in found.items() if places}


def one_service(context: Context) -> Iterator[Diagnostic]:
    """No payload processor stands before a cross-regional gateway: its host leads to one service."""
    for name in context.fleet.config_clusters:
        first, *others = dict.fromkeys(key.service for key in _led(context, name)) or [""]
        for service in others:
            at = next(i for i, e in enumerate(context.platform.serving[service].expose) if e.gateway == name)
            yield context.finding(
                "GTW141",
                f"cross-regional gateway {name} already leads to {first}: it cannot choose {service} by the model's name",
                ("serving", service, "expose", at, "gateway"),
                related=(context.span(("gateways", name, "class"), "its class"),),
                notes=("no source says that the payload processor, which reads the model's name, works before this class",),
                help="a gateway with a host of its own; it can stand in the same config cluster",
            )


def one_name(context: Context) -> Iterator[Diagnostic]:
    """Variants are pools of their own: an import has one of them, and nothing takes over for its clusters."""
    for name in context.fleet.config_clusters:
        found: dict[str, list[WorkloadKey]] = {}
        for key in _led(context, name):
            found.setdefault(key.service, []).append(key)
        for service, keys in found.items():
            if len(keys) < 2:
                continue
            pools = [context.fleet.workload(key, context.fleet.base).name for key in keys]
            at = next(i for i, e in enumerate(context.platform.serving[service].expose) if e.gateway == name)
            yield context.finding(
                "GTW142",
                f"{service} has pools of {len(pools)} names behind cross-regional gateway {name}: {', '.join(pools)}",
                ("serving", service, "expose", at, "gateway"),
                related=tuple(context.span(key.path, f"in {clusters(_led(context, name)[key])}", key=True) for key in keys),
                notes=("an import gathers the pools of one name, so one variant would not take over for the other",),
                help="one variant where the gateway leads, with what differs under overrides; or narrow where of the gateway",
            )


def pooled(context: Context) -> Iterator[Diagnostic]:
    """Only pools are exported: an ordinary Service would need an export of its own."""
    for name in context.fleet.config_clusters:
        for key in _led(context, name):
            w = context.fleet.workload(key, context.fleet.base)
            if not w.pooled:
                at = next(i for i, e in enumerate(w.service.expose) if e.gateway == name)
                yield context.finding(
                    "GTW143",
                    f"no endpoint picker reads {w.engine.id}, and cross-regional gateway {name} leads to inference pools alone",
                    ("serving", key.service, "expose", at, "gateway"),
                    related=(context.span(("gateways", name, "class"), "its class"),),
                    help="class: regional-internal with dns",
                )


def one_gateway(context: Context) -> Iterator[Diagnostic]:
    """Two gateways of one fleet share an import: each would lead to the clusters of both."""
    for service, spec in context.platform.serving.items():
        first: dict[Place, str] = {}
        for i, exposure in enumerate(spec.expose):
            config = context.fleet.config_clusters.get(exposure.gateway)
            if config is None or not any(key.service == service for key in _led(context, exposure.gateway)):
                continue
            other = first.setdefault(config, exposure.gateway)
            if other != exposure.gateway:
                yield context.finding(
                    "GTW146",
                    f"{service} stands behind two cross-regional gateways of one fleet, {other} and {exposure.gateway}",
                    ("serving", service, "expose", i, "gateway"),
                    notes=("the fleet has one import of its pool, with all of its clusters: each gateway would lead to those of both",),
                    help="one of them for all clusters, or a service of its own for each",
                )


def balanced(context: Context) -> Iterator[Diagnostic]:
    """How full a server may be is said in one way; what shows the KV cache to load balancers is there."""
    for name in context.fleet.config_clusters:
        said = context.platform.gateways[name].balancing
        if said is None or said.kv_cache is None:
            continue
        if said.in_flight is not None:
            yield context.finding(
                "GTW147",
                f"gateway {name} balances by requests in flight and by the KV cache: the two exclude each other",
                ("gateways", name, "balancing"),
                key=True,
                help="inFlight or kvCache",
            )
            continue
        for key, places in _led(context, name).items():
            namespace = context.platform.teams[context.platform.serving[key.service].team].namespace
            without = [place for place in places if not _shows(context, namespace, place)]
            if without:
                yield context.finding(
                    "GTW147",
                    f"gateway {name} balances by the KV cache of {key.service}, and nothing shows it in {clusters(without)}",
                    ("gateways", name, "balancing", "kvCache"),
                    notes=("AutoscalingMetric is in no public CRD and two forms of it are known, so none is written",),
                    help=f"extraResources: an AutoscalingMetric in namespace {namespace} that exports {METRIC}, or inFlight",
                )


def _shows(context: Context, namespace: str, place: Place) -> bool:
    """Whether a manifest of the spec's own exports the metric there."""
    for extra in context.platform.extra_resources:
        manifest = extra.manifest
        metadata = manifest.get("metadata")
        here = isinstance(metadata, dict) and metadata.get("namespace") == namespace and selects(extra.where, place)
        if here and manifest.get("kind") == "AutoscalingMetric" and METRIC in _texts(manifest.get("spec")):
            return True
    return False


def _texts(node: object) -> Iterator[str]:
    if isinstance(node, dict | list):
        for child in node.values() if isinstance(node, dict) else node:
            yield from _texts(child)
    elif isinstance(node, str):
        yield node


def groups(context: Context) -> Iterator[Diagnostic]:
    """A backend service has a bound on zones of clusters together."""
    for name in context.fleet.config_clusters:
        for key, places in _led(context, name).items():
            zones = [place.cluster.zones or _zones(context, place.region) for place in places]
            total = sum(map(len, zones))
            if total > NEGS:
                yield context.finding(
                    "GTW149",
                    f"gateway {name}: pools of {key.service} make {total} network endpoint groups, and a backend service has {NEGS}",
                    ("gateways", name, "where"),
                    severity=Severity.WARNING,
                    notes=(f"one for each zone of {len(places)} clusters and the one port of the pool",),
                    help="fewer clusters, or fewer zones of each",
                )


def _zones(context: Context, region: str) -> tuple[str, ...]:
    known = context.catalogue.regions
    return known[region].zones if region in known else ()
