"""What Terraform is told of a cluster: the cluster itself, and what its objects use. terraform/README.md is the contract."""

from __future__ import annotations

import re
from typing import Any

from ..model.base import seconds
from ..model.delivery import Gateway
from ..model.places import Project
from ..names import truncate_with_hash
from ..resolve.armor import armor_rules, interval, key_of
from ..resolve.cloud import FUSE_CONTROLLER, OBSERVED, Grant, Resource
from ..resolve.crossregion import asks_from
from ..resolve.dns import address_of
from ..resolve.fleet import Fleet
from ..resolve.images import images_of
from ..resolve.places import Place
from .limits import limits

SERVICES = (
    "artifactregistry.googleapis.com",
    "compute.googleapis.com",
    "container.googleapis.com",
    "gkehub.googleapis.com",
    "iam.googleapis.com",
    "logging.googleapis.com",
    "monitoring.googleapis.com",
    "storage.googleapis.com",
)
"""What every cluster needs; configuration management (Config Sync) is ``anthosconfigmanagement``."""

MULTI_CLUSTER_SERVICES = (
    "multiclusteringress.googleapis.com",
    "multiclusterservicediscovery.googleapis.com",
    "trafficdirector.googleapis.com",
)
"""Of a project whose fleet has cross-regional gateways (GKE documentation, "Prepare your environment for multi-cluster Gateways")."""
PROXIES = "REGIONAL_MANAGED_PROXY"
"""Purpose of a proxy-only subnet, unless a cross-regional gateway asks from it."""

ACCOUNT_LIMIT = 30
"""Characters of a Google service account's id (IAM, serviceAccounts.create)."""
_REGISTRY = re.compile(r"([a-z0-9-]+)-docker\.pkg\.dev/([a-z][-a-z0-9]+)/([a-z][-a-z0-9]*)")


def variables(fleet: Fleet, place: Place) -> dict[str, Any]:
    """Content of terraform.tfvars.json: every variable of terraform/variables.tf, in its order.

    ``made_by`` says who makes a thing: the cluster whose Terraform does, ``config-connector``, or ``observed`` where it stands.
    """
    platform = fleet.platform
    project = platform.projects[place.cluster.project]
    return {
        "platform": platform.name,
        "cluster": place.name,
        "region": place.region,
        "project_id": project.id,
        "project_number": str(project.number),
        "sync_directory": f"clusters/{platform.name}/{place.region}/{place.name}/sync",
        **_cluster(place),
        "security": _security(place),
        "network": _network(fleet, place, project),
        "autoprovisioning_limits": [] if place.cluster.mode == "autopilot" else limits(fleet, place),
        "addons": (addons := _addons(fleet, place)),
        "node_service_account": truncate_with_hash(f"{place.name}-nodes", ACCOUNT_LIMIT),
        "config_sync": _config_sync(fleet, place),
        "config_cluster": (config := project.config_cluster == place.name),
        "services": _services(fleet, place, addons, config),
        **_resources(fleet, place),
        **_grants(fleet, place),
        "certificates": sorted({s.tls.certificate for s in _gateways(fleet, place).values() if s.tls and s.tls.certificate}),
        "hosts": [{"host": spec.host, "address": address_of(spec, g, place) or ""} for g, spec in _gateways(fleet, place).items()],
    }


def _gateways(fleet: Fleet, place: Place) -> dict[str, Gateway]:
    return {name: spec for name, spec in fleet.platform.gateways.items() if fleet.carries(name, place)}


def _cluster(place: Place) -> dict[str, Any]:
    cluster = place.cluster
    zones = [f"{place.region}-{letter}" for letter in cluster.zones or ()]
    return {
        "location": place.location,
        "node_zones": sorted(zones) if place.location == place.region else [],
        "autopilot": cluster.mode == "autopilot",
        "stage": cluster.stage,
        "release_channel": cluster.gke.channel.upper(),
        "min_version": cluster.gke.min_version or "",
    }


def _security(place: Place) -> dict[str, str]:
    said = place.cluster.security
    return {
        "binary_authorization": "PROJECT_SINGLETON_POLICY_ENFORCE" if said.binary_authorization else "DISABLED",
        "secrets_key": said.secrets_key or "",
        "disk_key": said.disk_key or "",
    }


