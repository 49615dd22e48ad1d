"""What a catalogue row is: one frozen record a kind, built from its mapping when it is first asked for.

Units are in the names. The text under a field is its line in docs/catalogue.md; what a value may be beside its type is in ``forms``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from .forms import Consumption, Cost, Count, Date, Degrees, Format, GkeVersion, Part, Size, Slice, Some, Text, Within, ZoneLetter
from .record import EMPTY, Record, nested


class Row(Record):
    id: Text
    """The name of the row; one that the package has changes that row, key by key."""
    source: Text
    """Where the figures come from; at the top of the file it counts for every row."""
    as_of: Date
    """The day they were read, in quotes; at the top of the file it counts for every row."""
    note: str = ""
    """What else is to be known; nothing reads it."""


class Quota(Record):
    """What a limit of Google Cloud counts the chip against: ``metric`` with a ``dimension``, or the two older metric names."""

    metric: str = ""
    """Metric of Cloud Quotas."""
    dimension: str = ""
    """NAME=VALUE of the metric's dimension."""
    on_demand: str = ""
    """Older name of the metric, for on demand."""
    spot: str = ""
    """The same, for Spot."""
    inferred: bool = False
    """The names follow the pattern, no source shows them."""
    reservation_bound: bool = False
    """The chip is had by reservation alone."""


class Accelerator(Row):
    """A kind of chip."""

    kind: Literal["gpu", "tpu"]
    """What it is."""
    node_label: Text
    """Value of the node label `cloud.google.com/gke-accelerator` or `gke-tpu-accelerator`."""
    compute_class_type: Text
    """What a ComputeClass calls it."""
    family: Text
    """Family of its machines: the part of the machine type before the first dash."""
    arch: Literal["amd64", "arm64"]
    """Processors of its machines."""
    memory_gib: Size
    """Memory of one chip, GiB."""
    bandwidth_gbps: Size
    """Bandwidth of its memory, GB/s."""
    dtypes: tuple[Format, ...]
    """Number formats it computes in."""
    tflops: Mapping[Format, Size]
    """Dense TFLOPS of one chip by format."""
    boot_disks: tuple[Text, ...]
    """Disk types its machines start from."""
    quota: Quota = nested(Quota)
    """What limits it."""
    sm: Annotated[int, Within(10)] | None = None
    """CUDA compute capability of a GPU without its point: 89 for 8.9."""
    nvlink_gbps: Size | None = None
    """NVLink of one GPU, GB/s."""
    ici_gbps: Size | None = None
    """Interconnect of one TPU chip, GB/s."""
    gpu_direct: Literal["", "tcpx", "tcpxo", "rdma"] = ""
    """The network between its machines."""
    attach_disks: tuple[Text, ...] = ()
    """Further disk types its machines take."""
    partitions: Mapping[Text, Count] = EMPTY
    """Partition size of multi-instance GPUs -> how many one GPU has."""
    max_cubes: Some = 0
    """Most cubes of 4x4x4 chips in a slice of TPUs."""
    min_gke: GkeVersion = ""
    """GKE version from which it can be had."""

    @property
    def resource(self) -> str:
        """The extended resource a Pod asks for (cluster-autoscaler labels table)."""
        return "nvidia.com/gpu" if self.kind == "gpu" else "google.com/tpu"


class Topology(Record):
    """A TPU slice on one machine type. ``hosts`` nodes make it, each with ``chips_per_host``."""

    name: str
    chips: int
    hosts: int
    chips_per_host: int

    @property
    def multi_host(self) -> bool:
        return self.hosts > 1


class Machine(Row):
    """A machine shape."""

    vcpu: Count
    """vCPUs."""
    memory_gib: Size
    """Memory, GiB."""
    consumption: tuple[Consumption, ...]
    """How it can be had."""
    machine_type: str = ""
    """The Compute Engine machine type where the id names a shape: N1 with its GPUs."""
    accelerator: str = ""
    """id of its accelerator; none for a machine without."""
    chips: Some = 0
    """Chips of one node."""
    fraction: Part = 1
    """The part of one GPU that a fractional shape has."""
    local_ssd: Some = 0
    """Local SSDs it has without asking."""
    local_ssd_optional: tuple[Count, ...] = ()
    """Numbers of local SSDs that can be asked for."""
    explicit_only: bool = False
    """Had by name alone, never by its family."""
    doubtful: tuple[Consumption, ...] = ()
    """Ways on which sources disagree."""
    topologies: tuple[Slice, ...] = ()
    """Slices of TPU machines of this type."""
    cubes: bool = False
    """Also every slice AxBxC of multiples of 4 with A<=B<=C."""

    @property
    def type(self) -> str:
        """The Compute Engine machine type; the id names a shape, which for N1 includes its GPUs."""
        return self.machine_type or self.id

    @property
    def family(self) -> str:
        return self.type.split("-", 1)[0]


class Region(Row):
    """A region of Compute Engine."""

    at: tuple[Degrees, ...] = ()
    """Latitude and longitude, degrees."""
    zones: tuple[ZoneLetter, ...] = ()
    """Letters of its zones, without AI zones."""
    allowlisted: bool = False
    """Open to some projects alone."""


class Availability(Row):
    """Where a shape was seen."""

    accelerator: Text
    """id of the accelerator."""
    machines: tuple[Text, ...]
    """ids of the machines."""
    confidence: Literal["high", "medium", "low", "none"]
    """How sure the source is."""
    zones: Mapping[Text, tuple[ZoneLetter, ...]]
    """Region -> zone letters, empty where only the region is known."""


class StorageLocation(Row):
    """A Cloud Storage location."""

    kind: Literal["region", "dual-region", "dual-region-code", "multi-region"]
    """What it is."""
    regions: tuple[Text, ...]
    """Regions it has its data in."""
    code: str = ""
    """Code of a configurable dual-region."""
    assumed: bool = False
    """Its members are not published."""


class Default(Row):
    """A default the compiler uses."""

    value: Any
    """Of the type that the package's value has; a map says each key that it has."""
    reason: Text
    """Why this value."""
    unit: str = ""
    """What the value counts; the package's stays."""
    one_of: tuple[Text, ...] = ()
    """Words that the value is one of; the package's stay."""


class PriceRow(Row):
    """Prices of a machine, or of one chip of an accelerator."""

    per: Literal["node", "chip"]
    """What the prices are of: node for a machine, chip for an accelerator."""
    regions: Mapping[Text, tuple[Cost | None, Cost | None]]
    """Region -> [on demand, Spot], USD an hour; null where there is no figure."""


class Price(Record):
    """USD an hour of a whole node; None where no source has a figure. Flex-start and committed use have none anywhere public."""

    on_demand: float | None
    spot: float | None
    source: str
    as_of: str
