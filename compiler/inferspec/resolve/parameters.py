"""Bytes of a model's weights: as they are stored, and on the rank of a pipeline stage.

Embedding and output head stay in 16 bits in every quantised checkpoint and when vLLM quantises on the fly; mxfp4 is of the
experts only. Norms and routers, which every rank holds whole, are some megabytes and belong to the reserve.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from ..catalog import Model as ModelFacts
from .kv_cache import heads_on_rank, stages_of

BITS = {
    "float32": 32.0,
    "bfloat16": 16.0,
    "float16": 16.0,
    "float8": 8.0,
    "fp8": 8.0,
    "int8": 8.0,
    "nvfp4": 4.5,
    "mxfp4": 4.25,
    "int4": 4.125,
    "awq": 4.15625,
    "gptq": 4.15625,
    "bitsandbytes": 4.5,
}
"""Bits a parameter with its scales: 16 bits for 128 (int4), and a 4-bit zero point for 128 (awq, gptq); 8 for 32 (mxfp4),
8 for 16 (nvfp4), 32 for 64 (bitsandbytes). One scale for 128 x 128 or a channel (fp8, int8) is nothing."""

ON_THE_FLY = {
    "fp8": "fp8",
    "fp8_per_tensor": "fp8",
    "fp8_per_block": "fp8",
    "experts_int8": "experts_int8",
    "bitsandbytes": "bitsandbytes",
    "bitsandbytes-nf4": "bitsandbytes",
    "bitsandbytes-fp4": "bitsandbytes",
}
"""Values with which vLLM (``--quantization``) and TGI (``--quantize``, the last two) quantise 16-bit weights as they load them;
the others name a checkpoint's own format."""

VOCABULARY_PADDING = 64
"""Rows: the vocabulary is padded to a multiple (vllm 0.33.0 vocab_parallel_embedding.py)."""


def stored_format(model: ModelFacts) -> str:
    """``fp8`` of ``fp8:e4m3``; the dtype where the checkpoint is not quantised."""
    return (model.quantisation or model.dtype or "bfloat16").partition(":")[0]


def format_in_use(model: ModelFacts, quantization: str) -> str:
    """What the weights are kept in on the chip: as stored, unless vLLM quantises 16-bit weights as asked."""
    stored = stored_format(model)
    return ON_THE_FLY.get(quantization, stored) if BITS.get(stored, 16.0) >= 16 else stored


@dataclass(frozen=True, slots=True)
class Parts:
    """Parameters by how they are split and stored. ``tower`` is the vision part; ``linear`` all that is left."""

    embedding: int
    head: int
    tower: int
    experts: int
    linear: int


def parts(model: ModelFacts) -> Parts:
    total = model.params or model.params_nominal
    embedding = model.vocab_size * model.hidden_size
    head = 0 if model.tied_embeddings else embedding
    tower = max(0, total - model.params_text_only) if model.params_text_only else 0
    layers = max(0, model.layers - model.dense_layers) // model.moe_layer_step
    experts = model.experts * 3 * model.hidden_size * model.moe_intermediate_size * layers
    return Parts(embedding, head, tower, experts, max(0, total - embedding - head - tower - experts))


def _bits(model: ModelFacts, kept: str) -> tuple[float, float, float]:
    """Bits a parameter of experts, of the other linear layers, and of what is never quantised."""
    plain = max(16.0, BITS.get(model.dtype, 16.0))
    if kept == "mxfp4":
        return BITS[kept], plain, plain
    if kept == "experts_int8":
        return BITS["int8"], plain, plain
    return BITS.get(kept, 16.0), BITS.get(kept, 16.0), plain


def _formula_bytes(model: ModelFacts, kept: str) -> float:
    found, (experts, linear, plain) = parts(model), _bits(model, kept)
    return (found.experts * experts + found.linear * linear + (found.embedding + found.head + found.tower) * plain) / 8


def weights_bytes(model: ModelFacts, quantization: str = "") -> int:
    """Bytes of all weights as kept with ``--quantization``; 0 where the catalogue has no figure. Published sizes go before the formula."""
    kept, stored = format_in_use(model, quantization), stored_format(model)
    counted = bool(model.params or model.params_nominal)
    if not counted or (model.weights_bytes and kept == stored):
        return model.weights_bytes
    return int(_formula_bytes(model, kept))


def rank_bytes(model: ModelFacts, *, tensor: int, pipeline: int, data: int, expert: bool, quantization: str) -> list[float]:
    """Bytes of the weights on one chip of each pipeline stage.

    The experts are split over the chips of all data-parallel copies, whole experts with expert parallelism and slices of each
    without (vllm 0.33.0 fused_moe/config.py FusedMoEParallelConfig.make).
    """
    found, kept = parts(model), format_in_use(model, quantization)
    expert_bits, linear_bits, plain_bits = _bits(model, kept)
    formula = _formula_bytes(model, kept)
    published = weights_bytes(model, quantization) / formula if formula else 1.0
    split = tensor * data
    share = ceil(model.experts / split) / model.experts if expert and model.experts else 1 / split
    table = ceil(model.vocab_size / VOCABULARY_PADDING) * VOCABULARY_PADDING * model.hidden_size / tensor
    sizes = []
    for number, stage in enumerate(stages_of(model.layers, pipeline)):
        part = len(stage) / model.layers if model.layers else 1 / pipeline
        first, last = number == 0, number == pipeline - 1
        plain = table * (first + last) if found.head else table * (first or last)
        plain += found.tower / tensor if first else 0.0
        linear = found.linear * part / tensor + _copied(model, tensor) * len(stage)
        sizes.append((found.experts * part * share * expert_bits + linear * linear_bits + plain * plain_bits) / 8 * published)
    return sizes


def _copied(model: ModelFacts, tensor: int) -> float:
    """Parameters a layer that a rank holds beyond its share: MLA's projections into the latent, KV heads beyond their number."""
    if model.kv_lora_rank:
        whole = model.hidden_size * (model.kv_lora_rank + model.qk_rope_head_dim + model.q_lora_rank)
        return whole * (1 - 1 / tensor)
    if not model.kv_heads:
        return 0.0
    return 2 * model.hidden_size * model.head_dim * max(0.0, heads_on_rank(model.kv_heads, tensor) - model.kv_heads / tensor)


def adapter_bytes(model: ModelFacts, slots: int, rank: int, tensor: int, pipeline: int) -> float:
    """Bytes a chip that vLLM sets aside for ``slots`` adapters of ``rank`` on the attention and dense layers, in 16 bits.

    Of each projection the side that the model splits is split and the other is whole (vllm 0.33.0 lora/layers, without
    ``--fully-sharded-loras``). The width of the MLP is what its parameters leave where the catalogue does not say it.
    """
    if not slots or not model.layers or not model.heads or not model.hidden_size:
        return 0.0
    hidden, queries, keys = model.hidden_size, model.heads * model.head_dim, heads_on_rank(model.kv_heads, tensor) * model.head_dim
    attention = hidden * (2 * queries + 2 * model.kv_heads * model.head_dim)
    width = model.intermediate_size or max(0.0, parts(model).linear / model.layers - attention) / (3 * hidden)
    into = 3 * hidden + queries / tensor + 2 * hidden + width / tensor
    out = (queries / tensor + 2 * keys) + hidden + 2 * width / tensor + hidden
    longest_stage = max(len(stage) for stage in stages_of(model.layers, pipeline))
    return slots * rank * (into + out) * 2 * longest_stage
