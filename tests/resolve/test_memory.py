"""The account of a chip, from what is asked to the verdict; and what a spec asks."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from inferspec.catalog import catalogue
from inferspec.diagnostics import Diagnostic
from inferspec.pipeline import Request, vet
from inferspec.resolve import memory
from inferspec.resolve.memory import GIB, Asked, Fit, batched_tokens, fit
from inferspec.resolve.settings import WorkloadKey

from tests.test_rule_fixtures import BASE, edited


def account(model: str, machine: str, **asked: object) -> Fit:
    facts = catalogue()
    usual = Asked(tokens=8192, utilisation=0.92)
    return fit(facts, facts.models[model], facts.machines[machine], replace(usual, **asked))  # type: ignore[arg-type]


def test_the_parts_make_the_headroom() -> None:
    found = account("llama-3.1-8b", "g2-standard-48", tensor=2, concurrency=3)
    assert math.isclose(found.budget, 24 * GIB * 0.92)
    assert found.request == 8192 * 65536 and found.null_block == 16 * 65536
    assert math.isclose(found.headroom, found.budget - found.weights - found.reserve - 3 * found.request - found.null_block)


def test_the_longest_request_fits_and_one_block_more_does_not() -> None:
    cases = (("llama-3.1-8b", 1, 0.92), ("gemma-3-27b-it", 4, 0.78), ("gemma-4-31b", 4, 0.92))
    for model, tensor, utilisation in cases:
        found = account(model, "g2-standard-48", tensor=tensor, utilisation=utilisation)
        assert 0 < found.longest < found.context, model
        more = found.longest + max(group.layer.block for group in found.cache.groups)
        left = [account(model, "g2-standard-48", tensor=tensor, utilisation=utilisation, tokens=n).headroom for n in (found.longest, more)]
        assert left[0] >= 0 > left[1], model


def test_as_many_requests_as_asked_make_it_shorter() -> None:
    once, thrice = (account("llama-3.1-8b", "g2-standard-8", concurrency=n) for n in (1, 3))
    assert thrice.longest == once.longest // 16 // 3 * 16 or thrice.longest < once.longest / 2.9
    assert thrice.headroom < once.headroom and thrice.concurrency == once.concurrency


def test_what_asks_for_less_leaves_more() -> None:
    plain = account("qwen3-8b", "g2-standard-8")
    assert math.isclose(account("qwen3-8b", "g2-standard-8", kv_dtype="fp8").request, plain.request / 2)
    assert account("qwen3-8b", "g2-standard-8", quantization="fp8").weights < 0.6 * plain.weights
    assert account("qwen3-8b", "g2-standard-8", eager=True).reserve == plain.reserve - GIB // 2


def test_weights_in_host_memory_are_not_on_the_chip() -> None:
    plain, moved = account("qwen3-8b", "g2-standard-8"), account("qwen3-8b", "g2-standard-8", offloaded=4)
    assert moved.weights == plain.weights - 4 * GIB and moved.headroom == plain.headroom + 4 * GIB
    assert account("qwen3-8b", "g2-standard-8", offloaded=400).weights == 0


def test_weights_that_are_quantised_after_they_load_have_to_fit_as_stored() -> None:
    late, early = (account("qwen3-32b", "g2-standard-24", tensor=2, quantization="fp8", loads_whole=on) for on in (True, False))
    assert late.weights == early.weights and early.headroom > 0
    assert late.loading > late.memory and late.headroom == late.memory - late.loading
    assert account("qwen3-32b", "g2-standard-24", tensor=2, loads_whole=True).loading == 0, "what is not quantised loads as it stays"


def test_chunks_count_only_where_vllm_is_told() -> None:
    told, plain = (account("llama-4-scout", "a3-highgpu-8g", tensor=8, tokens=1_000_000, hybrid_chunks=on) for on in (True, False))
    assert plain.request == 1_000_000 * 48 * 2 * 128 * 2 and told.request < plain.request / 3


def test_a_draft_model_and_adapters_are_counted() -> None:
    plain, llama = account("llama-3.3-70b", "a3-highgpu-8g", tensor=4), catalogue().models["llama-3.1-8b"]
    drafted = account("llama-3.3-70b", "a3-highgpu-8g", tensor=4, draft=llama)
    whole = account("llama-3.3-70b", "a3-highgpu-8g", tensor=4, draft=llama, draft_tensor=1)
    assert math.isclose(whole.draft, 8030261248 * 2) and math.isclose(drafted.draft, whole.draft / 4)
    assert drafted.kv_per_token == plain.kv_per_token + 131072 / 4
    adapted = account("llama-3.3-70b", "a3-highgpu-8g", tensor=4, lora_slots=2, lora_rank=32)
    assert adapted.available == plain.available - adapted.adapters and adapted.adapters > 0


def test_a_kv_cache_of_given_size_stands_in_place_of_the_share() -> None:
    plain, given = account("llama-3.1-8b", "g2-standard-8"), account("llama-3.1-8b", "g2-standard-8", kv_bytes=2 * GIB)
    assert given.available == 2 * GIB and given.utilisation == plain.utilisation, "whatever the share is"
    assert math.isclose(given.budget, given.beside + 2 * GIB)
    assert math.isclose(given.headroom, 2 * GIB - given.request - given.null_block)
    assert account("llama-3.1-8b", "g2-standard-8", kv_bytes=200 * GIB).headroom < 0, "more than the chip has"
    assert account("llama-3.1-8b", "g2-standard-8", kv_bytes=GIB // 4).headroom < 0, "less than the longest request"


def test_the_fullest_stage_is_shown() -> None:
    """Gemma's embedding is on the first stage and, tied, on the last; of four stages the middle ones have a layer more."""
    found = account("gemma-3-1b-it", "g2-standard-96", pipeline=4)
    assert found.chips == 4 and found.weights > 2 * 262144 * 1152
    assert account("qwen3-32b", "g2-standard-96", pipeline=8).weights > account("qwen3-32b", "g2-standard-96", tensor=8).weights


