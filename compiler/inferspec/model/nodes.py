"""What a node has beside its machine type: disks, zones, sharing of its GPUs, labels and taints."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from .base import KmsKey, LabelKey, LabelValue, Quantity, ResourceName, ZoneLetter
from .forms import Closed, Items

DiskType = Literal["pd-balanced", "pd-standard", "pd-ssd", "hyperdisk-balanced"]
"""Boot disk types that ComputeClass takes (GoogleCloudPlatform/compute-class-api@8067eae)."""


class BootDisk(Closed):
    """The disk a node starts from."""

    size: Quantity | None = None
    """10Gi at least; GKE's own choice without it."""
    type: DiskType | None = None
    """One that the machine's family can start from."""
    kms_key: KmsKey | None = None
    """Cloud KMS key that it is encrypted with, as projects/P/locations/L/keyRings/R/cryptoKeys/K; not of another region."""
    iops: Annotated[int, Field(ge=2000, le=160_000)] | None = None
    """Provisioned I/O operations a second, with throughput, of hyperdisk-balanced."""
    throughput: Annotated[int, Field(ge=140, le=2400)] | None = None
    """Provisioned MiB/s, with iops, of hyperdisk-balanced."""


def _disk(value: Any) -> Any:
    return {"size": value} if isinstance(value, str) else value


class SecondaryBootDisk(Closed):
    """A disk made of an image that holds container images or weights."""

    image: ResourceName
    """Disk image."""
    project: str | None = None
    """Project that owns the image; the cluster's without it."""
    mode: Literal["CONTAINER_IMAGE_CACHE"] | None = None
    """What it holds: a cache of container images, or data."""


class Taint(Closed):
    """Keeps Pods away that do not tolerate it; the services of the class do."""

    key: LabelKey
    """Its key."""
    value: LabelValue | None = None
    """Its value."""
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] = "NoSchedule"
    """What happens to Pods without a toleration."""


class GpuSharing(Closed):
    """Several containers on one GPU."""

    strategy: Literal["MPS", "TIME_SHARING"]
    """By NVIDIA MPS, or in turn."""
    clients: Annotated[int, Field(ge=2, le=48)]
    """Containers a GPU at most."""


class Shielded(Closed):
    """Shielded node options."""

    secure_boot: bool | None = None
    """Only signed boot components; breaks unsigned kernel modules."""
    integrity_monitoring: bool | None = None
    """Measured boot is compared with its baseline."""


class NodeOptions(Closed):
    """Said of a class for all its rungs, or of one rung, which then wins."""

    zones: Items[ZoneLetter] | None = None
    """Zones of the region to ask in, by suffix; reservations bring their own."""
    zone_types: Items[Literal["STANDARD", "AI", "CLUSTER_DEFAULT"]] | None = None
    """Kinds of zones to ask in: AI is the portable form of zones such as ai1a."""
    location_policy: Literal["ANY", "BALANCED"] | None = None
    """BALANCED spreads new nodes over the zones, ANY takes what is there."""
    boot_disk: Annotated[BootDisk, BeforeValidator(_disk, json_schema_input_type=Quantity | BootDisk)] | None = None
    """The node's boot disk: its size, or more about it."""
    secondary_boot_disks: Items[SecondaryBootDisk] | None = None
    """Disks with container images, so that servers start without a pull."""
    local_ssd: Annotated[int, Field(ge=0, le=64)] | None = None
    """Local SSDs of a node; those that the machine has anyway, unless set."""
    max_pods_per_node: Annotated[int, Field(ge=8, le=256)] | None = None
    """Pods a node at most: each takes addresses of the Pod range."""
    labels: dict[LabelKey, LabelValue] | None = None
    """Labels of the nodes."""
    taints: Items[Taint] | None = None
    """Taints of the nodes."""
    placement: ResourceName | None = None
    """Resource policy for compact or workload placement, which must exist."""
    network_profile: ResourceName | None = None
    """Accelerator network profile: auto, or the name of one."""
    gpu_direct: Literal["rdma"] | None = None
    """GPUDirect over the accelerator network; needs a networkProfile."""
    gpu_topology: Annotated[str, Field(pattern=r"^[0-9]+x[0-9]+$")] | None = None
    """GPU topology of A4X, with a placement policy."""
    gpu_sharing: GpuSharing | None = None
    """Several containers on one GPU; not for the servers of this spec, which count whole GPUs."""
    gpu_partition: Annotated[str, Field(pattern=r"^[0-9]g\.[0-9]+gb$")] | None = None
    """Multi-instance GPU partition, such as 1g.10gb; not for the servers of this spec, which count whole GPUs."""
    driver: Literal["default", "latest", "autoinstall-disabled"] | None = None
    """GPU driver that GKE installs; latest unless set."""
