"""Every command line that the committed specs emit, through vLLM's own parser and engine configuration."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from inferspec.catalog import FlagSpec, catalogue

from tests.engines import architectures, emitted, judge, tiny
from tests.engines.emitted import CommandLine
from tests.line import ROOT

INSTALLED = "0.32.0"
LINES, REFUSED = emitted.collected()
EXACT = [line for line in LINES if line.version == INSTALLED]
OTHERS = [line for line in LINES if line.version != INSTALLED]
DRAFTS = {"eagle3": architectures.write_eagle, "draft_model": architectures.write}
"""Method of speculative decoding -> what makes a draft. A plain draft has the target's vocabulary, so here it is the target."""


def other_id(line: CommandLine) -> str:
    return f"{line.where}-parser-only-because-{line.platform}-runs-{line.version}-not-{INSTALLED}"


def thin(line: CommandLine) -> str:
    """Why no config.json can be made of the catalogue's facts about the line's model; "" if one can."""
    return architectures.problem(line.model) if line.model else "neither the catalogue nor the spec knows its model"


def changed(space: Any) -> dict[str, Any]:
    """What a namespace says other than the parser's defaults."""
    blank = vars(judge.parsed([]))
    return {dest: value for dest, value in vars(space).items() if value != blank[dest]}


def at_home(line: CommandLine, root: Path) -> list[str]:
    """The arguments with what a Pod has mounted under /models, or streams from a bucket, in a folder here, of the catalogue's facts."""
    root = root / line.where
    folder = root / Path(str(line.flags["--model"])).name
    architectures.write(line.model, folder)
    if (template := line.flags.get("--chat-template")) is not None:
        (folder / Path(template).name).write_text(tiny.CHAT_TEMPLATE)
    if "--reasoning-parser" in line.flags:  # it looks its marks up
        tiny.tokenizer(folder)
    guessed = json.loads(line.flags.get("--speculative-config") or "{}")
    if "model" in guessed:
        DRAFTS[guessed["method"]](line.model, root / Path(guessed["model"]).name)
    kept = [argument for argument in line.arguments if not argument.startswith("--model=")]
    return [f"--model={folder}", *(argument.replace("/models/", f"{root}/") for argument in kept)]


def said(row: FlagSpec, value: str) -> list[str]:
    """How a namespace holds a value that was written: as text, or as what the number or the JSON means."""
    if row.kind == "float":
        return [str(float(value))]
    return [value, str(json.loads(value))] if row.kind.startswith("json") and value.startswith("{") else [value]


def only_its_own(line: CommandLine, arguments: list[str]) -> None:
    """Every argument lands at its own flag, with the value that was written."""
    table = catalogue().flags(line.engine, INSTALLED)
    known = {name: row for name in line.flags if (row := table.find(name)) is not None}
    found = changed(judge.words(*arguments))
    assert set(found) <= {row.dest for row in known.values()}
    for name, row in known.items():
        if row.dest in found and (value := line.flags[name]) is not None:
            if row.schema:
                assert all(getattr(found[row.dest], key) == item for key, item in json.loads(value).items()), name
                continue
            held = map(str, found[row.dest] if isinstance(found[row.dest], list) else [found[row.dest]])
            assert set(held) & set(said(row, value)), name


def test_the_installed_version_is_the_one_that_most_specs_run() -> None:
    assert judge.version().partition("+")[0] == INSTALLED
    row = catalogue().engine("vllm").version(INSTALLED)
    assert row is not None and row.exact


def test_the_committed_specs_compile_and_enough_is_judged(tell: list[str]) -> None:
    assert emitted.COMMITTED
    mine = {str(spec.relative_to(ROOT)) for spec in emitted.COMMITTED}
    assert not mine & set(REFUSED), REFUSED
    assert len(EXACT) >= 10, "nothing to judge is no success"
    whole = [line for line in EXACT if not thin(line)]
    assert len(whole) >= 10, "nothing to configure is no success"
    tell.append(f"{len(EXACT)} command lines of {INSTALLED} parsed, {len(whole)} configured; {len(OTHERS)} of other versions: parsed only")
    tell.extend(f"{line.where} not configured: {thin(line)}" for line in EXACT if thin(line))
    tell.extend(f"no command line from {spec}: {why}" for spec, why in REFUSED.items())


@pytest.mark.parametrize("line", EXACT, ids=lambda line: line.where)
def test_the_parser_takes_it(line: CommandLine) -> None:
    assert judge.unknown_names(line.arguments) == [], "abbreviated or unknown"
    only_its_own(line, list(line.arguments))


@pytest.mark.parametrize("line", [line for line in EXACT if not thin(line)], ids=lambda line: line.where)
def test_the_engine_is_configured_as_emitted(line: CommandLine, folders: Path) -> None:
    made = judge.configured(at_home(line, folders))
    assert made.model_config.served_model_name == line.flags["--served-model-name"]
    for flag, held in (
        ("--max-model-len", made.model_config.max_model_len),
        ("--tensor-parallel-size", made.parallel_config.tensor_parallel_size),
        ("--pipeline-parallel-size", made.parallel_config.pipeline_parallel_size),
        ("--data-parallel-size", made.parallel_config.data_parallel_size),
        ("--gpu-memory-utilization", made.cache_config.gpu_memory_utilization),
        ("--max-num-seqs", made.scheduler_config.max_num_seqs),
        ("--max-num-batched-tokens", made.scheduler_config.max_num_batched_tokens),
        ("--seed", made.model_config.seed),
    ):
        assert line.flags.get(flag, str(held)) == str(held), flag


@pytest.mark.parametrize("line", OTHERS, ids=other_id)
def test_another_version_parses_where_its_flags_exist(line: CommandLine, tell: list[str]) -> None:
    gone = judge.unknown_names(line.arguments)
    kept = [argument for argument in line.arguments if argument.partition("=")[0] not in gone]
    assert len(kept) >= 4
    only_its_own(line, kept)
    left = f"{len(gone)} not in it: {', '.join(gone) or '-'}"
    tell.append(f"{line.where}: {len(kept)} arguments of {line.version} parsed by {INSTALLED}, {left}")
