"""Blocks of the KV cache against what vLLM 0.32.0 said of a live server, and its rules of grouping (GiB = 2**30)."""

from __future__ import annotations

from typing import Any

import pytest
from inferspec.catalog import Model, catalogue
from inferspec.resolve.kv_cache import Cache, caches, stages_of

GIB = 2**30


def model(**said: Any) -> Model:
    return Model(id="m", source="test", as_of="", hugging_face="o/m", kind="llm", **said)


def cache(of: Model, **asked: Any) -> Cache:
    """Of one stage, in the blocks of the CPU build and 2048 tokens a step."""
    usual = {"draft": None, "tensor": 1, "pipeline": 1, "dtype": "auto", "block": 128, "batched": 2048, "hybrid": True}
    [found] = caches(of, **usual | asked)
    return found


GEMMA = model(layers=6, heads=2, kv_heads=1, head_dim=64, sliding_window=64, sliding_layers=5, full_layers=1)
"""Gemma3-style, as it was served: 32 KiB a page of 128 tokens, 4096 tokens in flight."""


def test_a_small_llama_holds_as_many_tokens_as_vllm_said() -> None:
    found = cache(model(layers=2, heads=2, kv_heads=2, head_dim=32))
    assert found.per_token == 512
    assert found.concurrency(GIB, 128) * 128 == 2_097_152


def test_hybrid_concurrency_is_what_vllm_said() -> None:
    found = cache(GEMMA)
    assert (found.block_bytes, len(found.groups), found.blocks(4096)) == (32768, 6, 32 + 5 * 33)
    assert f"{found.concurrency(GIB, 4096):.3f}" == "166.335"


