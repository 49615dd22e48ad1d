"""From a gateway to a server: pool, endpoint picker, objectives, policies, route."""

from __future__ import annotations

import hashlib
from typing import Any

from ...catalog import Stack
from ...resolve.workload import Workload
from ...values import Catalogue as FromCatalogue
from ...values import SpecAt, Value, text
from ..row import Drawn, Row, environment, labels
from .platform import GATEWAY_NAMESPACE, SERVING_PRIORITY, listener
from .server import COLLECTORS, common, from_gateway, from_namespaces, selector


def pool(workload: Workload) -> list[Drawn]:
    """The pool with its picker and what GKE needs to reach both."""
    w = workload
    name = f"{w.name}-picker"
    ports = w.stack.picker.ports
    own = {"name": name, "namespace": w.namespace, "labels": labels(w.platform.name, name, "picker")}
    return [
        (
            "inference-pool",
            Row(
                **common(w, "pool"),
                selector=selector(w),
                port=w.engine.port,
                picker=name,
                picker_port=ports["grpc"],
                failure_mode=Value(w.stack.picker.failure_mode, FromCatalogue(f"stacks.{w.stack.id}.picker.failureMode")),
            ),
        ),
        ("service-account", Row(**own, automount=True)),
        ("role", Row(**own, rules=_rules(w))),
        ("role-binding", Row(**own, role=name, service_account=name)),
        (
            "config-map",
            Row(
                **own, data={w.stack.picker.config_key: Value(configuration(w.stack), FromCatalogue(f"stacks.{w.stack.id}.defaultPlugins"))}
            ),
        ),
        ("picker-deployment", _picker(w, own)),
        (
            "service",
            Row(
                **own,
                selector={"app": name},
                ports=[
                    {
                        "name": "grpc",
                        "port": ports["grpc"],
                        "targetPort": "grpc",
                        "protocol": "TCP",
                        "appProtocol": w.stack.picker.app_protocol,
                    },
                    {"name": "metrics", "port": ports["metrics"], "targetPort": "metrics", "protocol": "TCP"},
                ],
            ),
        ),
        (
            "network-policy",
            Row(
                **own,
                selector={"app": name},
                ingress=[from_gateway(w, ports["grpc"], ports["grpc-health"]), from_namespaces(COLLECTORS, ports["metrics"])],
            ),
        ),
        ("pod-monitoring", Row(**own, selector={"app": name}, port="metrics", interval=text("{}s", w.default("monitoring.interval")))),
        *_objectives(w),
        ("health-check-policy", Row(**common(w, "pool"), pool=w.name, port=w.engine.port, path=w.engine.health_path)),
        (
            "backend-policy",
            Row(
                **common(w, "pool"),
                pool=w.name,
                timeout=w.pod.timeout,
                draining=w.pod.timeout,
                log_sample=w.default("gateway.logSampleRate"),
            ),
        ),
    ]


def _rules(workload: Workload) -> list[dict[str, Any]]:
    """One picker, metrics without a token: neither leader election nor token reviews are needed."""
    return [
        {"apiGroups": list(rule.groups), "resources": list(rule.resources), "verbs": list(rule.verbs)}
        for rule in workload.stack.rbac
        if rule.scope == "namespace" and not rule.when
    ]


def configuration(stack: Stack) -> str:
    """The stack's balanced preset as an EndpointPickerConfig."""
    lines = [f"apiVersion: {stack.apis['EndpointPickerConfig'].api_version}", "kind: EndpointPickerConfig", "plugins:"]
    lines += [f"- type: {ref.plugin}" for ref in stack.default_plugins]
    lines += ["schedulingProfiles:", "- name: default", "  plugins:"]
    for ref in stack.default_plugins:
        lines.append(f"  - pluginRef: {ref.plugin}")
        if ref.weight is not None:
            lines.append(f"    weight: {ref.weight:g}")
    return "\n".join(lines) + "\n"


def _picker(workload: Workload, own: dict[str, Any]) -> Row:
    w, picker = workload, workload.stack.picker
    row = f"stacks.{w.stack.id}.picker"
    return Row(
        **own,
        selector={"app": own["name"]},
        pod_labels={**own["labels"], "app": own["name"]},
        # A changed configuration must restart the picker: it reads the file at start only.
        pod_annotations={"inferspec.dev/config": hashlib.sha256(configuration(w.stack).encode()).hexdigest()[:16]},
        service_account=own["name"],
        priority_class=SERVING_PRIORITY,
        grace_seconds=w.pod.grace_seconds,
        image=Value(picker.image.reference, FromCatalogue(f"{row}.image")),
        args=_picker_arguments(w),
        env=environment(NAMESPACE=w.namespace),
        grpc_port=picker.ports["grpc"],
        health_port=picker.ports["grpc-health"],
        metrics_port=picker.ports["metrics"],
        health_service=picker.health_service,
        cpu=Value(picker.requests["cpu"], FromCatalogue(f"{row}.requests.cpu")),
        memory=Value(picker.requests["memory"], FromCatalogue(f"{row}.requests.memory")),
        memory_limit=Value(picker.limits["memory"], FromCatalogue(f"{row}.limits.memory")),
        config=own["name"],
    )


def _picker_arguments(workload: Workload) -> list[str]:
    """Metrics need no token: the network policy admits the collectors alone."""
    picker = workload.stack.picker
    own = {"poolName": workload.name, "poolNamespace": workload.namespace, "metricsAuth": "false"}
    return [
        *(f"{picker.options[key]}={value}" for key, value in own.items() if picker.options.get(key)),
        *(f"{flag}={value}" for flag, value in picker.args.items()),
    ]


def _objectives(workload: Workload) -> list[Drawn]:
    w = workload
    named = sorted({e.objective for e in w.service.expose if e.objective})
    return [
        (
            "inference-objective",
            Row(
                name=f"{w.name}-{objective}",
                namespace=w.namespace,
                labels=labels(w.platform.name, w.name, "objective"),
                api_version=w.stack.apis["InferenceObjective"].api_version,
                priority=Value(w.platform.objectives[objective], SpecAt(("objectives", objective))),
                pool=w.name,
            ),
        )
        for objective in named
    ]


def route(workload: Workload, gateway: str) -> list[Drawn]:
    """Without ``timeouts``: GKE takes them from GCPBackendPolicy (llm-d-router v0.10.0 chart, provider gke)."""
    w = workload
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
                pool=w.name,
            ),
        )
    ]
