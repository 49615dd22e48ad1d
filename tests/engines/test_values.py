"""Every flag with every kind of value: what vLLM refuses we refuse, and where we refuse more than its parser it is the engine that does."""

from __future__ import annotations

from pathlib import Path

from inferspec.catalog import FlagSpec, catalogue

from tests.engines import architectures, judge, tiny
from tests.engines.test_emitted import INSTALLED

VALUES = (
    None, "", " 7", "-1", "0", "7", "1.5", "1e3", "1_000", "32k", "32K", "3,4", "NaN", "auto", "none", "None", "null", "nope", "true",
    "false", "{}", "[]", '"x"', '{"zzz": 1}', '{"zzz":',
)  # fmt: skip
ELSEWHERE = {"--lora-modules": "owned: the compiler writes it", "--config": "reads a file", "model_tag": "positional"}
LATER = ("wants at least", "wants more than", "wants at most", "wants less than", "wants one of", "wants a JSON object", "has no key")
"""How our words begin for what a configuration class or a registry refuses after parsing."""
UNUSUAL = ("1_000", " 7", '{"zzz":')
"""Python reads the first two as numbers and vLLM takes broken JSON for text where text may stand; nobody means that."""

CONFIGURED = (None, "-1", "0", "7", "1.5", "1e3", "nope", "true", "{}", "[]")
NOT_CONFIGURED = {"--model", "--tokenizer", "--hf-config-path", "--headless"}
"""They name the model, or start no server."""
SET_ASIDE = {
    "the compiler writes it": ["--max-model-len", "--tensor-parallel-size"],
    "a file or a model that is not there": ["--chat-template", "--log-config-file", "--spec-model"],
    "the device, or the model runner that it allows: a CPU refuses it, and a GPU is not asked": [
        "--device-ids", "--enable-sleep-mode", "--enable-cumem-allocator", "--enable-eplb", "--enable-return-routed-experts",
        "--return-sampling-mask", "--enable-trace-replay", "--enable-batch-sharded-sampling", "--prefill-context-parallel-size",
    ],
    "another flag or variable is missing": [
        "--nnodes", "--data-parallel-rank", "--data-parallel-size-local", "--data-parallel-hybrid-lb", "--data-parallel-external-lb",
        "--decode-context-parallel-size", "--numa-bind-nodes", "--numa-bind-cpus", "--ubatch-size", "--enable-elastic-ep",
        "--ray-workers-use-nsight", "--enable-fault-tolerance", "--enable-mamba-cache-stochastic-rounding", "--spec-tokens",
        "--data-parallel-multi-port-external-lb", "--grpc-port",
    ],
    "the model: with this one it has no meaning": ["--use-replayssm", "--engram-config", "--disable-sliding-window"],
    "SRV107 says so, and FIT005 of the first": ["--enable-expert-parallel", "--enable-auto-tool-choice", "--enable-log-outputs"],
    "a name of any class, or a version number": ["--distributed-executor-backend", "--show-hidden-metrics-for-version"],
    "an object that is empty": ["--speculative-config", "--kv-transfer-config", "--watermark-config"],
}  # fmt: skip
"""What the engine refuses and a value by itself cannot show: not ours to refuse by the table."""


def flags() -> list[FlagSpec]:
    table = catalogue().flags("vllm", INSTALLED)
    found = {spec.names[0]: spec for name in table if (spec := table.find(name)) is not None}
    return [spec for name, spec in found.items() if name not in ELSEWHERE]


def refused(argument: str) -> bool:
    try:
        judge.words(argument)
    except judge.RefusedError:
        return True
    return False


def test_every_flag_with_every_kind_of_value(tell: list[str]) -> None:
    too_lax, too_strict, count = [], [], 0
    for spec in flags():
        for value in VALUES:
            argument = spec.names[0] if value is None else f"{spec.names[0]}={value}"
            ours, theirs = spec.problem(value), refused(argument)
            count += 1
            if theirs and not ours:
                too_lax.append(argument)
            elif ours and not theirs and not ours.startswith(LATER) and value not in UNUSUAL:
                too_strict.append((argument, ours))
    assert too_lax == []
    assert too_strict == []
    assert count > 7000
    tell.append(f"{count} single arguments: every one that the parser refuses we refuse too")


def test_what_the_engine_refuses_of_single_values_we_refuse(folders: Path, tell: list[str]) -> None:
    tiny.tokenizer(folders / "values")
    folder = architectures.write(catalogue().models["gemma-3-1b-it"], folders / "values")
    too_lax: dict[str, str] = {}
    count = 0
    for spec in flags():
        name = spec.names[0]
        for value in CONFIGURED if name not in NOT_CONFIGURED else ():
            if spec.problem(value):
                continue
            given = [name if value is None else f"{name}={value}", *([] if name == "--max-model-len" else ["--max-model-len=8192"])]
            count += 1
            try:
                judge.configured(given, folder)
            except judge.RefusedError as refusal:
                too_lax[name] = f"{given[0]}: {refusal}"
    aside = {name for names in SET_ASIDE.values() for name in names}
    assert {name: why for name, why in too_lax.items() if name not in aside} == {}
    assert aside - set(too_lax) == set(), "no longer refused: no longer set aside"
    assert count > 500
    tell.append(f"{count} single arguments that we accept configured; {len(aside)} flags set aside:")
    tell.extend(f"  {why}: {', '.join(names)}" for why, names in SET_ASIDE.items())
