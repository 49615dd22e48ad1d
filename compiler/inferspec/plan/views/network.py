"""Which Pods of a server answer, and who may reach them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...model.platform import Platform
from ...resolve.crossregion import regions
from ...resolve.picker_config import event_port
from ...resolve.workload import Workload
from ...values import SENTINEL, Derived, SpecAt, Value
from ..row import PREFIX

HEALTH_CHECKERS = ("35.191.0.0/16", "130.211.0.0/22")
"""Sources of health checks and of the proxies of global load balancers (Cloud Load Balancing documentation, "Firewall rules")."""
COLLECTORS = ("gmp-system", "gke-gmp-system")
"""Namespaces of Managed Prometheus collectors on Standard and on Autopilot (llm-d-router v0.10.0 charts, values for GKE)."""
RAY_DASHBOARD = 8265
"""Port on which the head takes the application and tells its health (Ray documentation, "Configuring Ray")."""


def selector(workload: Workload) -> dict[str, str]:
    """Immutable for the life of the Deployment: never a version or a hash."""
    return {"app": workload.name}


def reached(workload: Workload) -> dict[str, str]:
    """The Pods that answer: of a group that spans nodes, its leader alone. Ray has a proxy on each of its nodes."""
    grouped = workload.layout.spans_nodes and workload.engine.workload != "ray-service"
    leader = {"leaderworkerset.sigs.k8s.io/worker-index": "0"} if grouped else {}
    return {**selector(workload), **leader}


def pool_selector(workload: Workload) -> dict[str, str]:
    """Pods of the pool: those that answer requests, and with them those that read prompts where these are others."""
    return {f"{PREFIX}/pool": workload.front_name} if workload.half else reached(workload)


def proxies(platform: Platform, region: str | None) -> Value | None:
    """The proxy-only subnet of the region; None where the region's owner did not say (check.gateways warns)."""
    if region is None:
        return Value(SENTINEL, Derived("the proxy-only subnet of the cluster's region"))
    subnet = platform.regions[region].proxy_subnet
    return Value(subnet, SpecAt(("regions", region, "proxySubnet"))) if subnet else None


def from_gateway(platform: Platform, region: str | None, *ports: int) -> dict[str, Any]:
    """A region's load balancer proxies, and health checkers."""
    return _from_proxies([proxies(platform, region)], *ports)


def _from_proxies(subnets: Sequence[Value | None], *ports: int) -> dict[str, Any]:
    """Proxies in these subnets and health checkers, or anybody where one of the subnets is not written down."""
    rule: dict[str, Any] = {"ports": [{"protocol": "TCP", "port": port} for port in ports]}
    if any(subnet is None for subnet in subnets):
        return rule
    return {"from": [{"ipBlock": {"cidr": c}} for c in (*subnets, *HEALTH_CHECKERS)], **rule}


def from_gateways(workload: Workload, *ports: int) -> dict[str, Any]:
    """The gateways of a service: those of a region have proxies in its subnet, a cross-regional one in those of all its regions."""
    platform, stack = workload.platform, workload.stack
    behind = [platform.gateways[e.gateway] for e in workload.service.expose]
    scopes = {stack.gateway_classes[gateway.class_].scope for gateway in behind}
    crossing = [gateway for gateway in behind if stack.gateway_classes[gateway.class_].multi_cluster]
    crossed = dict.fromkeys(region for gateway in crossing for region in regions(platform, gateway.where))
    own = workload.subject.region
    # A cross-regional one leads to no server of another region than its own.
    asking = list(crossed) if own in crossed or (own is None and "region" not in scopes) else [own] if "region" in scopes else []
    return _from_proxies([proxies(platform, region) for region in asking], *ports)


def from_namespaces(namespaces: Sequence[str | Value], port: int) -> dict[str, Any]:
    wanted = {"key": "kubernetes.io/metadata.name", "operator": "In", "values": list(namespaces)}
    return {"from": [{"namespaceSelector": {"matchExpressions": [wanted]}}], "ports": [{"protocol": "TCP", "port": port}]}


def ingress(workload: Workload) -> list[dict[str, Any]]:
    """Gateway, picker, monitoring, the other Pods of a group and declared callers; nobody else, and the team where nobody is named."""
    port = workload.engine.port
    rules: list[dict[str, Any]] = []
    if workload.service.expose:
        rules.append(from_gateways(workload, port))
    if workload.pooled:
        read = sorted({port, workload.engine.metrics_port or port, event_port(workload) or port})
        picker = {"podSelector": {"matchLabels": {"app": f"{workload.front_name}-picker"}}}
        rules.append({"from": [picker], "ports": [{"protocol": "TCP", "port": p} for p in read]})
    if workload.engine.metrics_path:
        rules.append(from_namespaces(COLLECTORS, workload.engine.metrics_port or workload.engine_port))
    if workload.half:
        rules.append({"from": [{"podSelector": {"matchLabels": pool_selector(workload)}}]})
    if workload.layout.spans_nodes or workload.engine.workload == "ray-service":
        rules.append({"from": [{"podSelector": {"matchLabels": selector(workload)}}]})
    if workload.engine.workload == "ray-service":
        rules += [from_namespaces(workload.catalogue.default("ray.operatorNamespaces"), at) for at in (RAY_DASHBOARD, port)]
    if not workload.service.expose and not workload.service.callers:
        # Somebody has to reach it: where nobody is named, the team's own Pods.
        rules.append(from_namespaces([workload.namespace], port))
    if workload.service.callers:
        said = [Value(name, SpecAt(("serving", workload.service_name, "callers", i))) for i, name in enumerate(workload.service.callers)]
        rules.append(from_namespaces(said, port))
    return rules
