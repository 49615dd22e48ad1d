"""Models and where their weights stand."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from .base import (
    Bucket,
    Closed,
    Commit,
    Location,
    ModelSource,
    Name,
    Quantity,
    ReadPath,
    VersionName,
)


class Store(Closed):
    """How weights are read, and from which bucket in which location."""

    read: ReadPath
    """How a server reads the weights."""
    buckets: Annotated[dict[Location, Bucket], Field(min_length=1)]
    """Bucket by Cloud Storage location; a cluster reads its region's, else the dual- or multi-region that contains it."""
    copy_by: Literal["storage-transfer", "download"] | None = Field(default=None, alias="copy")
    """How further buckets are filled: copied from the first, or downloaded each."""


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
    head_dim: Count
    """head_dim."""
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
    """hf://ORG/NAME, or gs://BUCKET/PATH for weights that are there already."""
    versions: Annotated[dict[VersionName, Commit], Field(min_length=1)]
    """Version name -> full commit of the source. Weights go to a prefix a commit, so readers of an old one never break."""
    store: Name
    """Key in ``storage``."""
    secret: Name | None = None
    """Key in ``secrets``: the token a gated model needs."""
    size: Quantity | None = None
    """Bytes of the weights; from the catalogue if it knows the model."""
    architecture: Architecture | None = None
    """For a model that the catalogue does not know."""
