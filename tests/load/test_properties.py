"""What holds for every text: values survive, nothing raises, every problem has a place in the file."""

from __future__ import annotations

import io
import json
from datetime import timedelta
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from inferspec.load import load_text
from inferspec.load.read import FORBIDDEN
from inferspec.report import FORMATS, Report, render
from inferspec.rules import codes

SPEC = """\
apiVersion: inferspec/v1alpha1
kind: Platform
name: acme
regions:
  us-central1:
    clusters:
      usc1: {project: prod, mode: autopilot, gke: {minVersion: 1.35.3-gke.1290000}}
capacityClasses:
  h100: {shape: a3-highgpu-1g, burst: [on-demand, {flexStart: 168h}, spot]}
serving:
  chat:
    maxModelLen: 8192
    flags: {gpu-memory-utilization: 0.88, "quoted": 'it''s'}
    patches:
      - {reason: INC-42, until: 2027-03-31}
note: |
  some text # no comment
"""

text = st.text(st.characters(exclude_categories=("Cs",)), max_size=30).filter(lambda t: not FORBIDDEN.search(t))
scalar = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**53), 2**53),
    st.decimals(-(10**6), 10**6, places=3).map(float).filter(lambda f: "e" not in repr(f)),
    text,
)
value = st.recursive(scalar, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4), max_leaves=20)
mapping = st.dictionaries(text, value, max_size=5)


def block(node: Any, indent: int = 0) -> str:
    """Block style, with JSON for keys and scalars."""
    pad = " " * indent
    if isinstance(node, dict) and node:
        return "".join(f"\n{pad}{json.dumps(k, ensure_ascii=False)}: {block(v, indent + 2)}" for k, v in node.items())
    if isinstance(node, list) and node:
        return "".join(f"\n{pad}- {block(v, indent + 2)}" for v in node)
    return json.dumps(node, ensure_ascii=False)


@given(mapping)
def test_json_means_the_same(data: dict[str, Any]) -> None:
    for written in (json.dumps(data, ensure_ascii=False), json.dumps(data, ensure_ascii=False, indent=2), block(data)):
        document, found = load_text(written)
        assert not found
        assert document
        assert document.root == data
        assert json.dumps(document.root) == json.dumps(data), "the same types too"


@given(st.dictionaries(text, st.lists(scalar.filter(lambda s: not isinstance(s, float)), max_size=4), max_size=5))
def test_what_a_yaml_writer_writes_is_read_as_it_was_or_refused(data: dict[str, Any]) -> None:
    document, found = load_text(yaml.safe_dump(data, allow_unicode=True, width=10**6))
    if not any(d.severity == "error" for d in found):
        assert document
        assert document.root == data


PIECES = [
    *("", " ", "\n", "\t", ":", ": ", "- ", "[", "]", "{", "}", "'", '"', "#", "? ", ",", "\\", "|", ">", "%", "@"),
    *("&a ", "*a", "!t ", "<<: ", "---\n", "NO", "012", "1.10", "x" * 300),
    *("\ufeff", "\x00", "\x1b[31m", "\u202e", "\u2028", "\r", "é", "日", "\U0001f600"),
]
edits = st.lists(st.tuples(st.integers(0, len(SPEC)), st.integers(0, 12), st.sampled_from(PIECES)), min_size=1, max_size=6)


@given(edits)
@settings(deadline=timedelta(seconds=5), max_examples=400)
def test_a_damaged_spec_never_raises(changes: list[tuple[int, int, str]]) -> None:
    damaged = SPEC
    for at, length, piece in changes:
        damaged = damaged[:at] + piece + damaged[at + length :]
    check(damaged)


@given(st.binary(max_size=200))
def test_bytes_never_raise(data: bytes) -> None:
    check(data)


@given(st.text(st.sampled_from("ab:-[]{}'\"#&*!|>%@?, \n\t"), max_size=60))
@settings(max_examples=400)
def test_punctuation_never_raises(punctuation: str) -> None:
    check(punctuation)


def check(source: str | bytes) -> None:
    document, found = load_text(source, "spec.yaml")
    assert document is not None or found, "no document, and no reason"
    data = source if isinstance(source, bytes) else source.encode("utf-8", "surrogatepass")
    lines = data.decode("utf-8", "replace").removeprefix("\ufeff").split("\n")
    for problem in found:
        assert problem.code in codes()
        for span in (problem.span, *problem.related):
            assert 1 <= span.line <= len(lines), problem
            assert 1 <= span.column <= len(lines[span.line - 1]) + 2, problem
    for name in FORMATS:
        stream = io.StringIO()
        render(name, Report(found, document.texts if document else {"spec.yaml": "\n".join(lines)}), stream)
        assert "\x1b" not in stream.getvalue()
        assert "\u202e" not in stream.getvalue()
