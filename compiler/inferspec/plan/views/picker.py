"""The endpoint picker of a pool: identity, configuration, Deployment, Service, policy, monitoring."""

from __future__ import annotations

import hashlib
from typing import Any

from ...resolve.images import picker_image
from ...resolve.picker_config import document, experimental, inputs
from ...resolve.workload import Workload
from ...values import Catalogue as FromCatalogue
from ...values import Value, derive
from ..row import Drawn, Row, environment, labels
from . import telemetry
from .network import COLLECTORS, from_gateways, from_namespaces
from .picker_text import text
from .platform import SERVING_PRIORITY
from .server import scrape_interval


def picker_name(workload: Workload) -> str:
    return f"{workload.name}-picker"


def picker(workload: Workload) -> list[Drawn]:
    """Everything the picker of the workload's pool needs."""
    w = workload
    name, ports = picker_name(w), w.stack.picker.ports
    own = {"name": name, "namespace": w.namespace, "labels": labels(w.platform.name, name, "picker")}
    config = configuration(w)
    grpc = {"name": "grpc", "port": ports["grpc"], "targetPort": "grpc", "protocol": "TCP", "appProtocol": w.stack.picker.app_protocol}
    metrics = {"name": "metrics", "port": ports["metrics"], "targetPort": "metrics", "protocol": "TCP"}
    asked = from_gateways(w, ports["grpc"], ports["grpc-health"])
    admitted = [asked, from_namespaces(COLLECTORS, ports["metrics"])]
    scraped = {"port": "metrics", "path": "/metrics", "interval": scrape_interval(w), "target_labels": None}
    return [
        ("service-account", Row(**own, automount=True)),
        ("role", Row(**own, rules=_rules(w))),
        ("role-binding", Row(**own, role=name, service_account=name, account_namespace=w.namespace)),
        ("config-map", Row(**own, data={w.stack.picker.config_key: config})),
        ("picker-deployment", _deployment(w, own, config)),
        ("service", Row(**own, selector={"app": name}, ports=[grpc, metrics])),
        ("network-policy", Row(**own, selector={"app": name}, ingress=admitted)),
        ("pod-monitoring", Row(**own, selector={"app": name}, **scraped)),
    ]


def _rules(workload: Workload) -> list[dict[str, Any]]:
    """One picker, metrics without a token: neither leader election nor token reviews are needed."""
    return [
        {"apiGroups": list(rule.groups), "resources": list(rule.resources), "verbs": list(rule.verbs)}
        for rule in workload.stack.rbac
        if rule.scope == "namespace" and not rule.when
    ]


def configuration(workload: Workload) -> Value:
    """The EndpointPickerConfig as text, with what decided it."""
    said = workload.service.picker
    rule = "plugins of" if said is None or said.config is None else "the service's own, for"
    return derive(f"{rule} stack {workload.stack.id}", text(document(workload)), *inputs(workload))


def _deployment(workload: Workload, own: dict[str, Any], config: Value) -> Row:
    w, picker = workload, workload.stack.picker
    # A changed configuration must restart the picker: it reads the file at start only.
    digest = derive("hash of the configuration", hashlib.sha256(str(config.v).encode()).hexdigest()[:16], config)
    row = f"stacks.{w.stack.id}.picker"
    arguments, variables = telemetry.of_stack(
        w.platform, w.catalogue, own["name"], w.namespace, [f"{k}={v}" for k, v in picker.args.items()]
    )
    return Row(
        **own,
        selector={"app": own["name"]},
        pod_labels={**own["labels"], "app": own["name"]},
        pod_annotations={"inferspec.dev/config": digest},
        service_account=own["name"],
        priority_class=SERVING_PRIORITY,
        grace_seconds=w.pod.grace_seconds,
        image=picker_image(w),
        args=_arguments(w, arguments),
        env=environment(NAMESPACE=w.namespace, **variables),
        grpc_port=picker.ports["grpc"],
        health_port=picker.ports["grpc-health"],
        metrics_port=picker.ports["metrics"],
        health_service=picker.health_service,
        cpu=Value(picker.requests["cpu"], FromCatalogue(f"{row}.requests.cpu")),
        memory=Value(picker.requests["memory"], FromCatalogue(f"{row}.requests.memory")),
        memory_limit=Value(picker.limits["memory"], FromCatalogue(f"{row}.limits.memory")),
        config=own["name"],
    )


def _arguments(workload: Workload, literal: list[Value | str]) -> list[str | Value]:
    """Metrics need no token: the network policy admits the collectors alone."""
    picker, alpha = workload.stack.picker, experimental(workload)
    option = picker.options.get("allowExperimental")
    allowed = [derive("the configuration has an alpha plugin", f"{option}=true", alpha)] if option and alpha is not None else []
    own = {"poolName": workload.name, "poolNamespace": workload.namespace, "metricsAuth": "false"}
    if workload.engine.metrics_port:
        own["metricsPort"] = str(workload.engine.metrics_port)
    return [
        *(f"{picker.options[key]}={value}" for key, value in own.items() if picker.options.get(key)),
        *literal,
        *allowed,
    ]
