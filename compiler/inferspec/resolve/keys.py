"""Cloud KMS keys that a cluster uses, and the service agents that must be let use them. Keys stand; nobody here makes or grants them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..diagnostics import SpecPath
from ..values import SpecAt
from .ladder import sources

if TYPE_CHECKING:
    from .fleet import Fleet
    from .places import Place

ROLE = "roles/cloudkms.cryptoKeyEncrypterDecrypter"
GKE_AGENT = "service-{}@container-engine-robot.iam.gserviceaccount.com"
"""Encrypts Secrets (GKE documentation, "Encrypt secrets at the application layer")."""
COMPUTE_AGENT = "service-{}@compute-system.iam.gserviceaccount.com"
"""Encrypts disks (GKE documentation, "Use customer-managed encryption keys")."""
STORAGE_AGENT = "service-{}@gs-project-accounts.iam.gserviceaccount.com"
"""Encrypts objects (Cloud Storage documentation, "Use customer-managed encryption keys")."""


@dataclass(frozen=True, slots=True)
class KeyUse:
    """A key, by its resource name. ``agent`` is the service agent of the project that has what is encrypted.

    of       what it encrypts, as text
    stands   location of that: a region, or that of a bucket
    """

    name: str
    agent: str
    of: str
    stands: str
    path: SpecPath

    @property
    def location(self) -> str:
        return self.name.split("/")[3]


def keys(fleet: Fleet, place: Place) -> Iterator[KeyUse]:
    """Of the cluster itself, of the classes that it has, of the buckets that are made or adopted for it."""
    said, at = place.cluster.security, (*place.path, "security")

    def one(name: str, agent: str, of: str, path: SpecPath) -> KeyUse:
        return KeyUse(name, agent.format(fleet.platform.projects[place.cluster.project].number), of, place.region, path)

    if said.secrets_key is not None:
        yield one(said.secrets_key, GKE_AGENT, f"Secrets of {place.name}", (*at, "secretsKey"))
    if said.disk_key is not None:
        yield one(said.disk_key, COMPUTE_AGENT, f"boot disks of {place.name}", (*at, "diskKey"))
    for name, spec in fleet.platform.capacity_classes.items():
        if fleet.uses_class(name, place):
            root: SpecPath = ("capacityClasses", name)
            for path, options in ((root, spec), *(((*root, *below), source) for below, source in sources(spec))):
                if options.boot_disk is not None and options.boot_disk.kms_key is not None:
                    of = f"boot disks of class {name} in {place.name}"
                    yield one(options.boot_disk.kms_key, COMPUTE_AGENT, of, (*path, "bootDisk", "kmsKey"))
    for bucket in fleet.cloud.of("buckets", place):
        if bucket.key is not None and isinstance(bucket.key.origin, SpecAt) and bucket.intent != "observe":
            agent = STORAGE_AGENT.format(fleet.platform.projects[bucket.project].number)
            yield KeyUse(str(bucket.key.v), agent, f"bucket {bucket.name}", bucket.location, bucket.key.origin.path)
