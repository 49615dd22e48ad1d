"""Models and where their weights stand."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from .base import (
    Bucket,
    Duration,
    KmsKey,
    Location,
    LustreMount,
    ModelSource,
    Name,
    Network,
    Quantity,
    ReadPath,
    Region,
    ResourceName,
    SourceRevision,
    VersionName,
    ZoneLetter,
)
from .forms import Closed, Items


class FileCache(Closed):
    """Where Cloud Storage FUSE keeps what it has read."""

    medium: Literal["memory", "local-ssd", "hyperdisk"] | None = None
    """memory unless set: charged to the Pod and never given back; local-ssd: of the node; hyperdisk: a disk for each Pod."""
    size: Quantity | None = None
    """Its size; the weights and a tenth without it."""


class AnywhereCache(Closed):
    """Zonal read caches in front of each bucket of the store."""

    zones: dict[Region, Annotated[Items[ZoneLetter], Field(min_length=1)]]
    """Zones of each region that get one, by suffix."""
    ttl: Duration = "24h"
    """How long an object stays after its last read: 1h to 168h."""
    admission: Literal["first-miss", "second-miss"] = "first-miss"
    """When an object is taken in."""


class Lustre(Closed):
    """A Managed Lustre instance of one region."""

    zone: ZoneLetter
    """Zone of the instance, by suffix."""
    size: Quantity
    """Capacity: 9000Gi to 7632000Gi."""
    throughput: Literal[125, 250, 500, 1000]
    """MB/s for each TiB."""
    network: Network | None = None
    """VPC network of an instance that GKE makes; that of the cluster's project without it."""
    instance: ResourceName | None = None
    """Name of an instance that exists; without it GKE makes one for each team and cluster."""
    mount: LustreMount | None = None
    """ADDRESS@tcp:/FILESYSTEM of an instance that exists."""
    project: Name | None = None
    """Key in ``projects``: owner of an instance that exists."""


class HyperdiskMl(Closed):
    """Hyperdisk ML volumes of one region: one for each model version, read by all its Pods."""

    zones: Annotated[Items[ZoneLetter], Field(min_length=1)]
    """Zones that get a copy, by suffix."""
    throughput: Annotated[int, Field(ge=400, le=2_097_152)] = 2400
    """Provisioned MiB/s of each copy, shared by its readers."""


class Filestore(Closed):
    """A Filestore instance of one region, for each team and cluster."""

    tier: Literal["standard-rwx", "premium-rwx", "zonal-rwx", "enterprise-rwx"]
    """StorageClass that GKE has for the tier."""
    size: Quantity
    """Capacity."""


class Store(Closed):
    """How weights are read, and from which bucket in which location."""

    read: ReadPath
    """How a server reads the weights."""
    buckets: Annotated[dict[Location, Bucket], Field(min_length=1)]
    """Bucket by Cloud Storage location; a cluster reads its region's, else the dual- or multi-region that contains it."""
    keys: dict[Location, KmsKey] = {}
    """Cloud KMS key of a location's bucket, of that location too; for buckets that ``imports`` makes or adopts."""
    writers: dict[Location, Name] = {}
    """Cluster that fills the bucket of a location; without it the first that reads the bucket, by region and name."""
    copy_by: Literal["storage-transfer", "download"] | None = Field(default=None, alias="copy")
    """How further buckets are filled: copied from the one that ``writers`` names, else the first by location; or downloaded each."""
    cache: FileCache = FileCache.model_construct()
    """File cache of gcs-fuse."""
    prefetch: bool = False
    """gcs-fuse lists the whole folder when it mounts."""
    profile: Literal["serving"] | None = None
    """gcs-fuse by the driver's own profile: its settings follow the bucket and the node, and it makes Anywhere Caches itself."""
    anywhere_cache: AnywhereCache | None = None
    """Zonal caches in front of the buckets."""
    lustre: dict[Region, Lustre] = {}
    """Instances for read: lustre, by region."""
    disk: dict[Region, HyperdiskMl] = {}
    """Volumes for read: hyperdisk-ml, by region."""
    filestore: dict[Region, Filestore] = {}
    """Instances for read: filestore, by region."""

    @property
    def copied_from(self) -> Location | None:
        """Location of the bucket that the others are copied from; None where each is downloaded to."""
        if self.copy_by != "storage-transfer":
            return None
        return next((at for at in self.buckets if at in self.writers), next(iter(self.buckets)))


