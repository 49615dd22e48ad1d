"""From a gateway to a server: pool or ordinary Service, objectives, policies, route."""

from __future__ import annotations

from typing import Any

from ...resolve.naming import GATEWAY_NAMESPACE, canary_name, objective_name
from ...resolve.picker_config import exposed
from ...resolve.settings import canary_of
from ...resolve.telemetry import logged_requests
from ...resolve.workload import Workload
from ...values import Catalogue as FromCatalogue
from ...values import SpecAt, Value, derive
from ..row import Drawn, Row, labels
from .arguments import placed
from .network import pool_selector
from .picker import picker, picker_name
from .platform import listeners
from .server import common

DRAINING_MOST = 3_600
"""Seconds that a backend service drains at most (GCPBackendPolicy, default.connectionDraining.drainingTimeoutSec)."""


def pool(workload: Workload, called: str, exported: bool) -> list[Drawn]:
    """The pool with its picker and what GKE needs to reach both. ``called``: what names of its objectives begin with. ``exported``: a
    cross-regional gateway leads to it."""
    w = workload
    failure_mode = Value(w.stack.picker.failure_mode, FromCatalogue(f"stacks.{w.stack.id}.picker.failureMode"))
    own = common(w, "pool")
    return [
        (
            "inference-pool",
            Row(
                **own,
                annotations={w.stack.annotations["export"]: "True"} if exported else None,
                selector=pool_selector(w),
                port=w.engine.port,
                picker=picker_name(w),
                picker_port=w.stack.picker.ports["grpc"],
                failure_mode=failure_mode,
            ),
        ),
        *picker(w),
        *_objectives(w, called),
        *_rewrites(w),
        *_policies(w, own, pool=w.name),
    ]


def backend(workload: Workload) -> list[Drawn]:
    """What GKE needs to reach the Service of a server that no endpoint picker reads."""
    return _policies(workload, common(workload, "backend"), service=workload.name)


def imported(workload: Workload, **balancing: Value) -> list[Drawn]:
    """What GKE needs to reach the pools of all clusters that a cross-regional gateway leads to, by the import it makes of them.

    ``balancing``: ``in_flight`` or ``kv_cache``, how full a server may be.
    """
    name = f"{workload.name}-import"
    own = {"name": name, "namespace": workload.namespace, "labels": labels(workload.platform.name, workload.name, "import")}
    return _policies(workload, own, imported=workload.name, **balancing)


def _policies(workload: Workload, own: dict[str, Any], **held: str | Value) -> list[Drawn]:
    """Both attach to a pool, its import or a Service (GoogleCloudPlatform/gke-gateway-api, targetRef; GKE documentation, "Set up the GKE
    multi-cluster Inference Gateway"). Without the first GKE asks for ``/``."""
    w = workload
    target = {key: held.get(key) for key in ("pool", "imported", "service")}
    return [
        ("health-check-policy", Row(**own, **target, port=w.engine.port, path=placed(w, (w.engine.health_path,))[0])),
        (
            "backend-policy",
            Row(
                **own,
                **target,
                in_flight=held.get("in_flight"),
                kv_cache=held.get("kv_cache"),
                timeout=w.pod.timeout,
                draining=_draining(w.pod.timeout),
                log_sample=logged_requests(w.platform, w.catalogue),
                security_policy=_security_policy(w),
                **_identity(w),
            ),
        ),
    ]


def _draining(timeout: Value) -> Value:
    """As long as the longest request, where a load balancer waits that long."""
    if int(timeout.v) <= DRAINING_MOST:
        return timeout
    return derive(f"gateway timeout, {DRAINING_MOST} s at most", DRAINING_MOST, timeout)


def _identity(workload: Workload) -> dict[str, Value | None]:
    """IAP is the backend's as Cloud Armor is; clientID and secret are set together (GCPBackendPolicy, default.iap)."""
    for exposure in workload.service.expose:
        iap, at = workload.platform.gateways[exposure.gateway].iap, ("gateways", exposure.gateway, "iap")
        if iap is not None:
            return {"iap_client": Value(iap.client_id, SpecAt((*at, "clientId"))), "iap_secret": Value(iap.secret, SpecAt((*at, "secret")))}
    return {"iap_client": None, "iap_secret": None}