def _network(fleet: Fleet, place: Place, project: Project) -> dict[str, Any]:
    """A network has many clusters and a proxy-only subnet many of one region: the first by region and name makes each."""
    named, region = project.network, fleet.platform.regions[place.region]
    classes = fleet.catalogue.stack(fleet.platform.stack).gateway_classes
    crossing = [fleet.platform.gateways[gateway].class_ for gateway in fleet.config_clusters if asks_from(fleet, gateway, place)]
    peers = fleet.cloud.peers[place.cluster.project]
    beside = fleet.cloud.peers[f"{place.cluster.project} {place.region}"]
    own = place.cluster.node_range is not None
    # A subnetwork has one NAT.
    out = [p for p in beside if p.cluster.internet and _subnetwork(p, named.name) == _subnetwork(place, named.name)]
    return {
        "name": named.name,
        "made_by": peers[0].name if named.create else OBSERVED,
        "subnetwork": _subnetwork(place, named.name),
        "subnetwork_made_by": place.name if own else OBSERVED,
        "node_range": str(place.cluster.node_range or ""),
        "proxy_range": str(region.proxy_subnet or ""),
        "proxy_purpose": classes[crossing[0]].proxy_subnet if crossing else PROXIES,
        "proxy_made_by": beside[0].name if named.create and region.proxy_subnet else OBSERVED,
        "internet": place.cluster.internet,
        "nat_made_by": out[0].name if named.create and place.cluster.internet else OBSERVED,
    }


def _subnetwork(place: Place, network: str) -> str:
    return place.cluster.subnetwork or (network if place.cluster.node_range is None else place.name)


def _addons(fleet: Fleet, place: Place) -> dict[str, bool]:
    """Drivers and add-ons by what is emitted for the cluster."""
    keys = [key for key in fleet.workload_keys if fleet.is_placed(key, place)]
    mounts = [fleet.workload_at(key, place).mounts for key in keys]
    reads = {m.volume.read for mount in mounts for m in mount.mounted if m.volume is not None}
    writes = any(job.writer is place for job in fleet.downloads)
    return {
        "filestore_csi": "filestore" in reads,
        "gateway_api": bool(_gateways(fleet, place)) or any(fleet.exports(key, place) for key in keys),
        "gcs_fuse_csi": writes or any(mount.sidecar for mount in mounts),
        "lustre_csi": "lustre" in reads,
        "ray_operator": "kuberay" in place.cluster.addons,
        "secret_manager": any(job.writer is place and job.artefact.secret for job in fleet.downloads),
    }


def _config_sync(fleet: Fleet, place: Place) -> dict[str, str]:
    """The sync that reads ``sync/``, by the branch: what the parts are read at is in the RootSyncs there."""
    source = fleet.platform.delivery.config_sync
    return {
        "repo": str(source.repo or ""),
        "branch": str(source.branch or fleet.catalogue.default("delivery.branch")),
        "auth": source.auth,
        "service_account": source.service_account or "",
        "feature_made_by": fleet.cloud.peers[place.cluster.project][0].name,
    }


def _services(fleet: Fleet, place: Place, addons: dict[str, bool], config: bool) -> list[str]:
    """APIs that the cluster's project must have enabled."""
    found = {*SERVICES, "anthosconfigmanagement.googleapis.com"}
    used = {kind for kind, _, _ in fleet.cloud.used[place]}
    found |= {"secretmanager.googleapis.com"} if "secrets" in used else set()
    found |= {"modelarmor.googleapis.com"} if "modelArmor" in used else set()
    found |= {"certificatemanager.googleapis.com", "networkservices.googleapis.com"} if addons["gateway_api"] else set()
    found |= {"binaryauthorization.googleapis.com"} if place.cluster.security.binary_authorization else set()
    found |= set(MULTI_CLUSTER_SERVICES) if config else set()
    found |= {"file.googleapis.com"} if addons["filestore_csi"] else set()
    found |= {"lustre.googleapis.com", "servicenetworking.googleapis.com"} if addons["lustre_csi"] else set()
    found |= {"storagetransfer.googleapis.com"} if place.name in fleet.cloud.transfers.values() else set()
    return sorted(found)


def _made(fleet: Fleet, one: Resource) -> dict[str, Any]:
    return {"name": one.name, "made_by": fleet.cloud.made_by(one.first, one.intent), "adopt": one.intent == "adopt"}


