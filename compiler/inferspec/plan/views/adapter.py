"""The adapter that makes Cloud Monitoring answer the API server's metrics API: HorizontalPodAutoscalers read there."""

from __future__ import annotations

from typing import Any

from ...catalog import Catalogue
from ...model.platform import Platform
from ...resolve.images import adapter_image
from ...resolve.layers import Subject
from ...resolve.scaling import HPA, READER
from ...values import Default, Value
from ..row import Drawn, Row, labels
from .platform import SERVING_PRIORITY, namespace

VERSIONS = {"v1beta1": 100, "v1beta2": 200}
"""Of ``custom.metrics.k8s.io``, each with its priority. ``external.metrics.k8s.io`` is left to KEDA: an API has one owner."""


def adapter(platform: Platform, catalogue: Catalogue, subject: Subject) -> list[Drawn]:
    """Its Pod, what it may read, and the API that leads to it.

    Fields as GoogleCloudPlatform/k8s-stackdriver has them (custom-metrics-stackdriver-adapter/deploy/production
    adapter_new_resource_model.yaml), less the API of external metrics.
    """
    home, name = READER[HPA]
    said = labels(platform.name, name, "metrics-adapter")
    own: dict[str, Any] = {"name": name, "namespace": home, "labels": said}
    selector = {"app": name}

    def bound(binding: str, role: str, **more: Any) -> Row:
        return Row(name=binding, labels=said, role=role, service_account=name, account_namespace=home, **more)

    requests = {key: Value(amount, Default("adapter.requests")) for key, amount in catalogue.default("adapter.requests").items()}
    reader = "custom-metrics-resource-reader"
    may = [{"apiGroups": [""], "resources": ["pods", "nodes", "nodes/stats"], "verbs": ["get", "list", "watch"]}]
    deployment = Row(
        **own,
        selector=selector,
        pod_labels={**said, **selector},
        priority_class=SERVING_PRIORITY,
        image=adapter_image(platform, catalogue, subject.region),
        requests=requests,
        limits={"memory": requests["memory"]},
    )
    group = "custom.metrics.k8s.io"
    return [
        namespace(platform, home, "metrics-adapter", "baseline"),
        ("service-account", Row(**own, automount=True)),
        ("cluster-role-binding", bound("custom-metrics:system:auth-delegator", "system:auth-delegator")),
        ("role-binding", bound("custom-metrics-auth-reader", "extension-apiserver-authentication-reader", namespace="kube-system")),
        ("cluster-role", Row(name=reader, labels=said, rules=may)),
        ("cluster-role-binding", bound(reader, reader)),
        ("adapter-deployment", deployment),
        ("service", Row(**own, selector=selector, ports=[{"name": "https", "port": 443, "targetPort": "https", "protocol": "TCP"}])),
        *(
            (
                "api-service",
                Row(
                    name=f"{version}.{group}",
                    labels=said,
                    group=group,
                    version=version,
                    priority=priority,
                    service=name,
                    service_namespace=home,
                ),
            )
            for version, priority in VERSIONS.items()
        ),
    ]