Count = Annotated[int, Field(ge=1)]
Some = Annotated[int, Field(ge=0)]


class Architecture(Closed):
    """Numbers of a model's config.json, for a model that the catalogue does not know."""

    parameters: Count
    """Number of parameters."""
    layers: Count
    """num_hidden_layers."""
    hidden_size: Count
    """hidden_size."""
    attention_heads: Count
    """num_attention_heads."""
    kv_heads: Count
    """num_key_value_heads."""
    head_dim: Count | None = None
    """head_dim; hidden_size / num_attention_heads without it."""
    context_length: Count
    """max_position_embeddings."""
    dtype: Literal["bfloat16", "float16", "float32", "float8", "mxfp4", "int8", "int4"] = "bfloat16"
    """torch_dtype: type of the weights; of what is not quantised where quantization is given."""
    quantization: Literal["fp8", "int8", "int4", "awq", "gptq", "mxfp4", "nvfp4"] | None = None
    """quantization_config.quant_method: how the weights are stored."""
    quant_group_size: Count | None = None
    """quantization_config.group_size, or the width of weight_block_size."""
    intermediate_size: Count | None = None
    """intermediate_size, of the dense layers."""
    vocab_size: Count | None = None
    """vocab_size."""
    tie_word_embeddings: bool | None = None
    """tie_word_embeddings: the output head is the embedding."""
    text_parameters: Count | None = None
    """Number of parameters without a vision or audio tower."""
    sliding_window: Count | None = None
    """sliding_window, in tokens."""
    sliding_layers: Some | None = None
    """How many layer_types are sliding_attention."""
    full_layers: Some | None = None
    """How many layer_types are full_attention."""
    linear_layers: Some | None = None
    """How many layer_types are linear_attention."""
    attention_chunk_size: Count | None = None
    """attention_chunk_size, in tokens."""
    global_kv_heads: Count | None = None
    """num_global_key_value_heads: KV heads of the full layers where they differ."""
    global_head_dim: Count | None = None
    """global_head_dim: head size of the full layers where it differs."""
    kv_shared_layers: Some | None = None
    """num_kv_shared_layers: the last layers, which read the keys and values of earlier ones."""
    kv_lora_rank: Count | None = None
    """kv_lora_rank, of latent attention (MLA)."""
    q_lora_rank: Count | None = None
    """q_lora_rank, of latent attention."""
    qk_rope_head_dim: Count | None = None
    """qk_rope_head_dim, of latent attention."""
    index_topk: Count | None = None
    """index_topk, of sparse latent attention."""
    index_head_dim: Count | None = None
    """index_head_dim, of sparse latent attention."""
    linear_key_heads: Count | None = None
    """linear_num_key_heads."""
    linear_value_heads: Count | None = None
    """linear_num_value_heads."""
    linear_key_head_dim: Count | None = None
    """linear_key_head_dim."""
    linear_value_head_dim: Count | None = None
    """linear_value_head_dim."""
    linear_conv_kernel: Count | None = None
    """linear_conv_kernel_dim."""
    experts: Count | None = None
    """num_experts, num_local_experts or n_routed_experts."""
    moe_intermediate_size: Count | None = None
    """moe_intermediate_size: width of one expert."""
    dense_layers: Some | None = None
    """first_k_dense_replace: the first layers, without experts."""
    moe_layer_step: Count | None = None
    """interleave_moe_layer_step or decoder_sparse_step: every how many layers there are experts."""


class Model(Closed):
    """A model, its pinned versions and where its weights are kept."""

    source: ModelSource
    """hf://ORG/NAME, kaggle://OWNER/MODEL/FRAMEWORK/VARIATION or https://HOST/FILE; gs://BUCKET/PATH for weights that are there already."""
    versions: Annotated[dict[VersionName, SourceRevision], Field(min_length=1)]
    """Version name -> full commit of a Hugging Face source, version number of a Kaggle one, sha256 of a file, folder below a gs:// source.
    Each has a folder of its own: readers of an old one never break."""
    store: Name
    """Key in ``storage``."""
    secret: Name | None = None
    """Key in ``secrets``: the token a gated model needs."""
    size: Quantity | None = None
    """Bytes of the weights; from the catalogue if it knows the model."""
    architecture: Architecture | None = None
    """For a model that the catalogue does not know."""
