"""Blocks of the KV cache, counted as vLLM counts them (bytes and tokens of one rank).

vllm 0.33.0: vllm/v1/kv_cache_interface.py (what a layer holds) and vllm/v1/core/kv_cache_planning.py (how layers share one pool).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from math import ceil

from ..catalog import Model as ModelFacts

ATTENTION_ALIGNMENT = 16
"""Tokens: the attention kernels' block sizes are multiples (vllm 0.33.0, _align_hybrid_block_size)."""
SPARSE_MLA_FP8 = 656
"""Bytes a token of the fp8_ds_mla layout of sparse MLA (vllm 0.33.0, MLAAttentionSpec)."""


@dataclass(frozen=True, slots=True)
class Layer:
    """What one layer keeps. ``window`` is in tokens, of a sliding window or a chunk; a state is one page whatever the tokens."""

    kind: str
    block: int
    page: int
    window: int = 0

    def blocks(self, tokens: int, in_flight: int) -> int:
        """Blocks of one request of ``tokens`` while ``in_flight`` tokens are being computed (max_admission_blocks_per_request)."""
        if self.kind == "state":
            return 1
        if self.kind == "sliding":
            # One more: the window need not start where a block does.
            return ceil(min(self.window - 1 + in_flight, tokens) / self.block) + 1
        if self.kind == "chunked":
            return ceil(min(self.window + in_flight, tokens) / self.block)
        return ceil(tokens / self.block)


@dataclass(frozen=True, slots=True)
class Group:
    """Layers with one block table: ``numbers`` of the layers, and the bytes of a page of each."""

    layer: Layer
    numbers: tuple[int, ...]
    pages: tuple[int, ...]

    def bytes_on(self, stage: range) -> int:
        return sum(page for number, page in zip(self.numbers, self.pages, strict=True) if number in stage)