def test_data_parallel_copies_hold_what_one_does() -> None:
    one, two = (account("llama-3.1-8b", "g2-standard-48", data=n) for n in (1, 2))
    assert (two.chips, two.weights, two.concurrency) == (2, one.weights, one.concurrency)


def test_steps_by_accelerator() -> None:
    sizes = {name: batched_tokens(catalogue().accelerators[name]) for name in ("l4", "a100-80gb", "h100-80gb", "b200", "v6e", "v5e")}
    assert batched_tokens(catalogue().accelerators["rtx-pro-6000"], 0.5) == 2048
    assert sizes == {"l4": 2048, "a100-80gb": 2048, "h100-80gb": 8192, "b200": 16384, "v6e": 1024, "v5e": 512}


@pytest.mark.parametrize(("machine", "utilisation", "tokens"), [("a3-highgpu-1g", 0.92, 14512), ("g4-standard-48", 0.90, 28992)])
def test_lengths_that_the_reference_architecture_found(machine: str, utilisation: float, tokens: int) -> None:
    """gemma-4-31b with KV offload, whose connector turns the hybrid manager off: GoogleCloudPlatform/accelerated-platforms@9320f3b."""
    longest = account("gemma-4-31b", machine, utilisation=utilisation, hybrid=False, tokens=tokens).longest
    assert tokens <= longest < tokens * 1.04


def test_a_model_without_attention_has_no_cache() -> None:
    found = account("sdxl", "g2-standard-8")
    assert (found.request, found.longest, found.concurrency, found.verdict) == (0, 0, 0.0, "fits")


# -- from a spec -------------------------------------------------------------------------------------------------------


def vetted(text: str, folder: Path) -> tuple[dict[str, Asked], list[Diagnostic]]:
    spec = folder / "platform.yaml"
    spec.write_text(text, encoding="utf-8")
    outcome = vet(Request(spec, folder, date(2026, 11, 21)))
    assert outcome.fleet is not None
    fleet = outcome.fleet
    workloads = [fleet.workload_at(key, fleet.places_of(key)[0]) for key in fleet.workload_keys]
    return {w.name: w.asked for w in workloads}, outcome.diagnostics


def test_flags_of_the_engine_are_asked(tmp_path: Path) -> None:
    flags = "max-num-seqs: 128, quantization: fp8, kv-cache-dtype: fp8, block-size: 32, max-num-batched-tokens: 4K, enforce-eager: true"
    variable = "LOG_LEVEL: info, VLLM_ALLOW_CHUNKED_LOCAL_ATTN_WITH_HYBRID_KV_CACHE: '1'"
    asked, _ = vetted(edited([["max-num-seqs: 128", flags], ["LOG_LEVEL: info", variable]]), tmp_path)
    expected = Asked(
        tokens=8192,
        utilisation=0.92,
        quantization="fp8",
        kv_dtype="fp8",
        block_size=32,
        batched_tokens=4096,
        eager=True,
    )
    assert asked["chat-eu"].hybrid_chunks, "the override is of stage prod"
    asked = {name: replace(found, hybrid_chunks=False) for name, found in asked.items()}
    assert asked["chat-gpu"] == expected and asked["chat-eu"] == replace(expected, tensor=4)


def test_a_flag_that_is_no_number_is_left_to_its_rule(tmp_path: Path) -> None:
    wrong = "block-size: many, max-num-batched-tokens: 0, gpu-memory-utilization: lots"
    asked, found = vetted(edited([["max-num-seqs: 128", wrong]]), tmp_path)
    assert (asked["chat-gpu"].block_size, asked["chat-gpu"].batched_tokens, asked["chat-gpu"].utilisation) == (16, None, 0.92)
    assert "SRV102" in {d.code for d in found}