def _resources(fleet: Fleet, place: Place) -> dict[str, Any]:
    cloud = fleet.cloud
    transfers = [(one, first) for one, first in cloud.transfers.items() if first == place.name]
    stores = fleet.platform.storage
    interval = fleet.catalogue.default("infra.transferInterval")
    return {
        "buckets": [
            {**_made(fleet, one), "location": one.location.upper(), "key": str(one.key.v) if one.key is not None else ""}
            for one in cloud.of("buckets", place)
        ],
        "anywhere_caches": [
            {
                "bucket": one.bucket,
                "zone": one.zone,
                "ttl": f"{seconds(cache.ttl)}s",
                "admission_policy": f"admit-on-{cache.admission}",
                "made_by": cloud.made_by(first),
            }
            for one, first in sorted(cloud.caches.items(), key=lambda item: (item[0].bucket, item[0].zone))
            if first == place.name and (cache := stores[one.store].anywhere_cache) is not None
        ],
        "transfer_jobs": [
            {"store": one.store, "source": one.source, "sink": one.sink, "interval": f"{interval}s", "made_by": cloud.made_by(first)}
            for one, first in sorted(transfers, key=lambda item: (item[0].store, item[0].sink))
        ],
        "addresses": [{**_made(fleet, one), "internal": one.internal} for one in cloud.of("addresses", place)],
        "secrets": [
            {**_made(fleet, one), "resource": fleet.platform.secrets[one.name].secret_manager} for one in cloud.of("secrets", place)
        ],
        "model_armor_templates": [
            {**_made(fleet, one), "confidence": fleet.catalogue.default("infra.modelArmor")["confidence"]}
            for one in cloud.of("modelArmor", place)
        ],
        "security_policies": [
            {**_made(fleet, one), "location": one.location, "rules": _armor(fleet, one)} for one in cloud.of("cloudArmor", place)
        ],
    }


def _armor(fleet: Fleet, one: Resource) -> list[dict[str, Any]]:
    """Rules of a policy that is made; ``rate`` is null but where the action is ``throttle``."""
    policy = fleet.platform.cloud_armor.get(one.name)
    return [
        {
            "description": rule.description,
            "priority": rule.priority,
            "action": rule.action,
            "preview": rule.preview,
            "ranges": [held.v for held in rule.ranges],
            "rate": (rate := rule.rate)
            and {"requests": rate.requests, "seconds": interval(rate), "key": key_of(rate), "header": rate.header or ""},
        }
        for rule in (armor_rules(policy, one.path) if policy is not None else ())
    ]


def _grants(fleet: Fleet, place: Place) -> dict[str, Any]:
    """The principal of a service account is its project's, not its cluster's: the first cluster that needs a grant makes it for all."""
    cloud = fleet.cloud
    granted = sorted(cloud.granted[place], key=lambda one: (one.on, one.role, one.namespace, one.account))

    def said(grant: Grant, key: str) -> dict[str, str]:
        return {
            key: grant.on.removeprefix("projects/") if key == "project" else grant.on,
            "role": grant.role,
            "namespace": grant.namespace,
            "service_account": grant.account,
            "made_by": cloud.made_by(cloud.grants[grant]),
        }

    namespace, account = FUSE_CONTROLLER
    scanners = cloud.scanners.get(place.cluster.project, {})
    return {
        "bucket_grants": [said(grant, "bucket") for grant in granted if grant.kind == "bucket"],
        "secret_grants": [said(grant, "secret") for grant in granted if grant.kind == "secret"],
        "project_grants": [said(grant, "project") for grant in granted if grant.kind == "project"],
        "fuse_profiles": {
            "namespace": namespace,
            "service_account": account,
            "role_made_by": next(iter(scanners.values()), OBSERVED),
            "buckets": [{"name": bucket, "made_by": scanners[bucket]} for bucket in sorted(cloud.scanned[place])],
        },
        "registries": _registries(fleet, place),
    }


def _registries(fleet: Fleet, place: Place) -> list[dict[str, str]]:
    """Artifact Registry repositories that the cluster's nodes pull from: mirrors, and images of one's own."""
    found = {m.groups() for image, _ in images_of(fleet, place) if (m := _REGISTRY.match(str(image.v)))}
    return [{"location": location, "project": project, "repository": name} for location, project, name in sorted(found)]
