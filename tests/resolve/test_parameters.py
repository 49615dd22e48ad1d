"""Bytes of weights: the published sizes, and what a rank holds (GiB = 2**30)."""

from __future__ import annotations

import math
from dataclasses import astuple
from typing import Any

import pytest
from inferspec.catalog import Model, catalogue
from inferspec.resolve.parameters import adapter_bytes, format_in_use, parts, rank_bytes, weights_bytes

GIB = 2**30

TABLE = {
    "gemma-3-1b-it": "1.9",
    "gemma-3-4b-it": "8.0",
    "gemma-3-12b-it": "22.7",
    "gemma-3-27b-it": "51.1",
    "llama-3.1-8b": "15.0",
    "llama-3.1-70b": "131.4",
    "llama-3.1-405b": "756",
    "llama-4-scout": "202",
    "llama-4-maverick": "747",
    "gpt-oss-20b": "12.8",
    "qwen3-8b": "15.3",
    "qwen3-32b": "61.0",
    "qwen3-30b-a3b": "56.9",
    "qwen3-235b-a22b": "438",
    "mixtral-8x7b": "87.0",
}


def ranks(model: Model, **asked: Any) -> list[float]:
    return rank_bytes(model, **{"tensor": 1, "pipeline": 1, "data": 1, "expert": False, "quantization": ""} | asked)


@pytest.mark.parametrize(("name", "gib"), TABLE.items())
def test_gib_as_stored(name: str, gib: str) -> None:
    digits = 1 if "." in gib else 0
    assert f"{weights_bytes(catalogue().models[name]) / GIB:.{digits}f}" == gib


@pytest.mark.parametrize("name", ["deepseek-r1", "deepseek-v3"])
def test_deepseek_is_625_gib_and_the_second_byte_of_embedding_and_head(name: str) -> None:
    model = catalogue().models[name]
    tables = 2 * model.vocab_size * model.hidden_size
    assert f"{(weights_bytes(model) - tables) / GIB:.0f}" == "625"


def test_gpt_oss_20b_is_its_published_shards() -> None:
    """19.11e9 parameters of experts in 4.25 bits, the rest in 16: 4.79 + 4.80 + 4.17 GB."""
    model = catalogue().models["gpt-oss-20b"]
    found = parts(model)
    assert f"{found.experts / 1e9:.2f}" == "19.11"
    rest = model.params - found.experts
    assert f"{(found.experts * 4.25 / 8 + rest * 2) / 1e9:.2f}" == "13.76" == f"{weights_bytes(model) / 1e9:.2f}"


def test_every_parameter_is_in_one_part() -> None:
    for model in catalogue().models.values():
        if model.params:
            assert sum(astuple(parts(model))) == model.params, model.id


def test_on_the_fly_quantises_sixteen_bits_only() -> None:
    qwen, fp8, oss = (catalogue().models[name] for name in ("qwen3-32b", "qwen3-32b-fp8", "gpt-oss-20b"))
    assert weights_bytes(qwen, "fp8") == weights_bytes(fp8) == weights_bytes(fp8, "bitsandbytes")
    assert format_in_use(oss, "fp8") == "mxfp4" and format_in_use(qwen, "awq") == "bfloat16"
    assert format_in_use(qwen, "bitsandbytes-nf4") == format_in_use(qwen, "bitsandbytes-fp4") == "bitsandbytes"
    moe = catalogue().models["mixtral-8x7b"]
    assert weights_bytes(moe) - weights_bytes(moe, "experts_int8") == parts(moe).experts


def test_a_published_size_goes_before_the_formula_and_is_split_like_it() -> None:
    e2b = catalogue().models["gemma-4-e2b"]
    assert weights_bytes(e2b) == 10246621918 and math.isclose(ranks(e2b)[0], weights_bytes(e2b))


def test_no_figure_is_no_size() -> None:
    widths = {"id": "m", "source": "test", "as_of": "", "hugging_face": "o/m", "kind": "llm", "vocab_size": 32000, "hidden_size": 4096}
    assert weights_bytes(Model(**widths)) == 0 and weights_bytes(Model(**widths, weights_bytes=5)) == 5


@pytest.mark.parametrize("name", ["llama-3.1-70b", "gemma-3-27b-it", "qwen3-235b-a22b", "gpt-oss-120b", "deepseek-v3"])
def test_one_rank_holds_all_and_stages_add_up(name: str) -> None:
    model = catalogue().models[name]
    assert math.isclose(ranks(model)[0], weights_bytes(model), rel_tol=1e-6)
    copied = model.vocab_size * model.hidden_size * 2 if model.tied_embeddings else 0
    assert math.isclose(sum(ranks(model, pipeline=4)), weights_bytes(model) + copied, rel_tol=1e-6)


def test_tensor_parallel_splits_all_but_what_is_copied() -> None:
    llama, deepseek = catalogue().models["llama-3.1-8b"], catalogue().models["deepseek-v3"]
    assert math.isclose(ranks(llama, tensor=8)[0] * 8, weights_bytes(llama), rel_tol=1e-9)
    extra = ranks(llama, tensor=16)[0] * 16 - weights_bytes(llama)
    assert math.isclose(extra, 32 * 2 * 4096 * 128 * 8 * 2, rel_tol=1e-9), "eight heads twice: K and V projections of 32 layers"
    latent = ranks(deepseek, tensor=8)[0] * 8 - weights_bytes(deepseek)
    assert math.isclose(latent, 7 * 61 * 7168 * (512 + 64 + 1536), rel_tol=1e-6)


def test_experts_are_split_over_the_copies_too() -> None:
    qwen = catalogue().models["qwen3-30b-a3b"]
    experts = parts(qwen).experts * 2
    rest = weights_bytes(qwen) - experts
    assert math.isclose(ranks(qwen, data=4)[0], rest + experts / 4)
    assert ranks(qwen, tensor=2, data=4, expert=True) == ranks(qwen, tensor=2, data=4)
    whole = ranks(qwen, data=3, expert=True)[0] - ranks(qwen, data=3)[0]
    assert math.isclose(whole, experts * (43 / 128 - 1 / 3)), "128 experts on 3 chips: 43 on the fullest"


def test_first_and_last_stage_have_the_tables() -> None:
    first, middle, last = ranks(catalogue().models["qwen3-32b"], pipeline=3)
    table = 151936 * 5120 * 2
    layer = (weights_bytes(catalogue().models["qwen3-32b"]) - 2 * table) / 64
    assert [round((size - n * layer) / table, 6) for size, n in ((first, 21), (middle, 22), (last, 21))] == [1, 0, 1]


def test_adapters_of_llama_3_1_8b() -> None:
    """Rank 16 on all seven projections is 41.9 million parameters (its MLP is 14336 wide)."""
    size = adapter_bytes(catalogue().models["llama-3.1-8b"], 4, 16, 1, 1)
    assert f"{size / 4 / 2 / 1e6:.1f}" == "41.9"
    assert adapter_bytes(catalogue().models["llama-3.1-8b"], 0, 16, 1, 1) == 0
