"""The platform team's part: namespaces, priorities, gateways; its compute classes are in ``capacity``."""

from __future__ import annotations

from ...catalog import Catalogue
from ...model.platform import Platform
from ...resolve.naming import GATEWAY_NAMESPACE
from ...values import Default, SpecAt, Value, cluster_fact, derive
from ..row import PREFIX, Drawn, Row, labels

SERVING_PRIORITY = "inference-serving"
BATCH_PRIORITY = "inference-batch"


def namespace(platform: Platform, name: str, component: str, admits: str) -> Drawn:
    """``admits`` is the Pod Security Standard that the namespace enforces (Kubernetes documentation, "Pod Security Standards")."""
    return "namespace", Row(
        name=name,
        labels={**labels(platform.name, name, component), "pod-security.kubernetes.io/enforce": admits},
        annotations={f"{PREFIX}/cluster": cluster_fact("cluster"), f"{PREFIX}/region": cluster_fact("region")},
    )


def team_namespace(platform: Platform, team: str) -> list[Drawn]:
    """The namespace of a team, and its people's right to look into it."""
    spec = platform.teams[team]
    found = [namespace(platform, spec.namespace, "team", "baseline")]
    if spec.group is not None:
        viewers = f"{team}-viewers"
        found.append(
            (
                "group-binding",
                Row(
                    name=viewers,
                    namespace=spec.namespace,
                    labels=labels(platform.name, viewers, "team"),
                    group=Value(spec.group, SpecAt(("teams", team, "group"))),
                ),
            )
        )
    return found


def priorities(platform: Platform, catalogue: Catalogue) -> list[Drawn]:
    def one(name: str, key: str, description: str, preemption: str) -> Drawn:
        return "priority-class", Row(
            name=name,
            labels=labels(platform.name, name, "priority"),
            value=Value(catalogue.default("priority.values")[key], Default("priority.values")),
            preemption=preemption,
            description=description,
        )

    return [
        one(SERVING_PRIORITY, "high", "Model servers and endpoint pickers: requests wait for them.", "PreemptLowerPriority"),
        one(BATCH_PRIORITY, "standard", "Downloads and batch work: never evicts a server.", "Never"),
    ]


def gateway(platform: Platform, catalogue: Catalogue, name: str) -> Drawn:
    """Regional classes take certificates as a listener option, never a certificate map (GKE documentation, "Secure a Gateway")."""
    spec = platform.gateways[name]
    stack = catalogue.stack(platform.stack)
    at = ("gateways", name)
    namespaces = sorted({platform.teams[s.team].namespace for s in platform.serving.values() if any(e.gateway == name for e in s.expose)})
    return "gateway", Row(
        name=name,
        namespace=GATEWAY_NAMESPACE,
        labels=labels(platform.name, name, "gateway"),
        gateway_class=derive(f"class {spec.class_}", stack.gateway_classes[spec.class_].name, Value(spec.class_, SpecAt((*at, "class")))),
        address=Value(spec.address, SpecAt((*at, "address"))) if spec.address else None,
        listener=listener(platform, name),
        protocol="HTTPS" if spec.tls else "HTTP",
        port=443 if spec.tls else 80,
        host=Value(spec.host, SpecAt((*at, "host"))),
        certificate=Value(spec.tls.certificate, SpecAt((*at, "tls", "certificate"))) if spec.tls else None,
        namespaces=namespaces or None,
    )


def listener(platform: Platform, gateway: str) -> str:
    return "https" if platform.gateways[gateway].tls else "http"
