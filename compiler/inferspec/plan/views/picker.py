"""The endpoint picker of a pool: identity, configuration, Deployment, Service, policy, monitoring."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from ...catalog import Stack
from ...resolve.images import picker_image
from ...resolve.workload import Workload
from ...values import Catalogue as FromCatalogue
from ...values import Value, derive
from ..row import Drawn, Row, environment, labels
from .network import COLLECTORS, from_gateway, from_namespaces
from .platform import SERVING_PRIORITY
from .server import scrape_interval


def picker_name(workload: Workload) -> str:
    return f"{workload.name}-picker"


def picker(workload: Workload) -> list[Drawn]:
    """Everything the picker of the workload's pool needs."""
    w = workload
    name, ports = picker_name(w), w.stack.picker.ports
    own = {"name": name, "namespace": w.namespace, "labels": labels(w.platform.name, name, "picker")}
    presets = derive(f"plugins of stack {w.stack.id}", configuration(w), *([w.tokens] if w.half else []))
    grpc = {"name": "grpc", "port": ports["grpc"], "targetPort": "grpc", "protocol": "TCP", "appProtocol": w.stack.picker.app_protocol}
    metrics = {"name": "metrics", "port": ports["metrics"], "targetPort": "metrics", "protocol": "TCP"}
    asked = from_gateway(w.platform, w.subject.region, ports["grpc"], ports["grpc-health"])
    admitted = [asked, from_namespaces(COLLECTORS, ports["metrics"])]
    return [
        ("service-account", Row(**own, automount=True)),
        ("role", Row(**own, rules=_rules(w))),
        ("role-binding", Row(**own, role=name, service_account=name)),
        ("config-map", Row(**own, data={w.stack.picker.config_key: presets})),
        ("picker-deployment", _deployment(w, own)),
        ("service", Row(**own, selector={"app": name}, ports=[grpc, metrics])),
        ("network-policy", Row(**own, selector={"app": name}, ingress=admitted)),
        ("pod-monitoring", Row(**own, selector={"app": name}, port="metrics", path="/metrics", interval=scrape_interval(w))),
    ]


def _rules(workload: Workload) -> list[dict[str, Any]]:
    """One picker, metrics without a token: neither leader election nor token reviews are needed."""
    return [
        {"apiGroups": list(rule.groups), "resources": list(rule.resources), "verbs": list(rule.verbs)}
        for rule in workload.stack.rbac
        if rule.scope == "namespace" and not rule.when
    ]


def configuration(workload: Workload) -> str:
    """The stack's balanced preset as an EndpointPickerConfig, told where the engine shows its metrics if not on the pool's port."""
    stack, port = workload.stack, workload.engine.metrics_port
    if workload.half:
        return _disaggregated(stack, int(workload.tokens.v))
    lines = [f"apiVersion: {stack.apis['EndpointPickerConfig'].api_version}", "kind: EndpointPickerConfig", "plugins:"]
    lines += [f"- type: {ref.plugin}" for ref in stack.default_plugins]
    if port and stack.picker.options.get("metricsPort") is None:
        lines += ["- type: metrics-data-source", "  parameters:", f"    port: {port}"]
    lines += ["schedulingProfiles:", "- name: default", "  plugins:"]
    for ref in stack.default_plugins:
        lines.append(f"  - pluginRef: {ref.plugin}")
        if ref.weight is not None:
            lines.append(f"    weight: {ref.weight:g}")
    return "\n".join(lines) + "\n"


def _disaggregated(stack: Stack, tokens: int) -> str:
    """Two profiles, one for each half. Parameters are JSON, which is YAML."""
    lines = [f"apiVersion: {stack.apis['EndpointPickerConfig'].api_version}", "kind: EndpointPickerConfig", "plugins:"]
    for plugin in stack.disaggregated.plugins:
        lines.append(f"- type: {plugin.type}")
        if plugin.parameters:
            said = {name: tokens if value == "{maxModelLen}" else value for name, value in plugin.parameters.items()}
            lines.append(f"  parameters: {json.dumps(said, sort_keys=True)}")
    lines.append("schedulingProfiles:")
    for half, plugins in stack.disaggregated.profiles.items():
        lines += [f"- name: {half}", "  plugins:", *(f"  - {json.dumps(ref, sort_keys=True)}" for ref in plugins)]
    return "\n".join(lines) + "\n"


def _deployment(workload: Workload, own: dict[str, Any]) -> Row:
    w, picker = workload, workload.stack.picker
    row = f"stacks.{w.stack.id}.picker"
    return Row(
        **own,
        selector={"app": own["name"]},
        pod_labels={**own["labels"], "app": own["name"]},
        # A changed configuration must restart the picker: it reads the file at start only.
        pod_annotations={"inferspec.dev/config": hashlib.sha256(configuration(w).encode()).hexdigest()[:16]},
        service_account=own["name"],
        priority_class=SERVING_PRIORITY,
        grace_seconds=w.pod.grace_seconds,
        image=picker_image(w),
        args=_arguments(w),
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


def _arguments(workload: Workload) -> list[str]:
    """Metrics need no token: the network policy admits the collectors alone."""
    picker = workload.stack.picker
    own = {"poolName": workload.name, "poolNamespace": workload.namespace, "metricsAuth": "false"}
    if workload.engine.metrics_port:
        own["metricsPort"] = str(workload.engine.metrics_port)
    return [
        *(f"{picker.options[key]}={value}" for key, value in own.items() if picker.options.get(key)),
        *(f"{flag}={value}" for flag, value in picker.args.items()),
    ]
