"""Every flag with every kind of value: what vLLM's parser refuses we refuse, and where we refuse more it is the engine that does."""

from __future__ import annotations

from inferspec.catalog import FlagSpec, catalogue

from tests.engines import judge
from tests.engines.test_emitted import INSTALLED

VALUES = (
    None, "", " 7", "-1", "0", "7", "1.5", "1e3", "1_000", "32k", "32K", "3,4", "NaN", "auto", "none", "None", "null", "nope", "true", "false",
    "{}", "[]", '"x"', '{"zzz": 1}', '{"zzz":',
)  # fmt: skip
ELSEWHERE = {"--lora-modules": "owned: the compiler writes it", "--config": "reads a file", "model_tag": "positional"}
LATER = ("wants at least", "wants more than", "wants at most", "wants less than", "wants one of", "wants a JSON object", "has no key")
"""How our words begin for what a configuration class or a registry refuses after parsing."""
UNUSUAL = ("1_000", " 7", '{"zzz":')
"""Python reads the first two as numbers and vLLM takes broken JSON for text where text may stand; nobody means that."""


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
