"""The payload processor of a gateway: it makes a header of the model's name in the body, before the route is chosen."""

from __future__ import annotations

from typing import Any

from ...catalog import Catalogue
from ...model.platform import Platform
from ...resolve.images import processor_image
from ...resolve.layers import Subject
from ...resolve.naming import GATEWAY_NAMESPACE
from ...values import Default, Value, text
from ..row import Drawn, Row, environment, labels
from . import telemetry
from .network import from_gateway
from .platform import SERVING_PRIORITY


def processor_name(gateway: str) -> str:
    return f"{gateway}-models"


def processor(platform: Platform, catalogue: Catalogue, gateway: str, subject: Subject) -> list[Drawn]:
    """Its Pods, what reaches them, and the extension that puts them before the gateway's routes.

    Fields as the chart of gateway-api-inference-extension v1.5.0 has them for GKE (config/charts/body-based-routing).
    """
    told = catalogue.stack(platform.stack).processor
    name, ports = processor_name(gateway), told.ports
    asked = from_gateway(platform, subject.region, ports["grpc"], ports["grpc-health"])
    own: dict[str, Any] = {"name": name, "namespace": GATEWAY_NAMESPACE, "labels": labels(platform.name, name, "processor")}
    selector = {"app": name}
    grpc = {"name": "grpc", "port": ports["grpc"], "targetPort": "grpc", "protocol": "TCP", "appProtocol": told.app_protocol}

    def default(key: str) -> Value:
        return Value(catalogue.default(key), Default(key))

    requests = {key: Value(amount, Default("processor.requests")) for key, amount in catalogue.default("processor.requests").items()}
    args, variables = telemetry.of_stack(platform, catalogue, name, GATEWAY_NAMESPACE, told.args)
    deployment = Row(
        **own,
        replicas=default("processor.replicas"),
        selector=selector,
        pod_labels={**own["labels"], **selector},
        service_account=name,
        priority_class=SERVING_PRIORITY,
        image=processor_image(platform, catalogue, subject.region),
        args=args,
        env=environment(**variables) or None,
        grpc_port=ports["grpc"],
        health_port=ports["grpc-health"],
        requests=requests,
        limits={"memory": requests["memory"]},
    )
    extension = Row(
        **own,
        gateway=gateway,
        authority=f"{name}.{GATEWAY_NAMESPACE}.svc",
        timeout=text("{}ms", default("processor.timeout")),
        service=name,
        port=ports["grpc"],
    )
    return [
        ("service-account", Row(**own, automount=True)),
        ("processor-deployment", deployment),
        ("service", Row(**own, selector=selector, ports=[grpc])),
        ("pod-disruption-budget", Row(**own, selector=selector, max_unavailable=1)),
        ("network-policy", Row(**own, selector=selector, ingress=[asked])),
        ("grpc-health-check-policy", Row(**own, service=name, port=ports["grpc-health"])),
        ("routing-extension", extension),
    ]
