"""A model of the catalogue: what its memory account needs."""

from __future__ import annotations

from typing import Annotated, Literal

from .forms import Count, Some, Text, Written
from .rows import Row

Quantisation = Annotated[str, Written("a format such as mxfp4 or fp8:e4m3", r"((fp8|int8|int4|awq|gptq|mxfp4|nvfp4)(:[a-z0-9_]+)?)?")]


class Model(Row):
    """Architecture facts of a model; 0 or "" where no source gives the figure."""

    hugging_face: Text
    """ORG/NAME on Hugging Face: the source hf://ORG/NAME of a spec is this model."""
    kind: Literal["llm", "diffusion", "draft", "encoder-decoder"]
    """What it is; an engine serves some kinds."""
    architecture: str = ""
    """architectures of its config.json, or model_type."""
    attention: Literal["", "full", "sliding-hybrid", "chunked", "linear-hybrid", "mla"] = ""
    """How its layers attend."""
    params: Some = 0
    """Number of parameters, exact."""
    params_text_only: Some = 0
    """Number of them without a vision or audio tower."""
    params_nominal: Some = 0
    """Number of parameters by its name."""
    params_active_nominal: Some = 0
    """Number that a token passes through, by its name."""
    layers: Some = 0
    """num_hidden_layers."""
    hidden_size: Some = 0
    """hidden_size."""
    heads: Some = 0
    """num_attention_heads."""
    kv_heads: Some = 0
    """num_key_value_heads."""
    head_dim: Some = 0
    """head_dim, else hidden_size / num_attention_heads."""
    kv_heads_full: Some = 0
    """num_global_key_value_heads: KV heads of the full layers where they differ."""
    head_dim_full: Some = 0
    """global_head_dim: head size of the full layers where it differs."""
    key_is_value: bool = False
    """attention_k_eq_v: the full layers have one projection for keys and values."""
    intermediate_size: Some = 0
    """intermediate_size, of the dense layers."""
    vocab_size: Some = 0
    """vocab_size."""
    context_length: Some = 0
    """max_position_embeddings, tokens."""
    dtype: Literal["", "bfloat16", "float16", "float32", "float8", "mxfp4", "int8", "int4"] = ""
    """torch_dtype: type of what is not quantised."""
    quantisation: Quantisation = ""
    """How the weights are stored."""
    quant_group: Some = 0
    """Parameters along a row that share a scale."""
    sliding_window: Some = 0
    """sliding_window, tokens."""
    sliding_layers: Some = 0
    """How many layer_types are sliding_attention."""
    full_layers: Some = 0
    """How many layer_types are full_attention."""
    linear_layers: Some = 0
    """How many layer_types are linear_attention."""
    linear_key_heads: Some = 0
    """linear_num_key_heads."""
    linear_value_heads: Some = 0
    """linear_num_value_heads."""
    linear_key_head_dim: Some = 0
    """linear_key_head_dim."""
    linear_value_head_dim: Some = 0
    """linear_value_head_dim."""
    linear_conv_kernel: Some = 0
    """linear_conv_kernel_dim."""
    kv_shared_layers: Some = 0
    """num_kv_shared_layers: the last layers, which keep no cache."""
    chunk_size: Some = 0
    """attention_chunk_size, tokens."""
    q_lora_rank: Some = 0
    """q_lora_rank, of latent attention."""
    kv_lora_rank: Some = 0
    """kv_lora_rank, of latent attention."""
    qk_rope_head_dim: Some = 0
    """qk_rope_head_dim, of latent attention."""
    qk_nope_head_dim: Some = 0
    """qk_nope_head_dim, of latent attention."""
    v_head_dim: Some = 0
    """v_head_dim, of latent attention."""
    experts: Some = 0
    """num_experts, num_local_experts or n_routed_experts."""
    shared_experts: Some = 0
    """n_shared_experts."""
    experts_per_token: Some = 0
    """num_experts_per_tok."""
    moe_intermediate_size: Some = 0
    """moe_intermediate_size: width of one expert."""
    moe_layer_step: Count = 1
    """interleave_moe_layer_step or decoder_sparse_step: every how many layers there are experts."""
    dense_layers: Some = 0
    """first_k_dense_replace: the first layers, without experts."""
    next_layers_not_in_params: Some = 0
    """num_nextn_predict_layers that `params` does not count."""
    index_top_k: Some = 0
    """index_topk, of sparse latent attention."""
    index_head_dim: Some = 0
    """index_head_dim, of sparse latent attention."""
    tied_embeddings: bool | None = None
    """tie_word_embeddings: the output head is the embedding."""
    weights_bytes: Some = 0
    """Bytes of the weights where they do not follow from the parameters."""
    repository_bytes: Some = 0
    """Bytes of all that a download takes, where copies of the weights stand beside those that are read."""
    gated: bool | None = None
    """Its download needs a token."""
    licence: str = ""
    """Its licence."""
    kv_bytes_per_token: Some = 0
    """Bytes of KV cache a token in bfloat16, every layer taken as full."""