def test_without_the_hybrid_manager_every_layer_is_full() -> None:
    found = cache(GEMMA, hybrid=False)
    assert (len(found.groups), GIB // found.block_bytes, found.blocks(4096)) == (1, 5461, 32)
    assert f"{found.concurrency(GIB, 4096):.3f}" == "170.656"


def test_what_vllm_rejected_and_the_length_it_proposed() -> None:
    found = cache(GEMMA)
    assert f"{found.request(10_000_000) / GIB:.2f}" == "2.39"
    assert found.longest(GIB, 10_000_000) == 4_172_416 == (32768 - 1 - 5 * 34) * 128
    assert found.longest(GIB, 1000) == 1000 and found.longest(0, 1000) == 0


TABLE = {
    "gemma-3-1b-it": 25,
    "gemma-3-4b-it": 133,
    "gemma-3-12b-it": 375,
    "gemma-3-27b-it": 484,
    "llama-3.1-8b": 125,
    "llama-3.1-70b": 313,
    "llama-3.1-405b": 492,
    "llama-4-scout": 188,
    "llama-4-maverick": 188,
    "gpt-oss-20b": 47,
    "gpt-oss-120b": 70,
    "qwen3-8b": 141,
    "qwen3-32b": 250,
    "qwen3-30b-a3b": 94,
    "qwen3-235b-a22b": 184,
    "deepseek-r1": 67,
    "deepseek-v3": 67,
    "mixtral-8x7b": 125,
}
"""MiB of a thousand tokens, bfloat16, every layer full."""


@pytest.mark.parametrize(("name", "mib"), TABLE.items())
def test_bytes_a_token(name: str, mib: int) -> None:
    size = cache(catalogue().models[name], block=16, hybrid=False).per_token * 1000 / 2**20
    assert int(size + 0.5) == mib


def test_heads_are_copied_beyond_their_number_and_a_latent_is_never_split() -> None:
    llama, deepseek = (catalogue().models[name] for name in ("llama-3.1-8b", "deepseek-v3"))
    assert [cache(llama, tensor=n).per_token for n in (1, 4, 8, 16)] == [131072, 32768, 16384, 16384]
    assert {cache(deepseek, tensor=n).per_token for n in (1, 8)} == {70272}
    assert cache(deepseek, dtype="fp8").per_token == 70272 / 2


def test_sizes_of_the_cache_dtypes() -> None:
    llama = catalogue().models["llama-3.1-8b"]
    sizes = {
        "bfloat16": 131072,
        "fp8_e5m2": 65536,
        "nvfp4": 131072 * 9 / 32,
        "int8_per_token_head": 65536 + 2 * 8 * 32 * 4,
        "int4_per_token_head": 32768 + 2 * 8 * 32 * 4,
    }
    assert {dtype: cache(llama, dtype=dtype).per_token for dtype in sizes} == sizes


def test_groups_of_gemma_4_have_pages_of_one_size() -> None:
    """Sliding layers: 16 heads of 256; full ones: 4 of 512, so their blocks take twice the tokens."""
    found = cache(catalogue().models["gemma-4-31b"], block=16)
    assert [(g.layer.kind, g.layer.block, len(g.numbers)) for g in found.groups] == [("sliding", 16, 10)] * 5 + [("full", 32, 10)]
    assert {page for g in found.groups for page in g.pages} == {16 * 2 * 16 * 256 * 2}
    assert cache(catalogue().models["gemma-4-31b"], block=16, hybrid=False).per_token == 50 * 16384 + 10 * 8192


def test_layers_that_share_keep_nothing() -> None:
    found = cache(catalogue().models["gemma-4-e4b"], block=16)
    layers = {number: g.layer.kind for g in found.groups for number in g.numbers}
    assert (list(layers.values()).count("sliding"), list(layers.values()).count("full"), max(layers)) == (20, 4, 23)


def test_linear_attention_keeps_a_state() -> None:
    """Qwen3.5-27B: 48 x 128 x 128 float32 and 10,240 channels x 3 in two bytes; attention takes 4 KiB a token and layer."""
    found = cache(catalogue().models["qwen3.5-27b"], block=16)
    state = 48 * 128 * 128 * 4 + 10240 * 3 * 2
    assert {g.layer.block for g in found.groups} == {784} and 784 * 4096 >= state > 768 * 4096
    assert [(g.layer.kind, len(g.numbers)) for g in found.groups] == [("state", 16)] * 3 + [("full", 16)]
    assert found.blocks(784 * 10) == 10 + 3


def test_chunks_are_held_with_what_is_in_flight() -> None:
    """Llama 4: every fourth layer is full, the others hold a chunk of 8192."""
    found = cache(catalogue().models["llama-4-scout"], block=16)
    assert [(g.layer.kind, len(g.numbers)) for g in found.groups] == [("chunked", 12)] * 3 + [("full", 12)]
    assert [g.layer.blocks(1_000_000, 4096) for g in found.groups] == [(8192 + 4096) // 16] * 3 + [62500]


def test_stages_take_what_does_not_divide_from_the_last_but_one_backwards() -> None:
    assert [len(stage) for stage in stages_of(61, 4)] == [15, 15, 16, 15]
    assert [len(stage) for stage in stages_of(26, 4)] == [6, 7, 7, 6]
    assert [(stage.start, stage.stop) for stage in stages_of(5, 2)] == [(0, 3), (3, 5)]


def test_a_stage_holds_its_own_layers_and_a_draft_model_is_on_the_last() -> None:
    llama, draft = catalogue().models["llama-3.1-8b"], model(layers=1, kv_heads=8, head_dim=128)
    asked: dict[str, Any] = {"tensor": 1, "dtype": "auto", "block": 16, "batched": 2048, "hybrid": True}
    assert [c.per_token for c in caches(llama, None, pipeline=2, **asked)] == [65536, 65536]
    assert [c.per_token for c in caches(llama, draft, pipeline=2, **asked)] == [65536, 65536 + 4096]


def test_gpt_oss_with_a_draft_layer_pads_instead_of_doubling() -> None:
    """12 sliding layers and 13 full ones make two groups of 13 (vllm kv_cache_planning.py names the case)."""
    draft = model(layers=1, kv_heads=8, head_dim=64)
    found = cache(catalogue().models["gpt-oss-20b"], draft=draft, block=16)
    assert sorted(len(g.numbers) for g in found.groups) == [12, 13]
    assert found.block_bytes == 13 * 16 * 2 * 8 * 64 * 2
