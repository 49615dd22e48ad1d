"""What findings on flags say beside the flag: other versions, other engines, and no harmful guess."""

from __future__ import annotations

from pathlib import Path

import pytest
from inferspec.catalog import catalogue
from inferspec.catalog.engines import version_key
from inferspec.diagnostics import Diagnostic

from tests.resolve.test_memory import vetted
from tests.test_rule_fixtures import edited


def said(flags: str, tmp_path: Path, engine: str = "vllm") -> Diagnostic:
    own = "    engine: vllm\n    maxModelLen: 8192\n    flags: {max-num-seqs: 128}"
    mine = f"    engine: {engine}\n    maxModelLen: 8192\n    flags: {{{flags}}}"
    _, found = vetted(edited([[own, mine]]), tmp_path)
    [finding] = [d for d in found if d.code in ("SRV101", "SRV102")]
    return finding


@pytest.mark.parametrize(
    ("flags", "engine", "note"),
    [
        ("swap-space: 4", "vllm", "vllm 0.11.2 has it, 0.31.0 has it no more"),
        ("engram-config: '{}'", "vllm@0.11.2", "vllm 0.31.0 has it, 0.11.2 not yet"),
        ("compilation-config: '{\"level\": 3}'", "vllm", "level: vllm 0.11.2 has it, 0.31.0 has it no more"),
    ],
)
def test_a_flag_of_another_version(flags: str, engine: str, note: str, tmp_path: Path) -> None:
    assert note in said(flags, tmp_path, engine).notes


@pytest.mark.parametrize(
    ("flags", "engine"), [("dtype: float8", "vllm"), ("block-size: 17", "vllm@0.11.2"), ("num-scheduler-steps: 8", "vllm")]
)
def test_no_guess_that_means_something_else(flags: str, engine: str, tmp_path: Path) -> None:
    finding = said(flags, tmp_path, engine)
    assert "did you mean" not in f"{finding.message} {finding.help}"


def test_a_switch_in_quotes(tmp_path: Path) -> None:
    assert said('enforce-eager: "true"', tmp_path).message == "--enforce-eager is a switch: write true without the quotes"


def test_what_replaces_a_flag_exists_in_the_newest_version() -> None:
    engine = catalogue().engine("vllm")
    newest = catalogue().flags("vllm", max((v for row in engine.versions for v in row.flag_tables), key=version_key))
    oldest = catalogue().flags("vllm", "0.11.2")
    for gone, way in engine.replaced.items():
        assert oldest.find(gone) is not None, gone
        assert newest.find(way.partition(":")[0]) is not None, way


def test_reserved_flags_are_flags_of_the_engine() -> None:
    for name, version in (("vllm", "0.33.0"), ("sglang", "0.5.23")):
        table = catalogue().flags(name, version)
        for row in catalogue().engine(name).reserved:
            assert [flag for flag in row.flags if table.find(flag) is None] == [], row.because
