"""What Terraform has to provide for a cluster: buckets, identities, secrets, certificates. Derived from what the objects use."""

from __future__ import annotations

from typing import Any

from ..resolve.fleet import Fleet
from ..resolve.naming import writer_name
from ..resolve.places import Place

READER = "roles/storage.objectViewer"


def variables(fleet: Fleet, place: Place) -> dict[str, Any]:
    """Content of terraform.tfvars.json. Readers get a viewer role, the one writer of a bucket gets the user role."""
    platform = fleet.platform
    project = platform.projects[place.cluster.project]
    buckets: dict[str, str] = {}
    grants: list[dict[str, str]] = []
    for key in fleet.workload_keys:
        if fleet.is_placed(key, place):
            workload = fleet.workload_at(key, place)
            for artefact in workload.mounts.artefacts:
                location = fleet.location(artefact.store, place)
                if location is not None:
                    bucket = platform.storage[artefact.store].buckets[location]
                    buckets[bucket] = location
                    grants.append(_grant(bucket, READER, workload.namespace, workload.name))
            grants += [_grant(str(m.bucket.v), READER, workload.namespace, workload.name) for m in workload.mounts.mounted]
    secrets: list[dict[str, str]] = []
    for job in fleet.downloads:
        if job.writer is place:
            grants.append(_grant(job.bucket, "roles/storage.objectUser", job.namespace, writer_name(job.artefact.key)))
            if secret := job.artefact.secret:
                secrets.append(
                    {
                        "secret": platform.secrets[secret].secret_manager,
                        "role": "roles/secretmanager.secretAccessor",
                        "namespace": job.namespace,
                        "service_account": writer_name(job.artefact.key),
                    }
                )
    gateways = [name for name in platform.gateways if fleet.has_gateway(name, place)]
    return {
        "platform": platform.name,
        "cluster": place.name,
        "region": place.region,
        "project_id": project.id,
        "project_number": str(project.number),
        "sync_directory": f"clusters/{platform.name}/{place.region}/{place.name}/sync",
        "buckets": [{"name": name, "location": location.upper()} for name, location in sorted(buckets.items())],
        "bucket_grants": _once(grants),
        "secret_grants": _once(secrets),
        "certificates": sorted({t.certificate for g in gateways if (t := platform.gateways[g].tls)}),
        "addresses": sorted({a for g in gateways if (a := platform.gateways[g].address)}),
        "hosts": sorted({platform.gateways[g].host for g in gateways}),
    }


def _grant(bucket: str, role: str, namespace: str, account: str) -> dict[str, str]:
    return {"bucket": bucket, "role": role, "namespace": namespace, "service_account": account}


def _once(grants: list[dict[str, str]]) -> list[dict[str, str]]:
    return [dict(items) for items in sorted({tuple(g.items()) for g in grants})]
