"""The catalogue's architecture facts against vLLM: its registry has the model, and derives from it what the catalogue says."""

from __future__ import annotations

from pathlib import Path

import pytest
from inferspec.catalog import Model

from tests.engines import architectures, emitted, judge

THIN = {
    "kimi-k2": "transformers has no class for kimi_k2",
}
"""Models that no config.json can be made of, and why. A model that leaves this list, or comes to it, fails the test."""


def test_the_models_without_a_configuration_are_the_known_ones(tell: list[str]) -> None:
    assert {model.id: why for model in emitted.models() if (why := architectures.problem(model))} == THIN
    tell.extend(f"{name} not configured: {why}" for name, why in THIN.items())


@pytest.mark.parametrize("model", [m for m in emitted.models() if m.id not in THIN], ids=lambda m: m.id)
def test_vllm_derives_what_the_catalogue_says(model: Model, folders: Path) -> None:
    folder = architectures.write(model, folders / model.id)
    whole = judge.configured([f"--max-model-len={model.context_length}"], folder)
    found = whole.model_config
    assert found.max_model_len == model.context_length
    assert found.get_num_layers(whole.parallel_config) == model.layers
    if model.attention == "mla":
        assert found.get_head_size() == model.kv_lora_rank + model.qk_rope_head_dim
    else:
        assert found.get_total_num_kv_heads() == model.kv_heads
        assert found.get_head_size() == (model.head_dim_full or model.head_dim)
    with pytest.raises(judge.RefusedError, match="max_model_len"):
        judge.configured([f"--max-model-len={model.context_length + 1}"], folder)
    odd = next(size for size in range(2, 99) if model.heads % size)
    with pytest.raises(judge.RefusedError, match="divisible by"):
        judge.configured([f"--tensor-parallel-size={odd}", "--max-model-len=1024"], folder)
