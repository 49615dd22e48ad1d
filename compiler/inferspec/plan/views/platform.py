"""The platform team's part: namespaces, priorities, gateways; its compute classes are in ``capacity``."""

from __future__ import annotations

from ...catalog import Catalogue
from ...catalog.stacks import GatewayClass
from ...model.platform import Platform
from ...resolve.crossregion import regions
from ...resolve.dns import has_own_address, several_hosts
from ...resolve.naming import GATEWAY_NAMESPACE, address_fact
from ...values import Default, SpecAt, Value, cluster_fact, derive, text
from ..row import PREFIX, Drawn, Row, labels

SERVING_PRIORITY = "inference-serving"
BATCH_PRIORITY = "inference-batch"
PLACEHOLDER_PRIORITY = "inference-placeholder"


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
    def of(key: str) -> Value:
        return Value(catalogue.default("priority.values")[key], Default("priority.values"))

    serving = "Model servers and endpoint pickers: requests wait for them."
    return [
        _priority(platform, SERVING_PRIORITY, of("high"), serving, "PreemptLowerPriority"),
        _priority(platform, BATCH_PRIORITY, of("standard"), "Downloads and batch work: never evicts a server.", "Never"),
    ]


def placeholder_priority(platform: Platform, catalogue: Catalogue) -> list[Drawn]:
    """Of the Pods that hold room for servers, in clusters that have some."""
    value = Value(catalogue.default("priority.placeholder"), Default("priority.placeholder"))
    return [_priority(platform, PLACEHOLDER_PRIORITY, value, "Holds room for a server, and gives way to it.", "Never")]


def _priority(platform: Platform, name: str, value: Value, description: str, preemption: str) -> Drawn:
    own = labels(platform.name, name, "priority")
    return "priority-class", Row(name=name, labels=own, value=value, preemption=preemption, description=description)


def gateway(platform: Platform, catalogue: Catalogue, name: str) -> Drawn:
    """Regional classes take certificates as a listener option, the global one a map of them as an annotation, and its listeners then have
    no ``tls`` (GKE documentation, "Secure a Gateway")."""
    spec = platform.gateways[name]
    stack = catalogue.stack(platform.stack)
    at = ("gateways", name)
    served = sorted({platform.teams[s.team].namespace for s in platform.serving.values() if any(e.gateway == name for e in s.expose)})
    secure = spec.tls is not None
    of_services = [
        Row(
            name=listener,
            host=host,
            protocol="HTTPS" if secure else "HTTP",
            port=443 if secure else 80,
            certificate=_certificate(platform, name, "certificate"),
            namespaces=served or None,
        )
        for listener, host in listeners(platform, name)
    ]
    of_redirect = [
        Row(name=listener, host=host, protocol="HTTP", port=80, certificate=None, namespaces=None)
        for listener, host in (_named(platform, name, "http") if redirects(platform, name) else ())
    ]
    return "gateway", Row(
        name=name,
        namespace=GATEWAY_NAMESPACE,
        labels=labels(platform.name, name, "gateway"),
        gateway_class=derive(f"class {spec.class_}", stack.gateway_classes[spec.class_].name, Value(spec.class_, SpecAt((*at, "class")))),
        addresses=_addresses(platform, name, stack.gateway_classes[spec.class_]),
        certificate_map=_certificate(platform, name, "certificateMap"),
        listeners=[*of_services, *of_redirect],
    )


def _certificate(platform: Platform, gateway: str, key: str) -> Value | None:
    tls = platform.gateways[gateway].tls
    said = None if tls is None else tls.certificate_map if key == "certificateMap" else tls.certificate
    return Value(said, SpecAt(("gateways", gateway, "tls", key))) if said is not None else None


def redirects(platform: Platform, gateway: str) -> bool:
    """Whether port 80 of the gateway leads to HTTPS."""
    tls = platform.gateways[gateway].tls
    return tls is not None and tls.redirect


def redirect(platform: Platform, gateway: str) -> Drawn:
    """All that port 80 answers: its listeners take routes of the gateway's own namespace, so no service's."""
    name = f"{gateway}-redirect"
    return "redirect-route", Row(
        name=name,
        namespace=GATEWAY_NAMESPACE,
        labels=labels(platform.name, name, "gateway"),
        gateway=gateway,
        listeners=[Row(name=listener, host=host) for listener, host in _named(platform, gateway, "http")],
    )


def _addresses(platform: Platform, gateway: str, class_: GatewayClass) -> list[Row]:
    """The reserved one, or, of a cross-regional gateway, whichever is free in each region it leads to."""
    spec = platform.gateways[gateway]
    if class_.address_type:
        said = Value(spec.class_, SpecAt(("gateways", gateway, "class")))
        each = {region: Value(region, SpecAt(("regions", region))) for region in regions(platform, spec.where)}
        return [Row(type=derive("an address in the region", f"{class_.address_type}/{r}", said, v), value=v) for r, v in each.items()]
    if has_own_address(spec):
        return [Row(type="NamedAddress", value=cluster_fact(address_fact(gateway)))]
    return [Row(type="NamedAddress", value=Value(spec.address, SpecAt(("gateways", gateway, "address"))))] if spec.address else []


def listeners(platform: Platform, gateway: str) -> list[tuple[str, Value]]:
    """(name, host) of each that services' routes attach to: the gateway's host, and names below it where ``dns`` leads some here."""
    return _named(platform, gateway, "https" if platform.gateways[gateway].tls else "http")


def _named(platform: Platform, gateway: str, name: str) -> list[tuple[str, Value]]:
    spec = platform.gateways[gateway]
    host = Value(spec.host, SpecAt(("gateways", gateway, "host")))
    found = [(name, host)]
    if several_hosts(spec.dns):
        found.append((f"{name}-below", text("*.{}", host)))
    return found


def global_access(platform: Platform, name: str) -> Drawn:
    """Clients of another region may come to an internal load balancer."""
    return "gateway-policy", Row(name=name, namespace=GATEWAY_NAMESPACE, labels=labels(platform.name, name, "gateway"), gateway=name)
