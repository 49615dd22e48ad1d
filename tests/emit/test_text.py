"""Text that every YAML reader understands alike."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from inferspec.emit.diff import Op
from inferspec.emit.layers import EmitError
from inferspec.emit.text import block, flow_text, op_pieces, scalar_text, spec_paths
from inferspec.plan.reading import ReadError, read_manifests
from inferspec.plan.scalars import refusal, retyped
from inferspec.prove.equality import canonical
from inferspec.values import Default, Derived, SpecAt, Value, derive
from ruamel.yaml import YAML

from .fleet import ODD_TEXTS
from .trees import manifests, texts

WORDS = ("y", "N", "yes", "Off", "TRUE", "null", "~", "", "=", "<<", "012", "0o17", "0b1", "0x1F", "1_000", "1e3", "1.5", ".5", ".inf",
         "-.INF", ".nan", "12:30", "1:2:3.4", "2020-01-01", "2020-1-1T1:2:3Z", "+1", "-0", "0", "190:20:30")


@given(manifests)
@settings(max_examples=300)
def test_block_text_reads_back_under_yaml_1_1_and_1_2(tree: dict[str, Any]) -> None:
    text = "".join(map(str, block(tree)))
    modern = YAML(typ="safe", pure=True)
    assert canonical(yaml.safe_load(text)) == canonical(tree)
    assert canonical(modern.load(StringIO(text))) == canonical(tree)
    assert canonical(read_manifests(text)) == canonical([tree])


@given(texts)
def test_bare_text_is_text_to_every_reader(text: str) -> None:
    if scalar_text(text) == text:
        assert yaml.safe_load(text) == text and YAML(typ="safe", pure=True).load(text) == text and not retyped(text)


@pytest.mark.parametrize("word", WORDS)
def test_words_that_retype_are_quoted(word: str) -> None:
    assert retyped(word) and scalar_text(word) == f'"{word}"'


@pytest.mark.parametrize("word", ["v1.2.3", "1.2.3", "8Gi", "500m", "--max-len=8192", "a/b:c@sha256:0f", "hf://x/y", "/cache",
                                  "example.com/x", "1e", "0x"])
def test_ordinary_words_stay_bare(word: str) -> None:
    assert scalar_text(word) == word


def test_odd_texts_survive() -> None:
    text = "".join(map(str, block(ODD_TEXTS)))
    assert yaml.safe_load(text) == ODD_TEXTS == YAML(typ="safe", pure=True).load(text)
    assert "\\ud83d" not in text


@pytest.mark.parametrize("bad", ["\x00", "\x7f", "\x85", "\u2028", "\u2029", "\ufeff", "\ud800", "\ue000", "\ue001", "\x1b",
                                 2**53 + 1, -(2**53) - 1, 1.5, None])
def test_what_does_not_survive_is_refused(bad: Any) -> None:
    assert refusal(bad)
    for write in (scalar_text, flow_text):
        with pytest.raises(EmitError):
            write(bad)


@pytest.mark.parametrize("tree", [{}, {"a": {}}, {"a": []}, {"a": [{}]}, {"a": None}, {"<<": 1}])
def test_empty_null_and_merge_are_refused(tree: Any) -> None:
    with pytest.raises(EmitError):
        block(tree)


def test_true_and_one_do_not_share_a_text() -> None:
    assert [scalar_text(1), scalar_text(True), scalar_text("1"), scalar_text("true")] == ["1", "true", '"1"', '"true"']


def test_operations_carry_spec_paths_and_no_line_numbers() -> None:
    value = derive("2 x", 4, Value(2, SpecAt(("serving", "chat", "scale"))), Value("x", Default("d")))
    replaced = "".join(map(str, op_pieces(Op("replace", ("a", "b/c", 0), value), "  ")))
    assert replaced == '  - {op: replace, path: "/a/b~1c/0", value: 4} # serving.chat.scale\n'
    added = "".join(map(str, op_pieces(Op("add", ("a",), [{"x": value}, "on"]), "")))
    assert added == '- op: add # serving.chat.scale\n  path: "/a"\n  value:\n    - x: 4\n    - "on"\n'
    assert op_pieces(Op("remove", ("a",)), "") == ['- {op: remove, path: "/a"}\n']


def test_spec_paths_are_few_and_on_one_line() -> None:
    many = [Value(1, SpecAt((f"k{n}",))) for n in range(5)]
    assert spec_paths(many) == ["k0", "k1", "k2", "..."]
    assert spec_paths(Value(1, SpecAt(("a\nb: c",)))) == ['["a?b: c"]']
    assert spec_paths(Value(1, Derived("x", (Value(1, SpecAt(())),)))) == []


@pytest.mark.parametrize("text", ["a: *x", "a: &x 1", "a: !!str 1", "a: 1\na: 1", "? [a]\n: 1", "1: a",
                                  "a: [", "a: 0o17", "a:", "\ta: 1", "a: \x00"])
def test_reading_refuses_what_readers_disagree_on(text: str) -> None:
    with pytest.raises(ReadError):
        read_manifests(text)


def test_reading_skips_empty_documents() -> None:
    assert read_manifests("# c\n---\na: 1\n---\n# nothing\n---\nb: x\n") == [{"a": 1}, {"b": "x"}]
    assert read_manifests("") == []
