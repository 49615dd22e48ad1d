"""What a catalogue row is: one frozen record a kind, built from its mapping when it is first asked for.

Units are in the names. ``source`` and ``as_of`` say where a figure comes from and when it was read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .record import EMPTY, Record, nested


class Row(Record):
    id: str
    source: str
    as_of: str
    note: str = ""


class Quota(Record):
    """``metric`` with a ``dimension``, or the two older metric names. ``inferred``: the names follow the pattern, no source shows them."""

    metric: str = ""
    dimension: str = ""
    on_demand: str = ""
    spot: str = ""
    inferred: bool = False
    reservation_bound: bool = False


class Accelerator(Row):
    """A kind of chip."""

    kind: str
    node_label: str
    compute_class_type: str
    family: str
    arch: str
    memory_gib: float
    bandwidth_gbps: float
    dtypes: tuple[str, ...]
    tflops: Mapping[str, float]
    boot_disks: tuple[str, ...]
    quota: Quota = nested(Quota)
    sm: int | None = None
    nvlink_gbps: float | None = None
    ici_gbps: float | None = None
    gpu_direct: str = ""
    attach_disks: tuple[str, ...] = ()
    partitions: Mapping[str, int] = EMPTY
    max_cubes: int = 0
    min_gke: str = ""

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
    """A machine shape. ``chips`` a node; ``fraction`` of one GPU for the fractional shapes, else 1."""

    vcpu: int
    memory_gib: float
    consumption: tuple[str, ...]
    machine_type: str = ""
    accelerator: str = ""
    chips: int = 0
    fraction: float = 1
    local_ssd: int = 0
    local_ssd_optional: tuple[int, ...] = ()
    explicit_only: bool = False
    doubtful: tuple[str, ...] = ()
    topologies: tuple[str, ...] = ()
    cubes: bool = False

    @property
    def type(self) -> str:
        """The Compute Engine machine type; the id names a shape, which for N1 includes its GPUs."""
        return self.machine_type or self.id

    @property
    def family(self) -> str:
        return self.type.split("-", 1)[0]


class Region(Row):
    """``at``: latitude and longitude in degrees. ``zones``: letters, without AI zones."""

    at: tuple[float, ...] = ()
    zones: tuple[str, ...] = ()
    allowlisted: bool = False


class Availability(Row):
    """Where a shape was seen: region -> zone letters, empty where only the region is known."""

    accelerator: str
    machines: tuple[str, ...]
    confidence: str
    zones: Mapping[str, tuple[str, ...]]


class StorageLocation(Row):
    """A Cloud Storage location. ``assumed``: its members are not published."""

    kind: str
    regions: tuple[str, ...]
    code: str = ""
    assumed: bool = False


class Model(Row):
    """Architecture facts of a model; 0 or "" where no source gives the figure. ``repository_bytes``: all files of its repository, where
    copies of the weights in other forms stand beside those that are read (``weights_bytes``)."""

    hugging_face: str
    kind: str
    architecture: str = ""
    attention: str = ""
    params: int = 0
    params_text_only: int = 0
    params_nominal: int = 0
    params_active_nominal: int = 0
    layers: int = 0
    hidden_size: int = 0
    heads: int = 0
    kv_heads: int = 0
    head_dim: int = 0
    kv_heads_full: int = 0
    head_dim_full: int = 0
    key_is_value: bool = False
    intermediate_size: int = 0
    vocab_size: int = 0
    context_length: int = 0
    dtype: str = ""
    quantisation: str = ""
    quant_group: int = 0
    sliding_window: int = 0
    sliding_layers: int = 0
    full_layers: int = 0
    linear_layers: int = 0
    linear_key_heads: int = 0
    linear_value_heads: int = 0
    linear_key_head_dim: int = 0
    linear_value_head_dim: int = 0
    linear_conv_kernel: int = 0
    kv_shared_layers: int = 0
    chunk_size: int = 0
    q_lora_rank: int = 0
    kv_lora_rank: int = 0
    qk_rope_head_dim: int = 0
    qk_nope_head_dim: int = 0
    v_head_dim: int = 0
    experts: int = 0
    shared_experts: int = 0
    experts_per_token: int = 0
    moe_intermediate_size: int = 0
    moe_layer_step: int = 1
    dense_layers: int = 0
    next_layers_not_in_params: int = 0
    index_top_k: int = 0
    index_head_dim: int = 0
    tied_embeddings: bool | None = None
    weights_bytes: int = 0
    repository_bytes: int = 0
    gated: bool | None = None
    licence: str = ""
    kv_bytes_per_token: int = 0


class Default(Row):
    """A default the compiler uses. ``value`` is a scalar, a list or a map; ``unit`` says what it counts."""

    value: Any
    reason: str
    unit: str = ""


class PriceRow(Row):
    """region -> [on demand, Spot], USD an hour, ``per`` node or chip."""

    per: str
    regions: Mapping[str, tuple[float | None, float | None]]


class Price(Record):
    """USD an hour of a whole node; None where no source has a figure. Flex-start and committed use have none anywhere public."""

    on_demand: float | None
    spot: float | None
    source: str
    as_of: str
