"""Numbers of a spec's own model may be any: the account comes out, and what it calls the longest request fits."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from inferspec.catalog import Model, catalogue
from inferspec.model.storage import Architecture
from inferspec.resolve.memory import Asked, fit
from inferspec.resolve.weights import NAMED_OTHERWISE

WORDS = {"dtype": ["bfloat16", "float32", "int4"], "quantization": [None, "fp8", "mxfp4", "awq"], "tie_word_embeddings": [None, True]}
NUMBERS = st.sampled_from([0, 1, 2, 3, 7, 8, 64, 128, 1000, 1 << 20])


@st.composite
def models(draw: Any) -> Model:
    said = {name: draw(st.sampled_from(WORDS[name]) if name in WORDS else NUMBERS) for name in Architecture.model_fields}
    said |= {"layers": draw(st.integers(1, 130)), "moe_layer_step": draw(st.integers(1, 4))}
    facts = {NAMED_OTHERWISE.get(name, name): value for name, value in said.items() if value is not None}
    return Model(id="m", source="spec", as_of="", hugging_face="o/m", kind="llm", **facts)


SIZES = st.sampled_from([1, 2, 3, 8, 64])
ASKED = st.builds(
    Asked,
    tokens=st.integers(1, 10**6),
    utilisation=st.just(0.9),
    tensor=SIZES,
    pipeline=SIZES,
    data=SIZES,
    expert=st.booleans(),
    quantization=st.sampled_from(["", "fp8", "experts_int8", "awq"]),
    kv_dtype=st.sampled_from(["auto", "fp8", "nvfp4", "int4_per_token_head"]),
    concurrency=st.sampled_from([1, 4]),
    hybrid=st.booleans(),
    hybrid_chunks=st.booleans(),
    draft=st.none() | models(),
    lora_slots=st.sampled_from([0, 3]),
)


@settings(max_examples=200, deadline=None)
@given(models(), ASKED)
def test_an_account_comes_out(model: Model, asked: Asked) -> None:
    found = fit(catalogue(), model, catalogue().machines["a3-highgpu-8g"], asked)
    assert found.weights >= 0 and found.concurrency >= 0 and found.request >= 0
    if found.longest:
        usable = found.available - found.null_block
        assert found.cache.request(found.longest) * asked.concurrency <= usable
        assert found.longest == found.context or found.cache.request(found.longest + 1) * asked.concurrency > usable
