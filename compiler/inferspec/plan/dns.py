"""What Terraform is told of the hosts of gateways: one file for the platform, since a record has the addresses of many clusters.

Not Config Connector: its DNSRecordSet has no health check of an external address, so a lost region would stay in the answers
(GoogleCloudPlatform/k8s-config-connector crds/dns_v1beta1_dnsrecordset.yaml). terraform/dns/README.md is the contract.
"""

from __future__ import annotations

from typing import Any

from ..model.base import seconds
from ..names import truncate_with_hash
from ..resolve.dns import Record, address_of, answering, led_to, records
from ..resolve.fleet import Fleet
from ..resolve.places import Place
from ..values import Value
from .views.arguments import placed

SOURCES = ("us-east4", "europe-west1", "asia-southeast1")
"""Where external addresses are asked from: three regions, one a continent (Compute Engine API, healthChecks.sourceRegions)."""


def dns_variables(fleet: Fleet) -> dict[str, Any]:
    """Content of terraform.tfvars.json: every variable of terraform/dns/variables.tf, in its order; empty without a ``dns``."""
    gateways = [name for name, spec in fleet.platform.gateways.items() if spec.dns is not None and led_to(fleet, name)]
    if not gateways:
        return {}
    return {
        "platform": fleet.platform.name,
        "health_checks": [_health_check(fleet, name) for name in gateways if _checked(fleet, name)],
        "records": [_record(fleet, record) for name in gateways for record in records(fleet, name)],
    }


def _checked(fleet: Fleet, gateway: str) -> bool:
    """An internal load balancer knows the health of its own backends."""
    return fleet.platform.gateways[gateway].class_ == "regional-external"


def _health_check(fleet: Fleet, gateway: str) -> dict[str, Any]:
    """What comes from a server tells that one is there."""
    spec = fleet.platform.gateways[gateway]
    return {
        "name": _check_name(fleet, gateway),
        "project": zone_project(fleet, gateway),
        "host": spec.host,
        "port": 443 if spec.tls else 80,
        "tls": spec.tls is not None,
        "path": _path(fleet, gateway),
        "sources": list(SOURCES),
        "interval": fleet.catalogue.default("dns.checkInterval"),
    }


def _path(fleet: Fleet, gateway: str) -> str:
    """A list of models, since a request without a body goes to any server of a pool (gateway-api-inference-extension v1.5.0,
    pkg/epp/handlers/request.go); of servers without the OpenAI API, the path of their health (check.dns: one path for all)."""
    first = answering(fleet, gateway)[0]
    said = "/v1/models" if first.engine.openai else placed(first, (first.engine.health_path,))[0]
    return str(said.v) if isinstance(said, Value) else said


def _check_name(fleet: Fleet, gateway: str) -> str:
    return truncate_with_hash(f"{fleet.platform.name}-{gateway}", 63)


def zone_project(fleet: Fleet, gateway: str) -> str:
    """Id of the project that has the zone of the gateway's host."""
    dns = fleet.platform.gateways[gateway].dns
    assert dns is not None
    return fleet.platform.projects[dns.project or led_to(fleet, gateway)[0].cluster.project].id


def _record(fleet: Fleet, record: Record) -> dict[str, Any]:
    spec = fleet.platform.gateways[record.gateway]
    assert spec.dns is not None
    several = len(record.places) > 1
    return {
        "name": f"{record.host}.",
        "zone": spec.dns.zone,
        "project": zone_project(fleet, record.gateway),
        "ttl": seconds(spec.dns.ttl),
        "fence": record.fenced,
        "health_check": _check_name(fleet, record.gateway) if several and _checked(fleet, record.gateway) else "",
        "internal_port": "" if _checked(fleet, record.gateway) else "443" if spec.tls else "80",
        "targets": [_target(fleet, record, place) for place in record.places],
    }


def _target(fleet: Fleet, record: Record, place: Place) -> dict[str, str]:
    project = fleet.platform.projects[place.cluster.project]
    return {
        "region": place.region,
        "project": project.id,
        "address": address_of(fleet.platform.gateways[record.gateway], record.gateway, place) or "",
        "network": project.network.name,
    }
