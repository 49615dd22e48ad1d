"""From a gateway to a server: pool, objectives, policies, route."""

from __future__ import annotations

from ...resolve.naming import GATEWAY_NAMESPACE, objective_name
from ...resolve.picker_config import exposed
from ...resolve.workload import Workload
from ...values import Catalogue as FromCatalogue
from ...values import SpecAt, Value
from ..row import Drawn, Row, labels
from .network import pool_selector
from .picker import picker, picker_name
from .platform import listener
from .server import common


def pool(workload: Workload) -> list[Drawn]:
    """The pool with its picker and what GKE needs to reach both."""
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
        *_objectives(w),
        ("health-check-policy", Row(**own, pool=w.name, port=w.engine.port, path=w.engine.health_path)),
        (
            "backend-policy",
            Row(**own, pool=w.name, timeout=w.pod.timeout, draining=w.pod.timeout, log_sample=w.default("gateway.logSampleRate")),
        ),
    ]


def _objectives(workload: Workload) -> list[Drawn]:
    w = workload
    return [
        (
            "inference-objective",
            Row(
                name=objective_name(w.name, objective),
                namespace=w.namespace,
                labels=labels(w.platform.name, w.name, "objective"),
                api_version=w.stack.apis["InferenceObjective"].api_version,
                priority=Value(w.platform.objectives[objective], SpecAt(("objectives", objective))),
                pool=w.name,
            ),
        )
        for objective in exposed(w)
    ]


def route(workload: Workload, gateway: str, by_model: bool) -> list[Drawn]:
    """Without ``timeouts``: GKE takes them from GCPBackendPolicy (llm-d-router v0.10.0 chart, provider gke).

    ``by_model``: a header that the payload processor makes of the body says which model is asked for.
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
                listener=listener(w.platform, gateway),
                host=Value(w.platform.gateways[gateway].host, SpecAt(("gateways", gateway, "host"))),
                matches=matches,
                pool=w.name,
            ),
        )
    ]