def _security_policy(workload: Workload) -> Value | None:
    """Of Cloud Armor: the policy is the backend's, so the gateways of a service agree on it (check.gateways)."""
    for exposure in workload.service.expose:
        policy = workload.platform.gateways[exposure.gateway].cloud_armor
        if policy is not None:
            return Value(policy, SpecAt(("gateways", exposure.gateway, "cloudArmor")))
    return None


def _objectives(workload: Workload, called: str) -> list[Drawn]:
    """None of a canary: an objective is one pool's, and no client knows which of the two its request comes to."""
    w = workload
    return [
        (
            "inference-objective",
            Row(
                name=objective_name(called, objective),
                namespace=w.namespace,
                labels=labels(w.platform.name, w.name, "objective"),
                api_version=w.stack.apis["InferenceObjective"].api_version,
                priority=Value(w.platform.objectives[objective], SpecAt(("objectives", objective))),
                pool=w.name,
            ),
        )
        for objective in (exposed(w) if not w.key.canary else ())
    ]


def _rewrites(workload: Workload) -> list[Drawn]:
    """Aliases: the picker puts the name that a server answers to in the place of the one that came."""
    w = workload
    if not w.service.aliases:
        return []
    at = ("serving", w.service_name, "aliases")
    rules = [Row(alias=Value(name, SpecAt((*at, name))), targets=_targets(w, name)) for name in w.service.aliases]
    return [
        (
            "inference-model-rewrite",
            Row(**common(w, "aliases"), api_version=w.stack.apis["InferenceModelRewrite"].api_version, pool=w.name, rules=rules),
        )
    ]


def _targets(workload: Workload, alias: str) -> list[Row]:
    said, at = workload.service.aliases[alias], ("serving", workload.service_name, "aliases", alias)
    if isinstance(said, str):
        return [Row(model=Value(said, SpecAt(at)), weight=None)]
    return [Row(model=Value(name, SpecAt((*at, name))), weight=Value(share, SpecAt((*at, name)))) for name, share in said.items()]


def route(workload: Workload, gateway: str, by_model: bool, shared: bool, crossing: bool) -> list[Drawn]:
    """Without ``timeouts``: GKE takes them from GCPBackendPolicy (llm-d-router v0.10.0 chart, provider gke).

    ``by_model``: a header that the payload processor makes of the body says which model is asked for. ``shared``: a canary takes its
    share, by a pool or Service of its own. ``crossing``: the gateway leads to the pools of several clusters, by their imports.
    """
    w = workload
    header = w.stack.headers["model"]
    asked: list[tuple[str | None, Value | None]] = [(header, name) for name in w.answers_to()] if by_model else []
    if not by_model or w.platform.gateways[gateway].default == w.service_name:
        asked.append((None, None))
    matches = [Row(path=path, header=of, model=name) for path in _paths(w) for of, name in asked]
    return [
        (
            "http-route",
            Row(
                name=f"{w.name}-{gateway}",
                namespace=w.namespace,
                labels=labels(w.platform.name, w.name, "route"),
                gateway=gateway,
                gateway_namespace=GATEWAY_NAMESPACE,
                listeners=[Row(name=name, host=host) for name, host in listeners(w.platform, gateway)],
                matches=matches,
                backends=_backends(w, shared, crossing),
            ),
        )
    ]


def _paths(workload: Workload) -> list[Value | str]:
    """Beginnings of what clients ask for; everything where the engine's row, or the container of one's own, says nothing."""
    w, container = workload, workload.service.container
    if container is not None:
        found = [Value(path, SpecAt(("serving", w.service_name, "container", "paths", i))) for i, path in enumerate(container.paths)]
    else:
        found = [Value(path, FromCatalogue(f"engines.{w.engine.id}.paths")) for path in w.engine.paths]
    return [*found] or ["/"]


def _backends(workload: Workload, shared: bool, crossing: bool) -> list[Row]:
    """A pool, the import of it, or the Service of servers without one; a canary has the same (check.backends)."""
    canary = canary_of(workload.platform, workload.key) if shared else None
    port = None if workload.pooled else workload.engine.port

    def one(name: str, weight: Value | None) -> Row:
        return Row(name=name, imported=name if crossing else None, port=port, weight=weight)

    if canary is None:
        return [one(workload.name, None)]
    weight = Value(canary.weight, SpecAt((*workload.key._replace(canary=True).path, "weight")))
    rest = derive("100 - the weight of the canary", 100 - canary.weight, weight)
    return [one(workload.name, rest), one(canary_name(workload.name), weight)]