@dataclass(frozen=True, slots=True)
class Cache:
    """The groups of a model, and the bytes of one block of the pool that they share on one pipeline stage."""

    groups: tuple[Group, ...]
    in_flight: int
    block_bytes: int

    def blocks(self, tokens: int) -> int:
        return sum(group.layer.blocks(tokens, self.in_flight) for group in self.groups)

    def request(self, tokens: int) -> int:
        """Bytes of one request of ``tokens``: every group takes blocks of the whole pool."""
        return self.blocks(tokens) * self.block_bytes

    @property
    def per_token(self) -> float:
        """Bytes that one more token costs, in the layers that grow with the request."""
        return sum(self.block_bytes / group.layer.block for group in self.groups if group.layer.kind == "full")

    def longest(self, available: float, most: int, requests: int = 1) -> int:
        """Tokens of the longest request that ``available`` bytes hold ``requests`` times, at most ``most``; 0 where none fits.

        A binary search, as vLLM's (_estimate_max_model_len_from_groups); one block of the pool, the null block, is held back.
        """
        usable = available - self.block_bytes
        low, high = 0, most
        while low < high:
            middle = (low + high + 1) // 2
            if self.request(middle) * requests <= usable:
                low = middle
            else:
                high = middle - 1
        return low

    def concurrency(self, available: float, tokens: int) -> float:
        """Requests of ``tokens`` tokens at once (get_max_concurrency_for_kv_cache_config); 0 where nothing is asked for."""
        if not self.block_bytes or not tokens:
            return 0.0
        return max(0, int(available // self.block_bytes)) / self.blocks(tokens)


def caches(
    model: ModelFacts,
    draft: ModelFacts | None,
    *,
    tensor: int,
    pipeline: int,
    dtype: str,
    block: int,
    batched: int,
    hybrid: bool,
) -> list[Cache]:
    """The cache of each pipeline stage; a draft model's layers are on the last one."""
    layers = layers_of(model, tensor, dtype, block)
    stages = stages_of(model.layers, pipeline)
    if draft is not None:
        layers += layers_of(draft, tensor, dtype, block)
        stages[-1] = range(stages[-1].start, len(layers))
    found = grouped(layers, hybrid)
    # Asynchronous scheduling computes one step more than there are stages (vllm 0.33.0 config/vllm.py max_concurrent_batches).
    in_flight = (pipeline + 1) * batched
    return [Cache(tuple(found), in_flight, max((group.bytes_on(stage) for group in found), default=0)) for stage in stages]


def stages_of(layers: int, pipeline: int) -> list[range]:
    """Layer numbers of each stage; what does not divide goes to the stages from the last but one backwards (get_pp_indices)."""
    counts = [layers // pipeline] * pipeline
    for i in range(layers % pipeline):
        counts[-(i + 2)] += 1
    starts = [sum(counts[:i]) for i in range(pipeline)]
    return [range(start, start + count) for start, count in zip(starts, counts, strict=True)]


# -- what a layer keeps ------------------------------------------------------------------------------------------------


def layers_of(model: ModelFacts, tensor: int, dtype: str, block: int) -> list[Layer | None]:
    """Each layer in order; None for one that reads another layer's keys and values (num_kv_shared_layers)."""
    if model.kv_lora_rank:
        return [Layer("full", block, block * _latent(model, dtype))] * model.layers
    if not model.kv_heads or not model.head_dim:
        return []
    local = _token(model.kv_heads, model.head_dim, tensor, dtype)
    full = _token(model.kv_heads_full or model.kv_heads, model.head_dim_full or model.head_dim, tensor, dtype)
    state = _state(model, tensor)
    if model.linear_layers:
        # The block grows until a page of attention is no smaller than a state, and states are padded to it.
        block = max(block, ATTENTION_ALIGNMENT * ceil(state / (ATTENTION_ALIGNMENT * full)))
    other = (
        Layer("state", block, block * full)
        if model.linear_layers
        else Layer("chunked", block, block * local, model.chunk_size)
        if model.chunk_size
        else Layer("sliding", block, block * local, model.sliding_window)
    )
    growing = Layer("full", block, block * full)
    found: list[Layer | None] = [growing if is_full else other for is_full in _full(model)]
    return found[: model.layers - model.kv_shared_layers] + [None] * model.kv_shared_layers


def _full(model: ModelFacts) -> list[bool]:
    """Whether each layer attends to everything: the last of every so many, as in every hybrid model of the catalogue."""
    others = model.sliding_layers + model.linear_layers
    count = model.full_layers or model.layers - others
    if not others and not (model.chunk_size and model.full_layers):
        return [True] * model.layers
    period = max(1, model.layers // count) if count > 0 else model.layers + 1
    return [(number + 1) % period == 0 and (number + 1) // period <= count for number in range(model.layers)]


def heads_on_rank(heads: int, tensor: int) -> int:
    """KV heads of one rank: beyond their number they are copied (vllm 0.33.0 config/model.py get_num_kv_heads)."""
    return max(1, heads // tensor)


def _token(heads: int, size: int, tensor: int, dtype: str) -> int:
    """Bytes a token of keys and values of one layer."""
    values = 2 * heads_on_rank(heads, tensor)
    if dtype.startswith("nvfp4"):
        return values * ceil(size * 9 / 16)
    scales = 4 if dtype.endswith("per_token_head") else 0
    return values * ((ceil(size / 2) if dtype.startswith("int4") else size * dtype_bytes(dtype)) + scales)


def _latent(model: ModelFacts, dtype: str) -> int:
    """Bytes a token of one MLA layer, on every rank; with a sparse indexer, its keys beside it (one byte each and a scale)."""
    latent = (model.kv_lora_rank + model.qk_rope_head_dim) * dtype_bytes(dtype)
    if not model.index_top_k:
        return latent
    index = model.index_head_dim + 4 * ceil(model.index_head_dim / 128)
    return (SPARSE_MLA_FP8 if dtype_bytes(dtype) == 1 else latent) + index


def _state(model: ModelFacts, tensor: int) -> int:
    """Bytes of a linear-attention layer's state: float32 matrices, and the bfloat16 window of its convolution.

    vllm 0.33.0 MambaStateShapeCalculator.gated_delta_net_state_shape; float32 is mamba_ssm_dtype of the Qwen3.5 configs.
    """
    heads, keys, values = model.linear_value_heads, model.linear_key_head_dim, model.linear_value_head_dim
    channels = 2 * model.linear_key_heads * keys + heads * values
    return (4 * heads * keys * values + 2 * channels * max(0, model.linear_conv_kernel - 1)) // tensor


def dtype_bytes(dtype: str) -> int:
    """Whole bytes of one value of ``--kv-cache-dtype``; auto is the model's own, two bytes in every model of the catalogue."""
    return 1 if dtype.startswith(("fp8", "int8")) else 2


# -- layers on one pool ------------------------------------------------------------------------------------------------


def grouped(layers: Sequence[Layer | None], hybrid: bool) -> list[Group]:
    """Layers of one kind share a block table, and all groups one pool (_get_kv_cache_groups_uniform_page_size)."""
    numbered = [(number, layer) for number, layer in enumerate(layers) if layer is not None]
    if not hybrid:
        numbered = [(n, x if x.kind == "state" else replace(x, kind="full", window=0)) for n, x in numbered]
    if not numbered:
        return []
    if all(layer.kind == "full" for _, layer in numbered):
        return [Group(numbered[0][1], tuple(n for n, _ in numbered), tuple(x.page for _, x in numbered))]
    widest = max(layer.page for _, layer in numbered)
    kinds: dict[Layer, list[int]] = {}
    for number, layer in numbered:
        kinds.setdefault(_widened(layer, widest), []).append(number)
    size = _group_size([len(numbers) for numbers in kinds.values()])
    found = []
    for layer, numbers in kinds.items():
        groups = ceil(len(numbers) / size)
        for i in range(groups):
            members = tuple(numbers[i::groups])
            found.append(Group(layer, members, (layer.page,) * len(members)))
    return found


@lru_cache(maxsize=1024)
def _widened(layer: Layer, page: int) -> Layer:
    """The layer with pages of ``page`` bytes: more tokens a block, else padding (unify_kv_cache_spec_page_size)."""
    if page % layer.page == 0:
        return replace(layer, block=layer.block * (page // layer.page), page=page)
    return replace(layer, page=page)


def _group_size(counts: Sequence[int]) -> int:
    """Layers a group: the fewest of any kind, or the most where that pads less."""
    return max(counts) if max(counts) < 1.5 * min(counts) else min(counts)
