"""Volumes that weights are read from where servers do not mount the bucket itself: what they are called, who shares them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from ..names import truncate_with_hash
from .weights import Artefact

VOLUMES = ("lustre", "hyperdisk-ml", "filestore")
"""Ways to read from a volume that a Job fills from the bucket."""
SHARED = ("lustre", "filestore")
"""Those that hold every model of their store; the others are one a model version."""
PROFILE = "gcs-fuse-profile"
"""The bucket itself, as a volume of the FUSE driver's own class."""

VOLUME_NAME_LIMIT = 52
"""A volume's name and the suffix of what fills it (``-fill``) are names of objects and of a Pod's volumes: 63 characters."""


@dataclass(frozen=True, slots=True)
class Volume:
    """A claim of one namespace. ``read`` is one of VOLUMES, or PROFILE; ``artefact`` is None where it holds a whole store."""

    name: str
    store: str
    read: str
    team: str
    namespace: str
    artefact: Artefact | None

    @property
    def filled(self) -> bool:
        """By a Job of ours; otherwise it shows the bucket."""
        return self.read in VOLUMES


def volume_of(read: str, artefact: Artefact, team: str, namespace: str) -> Volume:
    """The volume that ``artefact`` is read from. A claim's source is immutable, so what holds one version is named after its folder."""
    if read in SHARED:
        return Volume(truncate_with_hash(f"{artefact.store}-{read}", VOLUME_NAME_LIMIT), artefact.store, read, team, namespace, None)
    mark = hashlib.sha256(str(artefact.folder.v).encode()).hexdigest()[:8]
    return Volume(f"{truncate_with_hash(artefact.key, VOLUME_NAME_LIMIT - 9)}-{mark}", artefact.store, read, team, namespace, artefact)
