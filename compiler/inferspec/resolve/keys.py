"""Cloud KMS keys that a cluster uses, and the service agents that must be let use them. Keys stand; nobody here makes or grants them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..diagnostics import SpecPath
from .ladder import sources

if TYPE_CHECKING:
    from .fleet import Fleet
    from .places import Place

ROLE = "roles/cloudkms.cryptoKeyEncrypterDecrypter"
GKE_AGENT = "service-{}@container-engine-robot.iam.gserviceaccount.com"
"""Encrypts Secrets (GKE documentation, "Encrypt secrets at the application layer")."""
COMPUTE_AGENT = "service-{}@compute-system.iam.gserviceaccount.com"
"""Encrypts disks (GKE documentation, "Use customer-managed encryption keys")."""


@dataclass(frozen=True, slots=True)
class KeyUse:
    """A key, by its resource name. ``agent`` has a hole for the number of the cluster's project; ``of`` says what it encrypts."""

    name: str
    agent: str
    of: str
    path: SpecPath

    @property
    def location(self) -> str:
        return self.name.split("/")[3]


def keys(fleet: Fleet, place: Place) -> Iterator[KeyUse]:
    """Of the cluster itself and of the classes that it has."""
    said, at = place.cluster.security, (*place.path, "security")
    if said.secrets_key is not None:
        yield KeyUse(said.secrets_key, GKE_AGENT, "Secrets", (*at, "secretsKey"))
    if said.disk_key is not None:
        yield KeyUse(said.disk_key, COMPUTE_AGENT, "boot disks", (*at, "diskKey"))
    for name, spec in fleet.platform.capacity_classes.items():
        if fleet.uses_class(name, place):
            root: SpecPath = ("capacityClasses", name)
            for path, options in ((root, spec), *(((*root, *below), source) for below, source in sources(spec))):
                if options.boot_disk is not None and options.boot_disk.kms_key is not None:
                    yield KeyUse(options.boot_disk.kms_key, COMPUTE_AGENT, f"boot disks of class {name}", (*path, "bootDisk", "kmsKey"))
