"""Faults of Gateway API, inference extension, GKE policy and Kueue objects, most of them CEL rules of their CRDs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from .findings import mapping, pointer, sequence

Tree = Mapping[str, Any]
Fault = tuple[str, str, str]

_DURATION = re.compile(r"(?:([0-9]+)h)?(?:([0-9]+)m(?!s))?(?:([0-9]+)s)?(?:([0-9]+)ms)?\Z")
_NO_TLS = ("HTTP", "TCP", "UDP")
_CERTIFICATE_MAP = "networking.gke.io/certmap"
"""A map of the gateway serves every listener without ``tls`` (GKE documentation, "Secure a Gateway")."""


def duration_ms(text: str) -> int | None:
    """A Gateway API duration (GEP-2257: ``1h30m``, ``10s``, ``500ms``) in milliseconds, or None if it is none."""
    match = _DURATION.match(text) if text else None
    if not match:
        return None
    hours, minutes, seconds, ms = (int(part or 0) for part in match.groups())
    return ((hours * 60 + minutes) * 60 + seconds) * 1000 + ms


def _gateway(tree: Tree) -> Iterator[Fault]:
    seen: set[tuple[Any, ...]] = set()
    mapped = _CERTIFICATE_MAP in mapping(mapping(tree.get("metadata")).get("annotations"))
    for i, listener in enumerate(sequence(mapping(tree.get("spec")).get("listeners"))):
        listener = mapping(listener)
        at = ("spec", "listeners", i)
        protocol, tls = listener.get("protocol"), listener.get("tls")
        if protocol in _NO_TLS and tls is not None:
            yield "gw-http-with-tls", pointer(*at, "tls"), f"a listener of protocol {protocol} has no tls"
        terminates = protocol in ("HTTPS", "TLS") and mapping(tls).get("mode", "Terminate") == "Terminate"
        if terminates and not (mapped and tls is None) and not mapping(tls).get("certificateRefs") and not mapping(tls).get("options"):
            yield "gw-tls-no-cert", pointer(*at, "tls"), "mode Terminate wants certificateRefs or options"
        triple = (listener.get("port"), protocol, listener.get("hostname"))
        if triple in seen:
            yield "gw-dup-listener", pointer(*at), f"port {triple[0]}, protocol {protocol} and hostname {triple[2] or '(none)'} stand twice"
        seen.add(triple)


def _route(tree: Tree) -> Iterator[Fault]:
    for i, rule in enumerate(sequence(mapping(tree.get("spec")).get("rules"))):
        rule = mapping(rule)
        at = ("spec", "rules", i)
        backends = sequence(rule.get("backendRefs"))
        if backends and any(mapping(f).get("type") == "RequestRedirect" for f in sequence(rule.get("filters"))):
            yield "route-redirect-and-backend", pointer(*at, "filters"), "a redirect answers the request: the rule has no backends"
        for j, backend in enumerate(backends):
            backend = mapping(backend)
            if backend.get("group", "") == "" and backend.get("kind", "Service") == "Service" and "port" not in backend:
                yield "route-service-no-port", pointer(*at, "backendRefs", j, "port"), f"Service {backend.get('name')} wants a port"
        timeouts = mapping(rule.get("timeouts"))
        request, backend_request = (duration_ms(str(timeouts.get(key, ""))) for key in ("request", "backendRequest"))
        if request and backend_request and backend_request > request:
            said = f"backendRequest {timeouts['backendRequest']} is longer than request {timeouts['request']}"
            yield "route-timeout-order", pointer(*at, "timeouts", "backendRequest"), said


def _pool(tree: Tree) -> Iterator[Fault]:
    spec = mapping(tree.get("spec"))
    picker = mapping(spec.get("endpointPickerRef"))
    if picker and picker.get("kind", "Service") == "Service" and "port" not in picker:
        yield "pool-no-epp-port", "/spec/endpointPickerRef/port", "a picker behind a Service wants the Service's port"
    numbers = [mapping(p).get("number") for p in sequence(spec.get("targetPorts"))]
    for i, number in enumerate(numbers):
        if number in numbers[:i]:
            yield "pool-dup-ports", pointer("spec", "targetPorts", i, "number"), f"target port {number} stands twice"


_CHECKS = ("httpHealthCheck", "httpsHealthCheck", "http2HealthCheck", "grpcHealthCheck", "tcpHealthCheck")


def _health_check(tree: Tree) -> Iterator[Fault]:
    config = mapping(mapping(mapping(tree.get("spec")).get("default")).get("config"))
    for name in _CHECKS:
        # The newest public CRD reads portSpecification without has(): every check without it fails, port or no port.
        if isinstance(config.get(name), Mapping) and "portSpecification" not in config[name]:
            yield (
                "hcp-port-no-spec",
                pointer("spec", "default", "config", name),
                "portSpecification is missing: USE_FIXED_PORT with port, or USE_SERVING_PORT",
            )


def _cluster_queue(tree: Tree) -> Iterator[Fault]:
    for i, group in enumerate(sequence(mapping(tree.get("spec")).get("resourceGroups"))):
        covered = sequence(mapping(group).get("coveredResources"))
        for j, flavor in enumerate(sequence(mapping(group).get("flavors"))):
            listed = [mapping(r).get("name") for r in sequence(mapping(flavor).get("resources"))]
            if listed != covered:
                lists, wants = (", ".join(map(str, names)) or "nothing" for names in (listed, covered))
                said = f"flavor {mapping(flavor).get('name')} lists {lists}, covered are {wants}"
                yield "cq-flavor-resources-mismatch", pointer("spec", "resourceGroups", i, "flavors", j, "resources"), said


GATEWAY_RULES: dict[tuple[str, str], tuple[Callable[[Tree], Iterator[Fault]], ...]] = {
    ("gateway.networking.k8s.io", "Gateway"): (_gateway,),
    ("gateway.networking.k8s.io", "HTTPRoute"): (_route,),
    ("gateway.networking.k8s.io", "GRPCRoute"): (_route,),
    ("inference.networking.k8s.io", "InferencePool"): (_pool,),
    ("networking.gke.io", "HealthCheckPolicy"): (_health_check,),
    ("kueue.x-k8s.io", "ClusterQueue"): (_cluster_queue,),
}
