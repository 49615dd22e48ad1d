"""What has to exist before the pods of a cluster start, as a list. Offline: no order holds across clusters, so people keep it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..model.delivery import Gateway
from ..plan.dns import zone_project
from ..plan.terraform import variables
from ..resolve.dns import led_to
from ..resolve.fleet import Fleet
from ..resolve.images import images_of
from ..resolve.keys import ROLE, keys
from ..resolve.places import Place
from ..resolve.scaling import READER, VIEWER
from .needs import ReservationNeed, needs


def prerequisites(fleet: Fleet, place: Place) -> dict[str, Any]:
    """Of one cluster: what its Terraform variables name, and what is checked beside them."""
    said, needed = variables(fleet, place), needs(fleet, [place])
    pool = f"projects/{said['project_number']}/locations/global/workloadIdentityPools/{said['project_id']}.svc.id.goog"

    def principal(namespace: str, account: str) -> str:
        return f"principal://iam.googleapis.com/{pool}/subject/ns/{namespace}/sa/{account}"

    def granted(key: str, on: str) -> Iterator[tuple[str, str, str]]:
        for grant in said[key]:
            yield grant["role"], on.format(**grant), principal(grant["namespace"], grant["service_account"])

    scaled = [reader for by, reader in READER.items() if any(fleet.is_scaled_by(by, key, place) for key in fleet.workload_keys)]
    grants = [*granted("bucket_grants", "gs://{bucket}"), *granted("secret_grants", "{secret}")]
    grants += granted("project_grants", "projects/{project}")
    reads = [(VIEWER, f"projects/{said['project_id']}", principal(*reader)) for reader in scaled]
    grants += [grant for grant in reads if grant not in grants]
    grants += _screening(fleet, place)
    used = {(key.name, key.agent): key for key in keys(fleet, place)}
    grants += [(ROLE, key.name, f"serviceAccount:{key.agent}") for key in used.values()]
    located = {bucket["name"]: bucket["location"] for bucket in said["buckets"]}
    return {
        "cluster": place.name,
        "region": place.region,
        "project": said["project_id"],
        "buckets": [{"name": name, "location": located.get(name, "")} for name in sorted(needed.buckets)],
        "grants": [{"role": role, "on": on, "to": to} for role, on, to in grants],
        "secrets": [f"{secret.resource}/versions/{secret.version}" for secret in needed.secrets.values()],
        "reservations": [_reservation(fleet, need) for need in needed.reservations.values()],
        "diskImages": [image.resource for image in needed.disk_images.values()],
        "keys": sorted({key.name for key in used.values()}),
        "images": sorted({str(image.v) for image, _ in images_of(fleet, place)}),
        "models": [model.target for model in needed.models.values()],
        "certificates": said["certificates"],
        "certificateMaps": sorted({g.tls.certificate_map for g in _gateways(fleet, place) if g.tls and g.tls.certificate_map}),
        "addresses": [address["name"] for address in said["addresses"]],
        "globalAddresses": sorted({g.address for g in _gateways(fleet, place) if g.address and g.class_ == "global-external"}),
        "securityPolicies": sorted({g.cloud_armor for g in _gateways(fleet, place) if g.cloud_armor}),
        "modelArmorTemplates": [
            f"projects/{said['project_id']}/locations/{place.region}/templates/{template['name']}"
            for template in said["model_armor_templates"]
        ],
        "dnsZones": sorted(set(_zones(fleet, place))),
    }


def _gateways(fleet: Fleet, place: Place) -> list[Gateway]:
    return [gateway for name, gateway in fleet.platform.gateways.items() if fleet.carries(name, place)]


def _zones(fleet: Fleet, place: Place) -> Iterator[str]:
    """Managed zones of Cloud DNS that lead clients to the cluster."""
    for name, gateway in fleet.platform.gateways.items():
        if gateway.dns is not None and place in led_to(fleet, name):
            yield f"projects/{zone_project(fleet, name)}/managedZones/{gateway.dns.zone}"


def _screening(fleet: Fleet, place: Place) -> Iterator[tuple[str, str, str]]:
    """Load balancers call Model Armor as the service agent of Service Extensions (its documentation, "Configure an extension to call
    a Google service")."""
    project = fleet.platform.projects[place.cluster.project]
    agent = f"serviceAccount:service-{project.number}@gcp-sa-dep.iam.gserviceaccount.com"
    if any(gateway.model_armor is not None for gateway in _gateways(fleet, place)):
        for role in ("roles/modelarmor.calloutUser", "roles/modelarmor.user", "roles/serviceusage.serviceUsageConsumer"):
            yield role, f"projects/{project.id}", agent


def _reservation(fleet: Fleet, need: ReservationNeed) -> dict[str, Any]:
    machine = fleet.catalogue.machines[need.spec.shape].type
    return {"name": need.spec.name, "zone": need.zone, "project": need.owner, "machineType": machine, "count": need.spec.nodes}


def lines(said: dict[str, Any]) -> Iterator[str]:
    """The list for people; nothing is shown of a kind that is not needed."""
    yield f"{said['cluster']}: {said['region']}, project {said['project']}"
    for bucket in said["buckets"]:
        yield f"  bucket       gs://{bucket['name']}{' in ' + bucket['location'] if bucket['location'] else ', which stands already'}"
    for grant in said["grants"]:
        yield f"  grant        {grant['role']} on {grant['on']}"
        yield f"               to {grant['to']}"
    for secret in said["secrets"]:
        yield f"  secret       {secret}"
    for held in said["reservations"]:
        yield f"  reservation  {held['name']} of {held['count']} {held['machineType']} in {held['zone']}, project {held['project']}"
    for image in said["diskImages"]:
        yield f"  disk image   {image}"
    for key in said["keys"]:
        yield f"  key          {key}"
    for model in said["models"]:
        yield f"  model        {model}"
    for image in said["images"]:
        yield f"  image        {image}"
    for name in said["certificates"]:
        yield f"  certificate  {name}"
    for name in said["certificateMaps"]:
        yield f"  certificates {name} (map)"
    for name in said["addresses"]:
        yield f"  address      {name}"
    for name in said["globalAddresses"]:
        yield f"  address      {name} (global)"
    for name in said["securityPolicies"]:
        yield f"  policy       {name} (Cloud Armor)"
    for name in said["modelArmorTemplates"]:
        yield f"  template     {name} (Model Armor)"
    for name in said["dnsZones"]:
        yield f"  zone         {name} (Cloud DNS)"