def test_keys_of_the_service_are_asked(tmp_path: Path) -> None:
    adapters = "    dynamicAdapters: {source: gs://acme/loras, max: 4, rank: 30}\n"
    guessing = "    speculative: {method: draft, model: qwen@v1, tokens: 3, tensorParallel: 1}\n"
    sizes = "tensorParallel: 2, pipelineParallel: 2, scale: {min: 2, max: 4}}"
    length = "    maxModelLen: 8192\n"
    edits = [[length, length + guessing + adapters], ["scale: {min: 2, max: 4}}", sizes]]
    asked, _ = vetted(edited(edits), tmp_path)
    expected = Asked(
        tokens=8192, utilisation=0.92, tensor=2, pipeline=2, draft=catalogue().model("qwen3-8b"), draft_tensor=1, lora_slots=4, lora_rank=32
    )
    assert asked["chat-eu"] == expected


def test_numbers_of_an_own_model(tmp_path: Path) -> None:
    """DeepSeek-V3 written out in a spec is DeepSeek-V3 of the catalogue."""
    own = (
        "hf://acme/own\n    architecture: {parameters: 671026404352, layers: 61, hiddenSize: 7168, attentionHeads: 128, kvHeads: 128,"
        " headDim: 128, contextLength: 163840, quantization: fp8, vocabSize: 129280, kvLoraRank: 512, qLoraRank: 1536, qkRopeHeadDim: 64,"
        " experts: 256, moeIntermediateSize: 2048, denseLayers: 3}\n"
    )
    (tmp_path / "platform.yaml").write_text(edited([["hf://Qwen/Qwen3-8B\n", own]]), encoding="utf-8")
    outcome = vet(Request(tmp_path / "platform.yaml", tmp_path, date(2026, 11, 21)))
    assert outcome.fleet is not None
    key = WorkloadKey("embed", None)
    workload = outcome.fleet.workload_at(key, outcome.fleet.places_of(key)[0])
    said, known = workload.fit(workload.machine), fit(catalogue(), catalogue().models["deepseek-v3"], workload.machine, workload.asked)
    assert said is not None and (said.weights, said.request, said.kept) == (known.weights, known.request, known.kept)


def test_the_finding_shows_the_arithmetic_and_ways_out(tmp_path: Path) -> None:
    _, found = vetted(edited([["shape: g2-standard-48,", "shape: g2-standard-24,"]]), tmp_path)
    [finding] = [d for d in found if d.code == "FIT001"]
    assert finding.notes[1] == "weights 51.1 GiB / 2 chips = 25.5 GiB (27.4 B parameters, bfloat16)"
    assert "quantization" not in finding.help, "the file cache of the weights would not leave the Pod room on the node"
    assert finding.help.startswith("fits on g2-standard-48 (l4 x4)")


def test_a_smaller_number_is_a_way_out_where_the_pod_has_room(tmp_path: Path) -> None:
    longer = "    capacity: l4\n    where: {stage: prod}\n    maxModelLen: "
    _, found = vetted(edited([[f"{longer}4096", f"{longer}40000"]]), tmp_path)
    [finding] = [d for d in found if d.code == "FIT001"]  # one, though the class has two machines with this chip
    assert finding.help.startswith("maxModelLen up to 23552; flags: {kv-cache-dtype: fp8}; ")


@pytest.mark.parametrize(
    ("engine", "way"),
    [("sglang", "flags: {kv-cache-dtype: fp8_e4m3}"), ("triton-tensorrt-llm", "")],
)
def test_the_way_out_is_the_engines_own_value(engine: str, way: str, tmp_path: Path) -> None:
    longer = "    engine: vllm\n    capacity: l4\n    where: {stage: prod}\n    maxModelLen: 4096"
    _, found = vetted(edited([[longer, longer.replace("vllm", engine).replace("4096", "40000")]]), tmp_path)
    [finding] = [d for d in found if d.code == "FIT001"]
    assert way in finding.help and ("flags:" in finding.help) == bool(way)


def test_one_account_is_computed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rules, facts for policies and the table ask for the same accounts."""
    computed: list[object] = []
    real = memory.caches
    monkeypatch.setattr(memory, "caches", lambda *a, **k: computed.append(k) or real(*a, **k))
    fit.cache_clear()
    vetted(BASE, tmp_path)
    assert len(computed) == 5, "chat on H100 and on four L4, embed on two shapes, draft on Trillium"


def test_a_share_of_what_is_free_is_for_the_cache_alone() -> None:
    whole, free = (account("qwen3-32b", "a3-highgpu-1g", tokens=40960, utilisation=0.85, of_free=on) for on in (False, True))
    assert whole.headroom < 0 < free.headroom
    assert math.isclose(free.available, 0.85 * (free.memory - free.weights - free.reserve))
