"""Numbers of a model that a spec gives: their names in a config.json, what is derived, and bounds that every known model is within."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from inferspec.catalog import catalogue
from inferspec.check.architecture import BESIDE, most_parameters
from inferspec.diagnostics import Diagnostic
from inferspec.model.storage import Architecture
from inferspec.pipeline import Request, vet
from inferspec.resolve.weights import NAMED_OTHERWISE

from tests import line

NUMBERS = "parameters: 999885952, layers: 26, hiddenSize: 1152, attentionHeads: 4, kvHeads: 1, headDim: 256, contextLength: 32768"


def found(folder: Path, numbers: str, more: str = "") -> list[Diagnostic]:
    (folder / "specs").mkdir()
    said = f"    architecture: {{{numbers}}}\n" if numbers else ""
    text = line.text("quickstart").replace("hf://google/gemma-3-1b-it\n", f"hf://acme/own\n{said}{more}", 1)
    (folder / "specs/platform.yaml").write_text(text, encoding="utf-8")
    return vet(Request(folder / "specs/platform.yaml", folder, date(2026, 11, 21))).diagnostics


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("num_hidden_layers", "layers"),
        ("num_attention_heads", "attentionHeads"),
        ("num_key_value_heads", "kvHeads"),
        ("max_position_embeddings", "contextLength"),
        ("hidden_size", "hiddenSize"),
        ("head_dim", "headDim"),
    ],
)
def test_a_name_of_the_config_is_read_as_the_key(tmp_path: Path, said: str, meant: str) -> None:
    (told,) = found(tmp_path, NUMBERS.replace(f" {meant}:", f" {said}:"))
    assert (told.code, told.help) == ("SPC001", f"did you mean '{meant}'?")


def test_the_head_size_may_be_derived(tmp_path: Path) -> None:
    assert found(tmp_path, NUMBERS.replace("headDim: 256, ", "")) == []


def test_ten_times_too_many_parameters_are_one_finding(tmp_path: Path) -> None:
    (told,) = found(tmp_path, NUMBERS.replace("999885952", "9998859520"))
    assert told.code == "CAT008"
    assert "too many" in told.message


def test_nobody_is_asked_for_a_size_that_is_there(tmp_path: Path) -> None:
    (told,) = found(tmp_path, "", "    size: 2Gi\n")
    assert (told.code, told.severity.value) == ("CAT002", "warning")
    assert "size" not in told.help


def test_no_model_of_the_catalogue_has_too_many() -> None:
    """The bound is twice what the numbers make: none comes near it, with all its numbers or the least."""
    counted = [m for m in catalogue().models.values() if m.params and m.hidden_size and m.heads]
    assert len(counted) > 15
    for model in counted:
        said = {field: getattr(model, NAMED_OTHERWISE.get(field, field), None) or None for field in Architecture.model_fields}
        for numbers in (said, said | {"intermediate_size": None, "vocab_size": None}):
            most = most_parameters(Architecture.model_construct(**numbers))  # type: ignore[arg-type]
            assert model.params < most * BESIDE * 0.6, model.id
