"""From a gateway to a server: pool, objectives, policies, route."""

from __future__ import annotations

from ...resolve.naming import GATEWAY_NAMESPACE, canary_name, objective_name
from ...resolve.picker_config import exposed
from ...resolve.settings import canary_of
from ...resolve.workload import Workload
from ...values import Catalogue as FromCatalogue
from ...values import SpecAt, Value, derive
from ..row import Drawn, Row, labels
from .network import pool_selector
from .picker import picker, picker_name
from .platform import listeners
from .server import common


def pool(workload: Workload, called: str) -> list[Drawn]:
    """The pool with its picker and what GKE needs to reach both. ``called``: what names of its objectives begin with."""
    w = workload
    failure_mode = Value(w.stack.picker.failure_mode, FromCatalogue(f"stacks.{w.stack.id}.picker.failureMode"))
    own = common(w, "pool")
    return [
        (
            "inference-pool",
            Row(
                **own,
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
        ("health-check-policy", Row(**own, pool=w.name, port=w.engine.port, path=w.engine.health_path)),
        (
            "backend-policy",
            Row(
                **own,
                pool=w.name,
                timeout=w.pod.timeout,
                draining=w.pod.timeout,
                log_sample=w.default("gateway.logSampleRate"),
                security_policy=_security_policy(w),
            ),
        ),
    ]


def _security_policy(workload: Workload) -> Value | None:
    """Of Cloud Armor: the policy belongs to the backend, so the gateways of a service agree on it (check.gateways)."""
    for exposure in workload.service.expose:
        policy = workload.platform.gateways[exposure.gateway].cloud_armor
        if policy is not None:
            return Value(policy, SpecAt(("gateways", exposure.gateway, "cloudArmor")))
    return None


def _objectives(workload: Workload, called: str) -> list[Drawn]:
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
        for objective in exposed(w)
    ]


def _rewrites(workload: Workload) -> list[Drawn]:
    """Aliases: the picker puts the name that a server answers to in the place of the one that came."""
    w = workload
    if not w.service.aliases:
        return []
    rules = [Row(alias=name, targets=_targets(w, name)) for name in w.service.aliases]
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


def route(workload: Workload, gateway: str, by_model: bool, shared: bool) -> list[Drawn]:
    """Without ``timeouts``: GKE takes them from GCPBackendPolicy (llm-d-router v0.10.0 chart, provider gke).

    ``by_model``: a header that the payload processor makes of the body says which model is asked for. ``shared``: a canary takes its
    share, in a pool of its own.
    """
    w = workload
    header = w.stack.headers["model"]
    matches = [Row(header=header, model=name) for name in w.answers_to()] if by_model else []
    if not by_model or w.platform.gateways[gateway].default == w.service_name:
        matches.append(Row(header=None, model=None))
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
                pools=_pools(w, shared),
            ),
        )
    ]


def _pools(workload: Workload, shared: bool) -> list[Row]:
    canary = canary_of(workload.platform, workload.key) if shared else None
    if canary is None:
        return [Row(name=workload.name, weight=None)]
    weight = Value(canary.weight, SpecAt((*workload.key._replace(canary=True).path, "weight")))
    rest = derive("100 - the weight of the canary", 100 - canary.weight, weight)
    return [Row(name=workload.name, weight=rest), Row(name=canary_name(workload.name), weight=weight)]
