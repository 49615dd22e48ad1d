"""Where values are: what every later message rests on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from inferspec.diagnostics import SpecPath
from inferspec.load import Document, Map, Seq, load_text

SPEC = """\
# a comment
name: acme
regions:
  us-central1:
    clusters:
      usc1: {project: prod, zones: [b, c]}   # a comment
"quoted key": 'it''s'
'other ''key''': x
waves:
  - where: all
    revision: v1
  - {where: {stage: canary}, revision: v2}
note: |
  text
  more
empty:
flow: {
  a: 1,
  b: [x,
    z]}
größe: 日本
"""


@pytest.fixture
def spec() -> Document:
    document, found = load_text(SPEC, "specs/acme.yaml")
    assert document
    assert not found
    return document


def under(document: Document, path: SpecPath, *, key: bool = False) -> str:
    span = document.span(path, key=key)
    assert span.file == "specs/acme.yaml"
    return document.line(span.file, span.line)[span.column - 1 : span.end_column - 1]


@pytest.mark.parametrize(
    ("path", "value", "key"),
    [
        (("name",), "acme", "name"),
        (("regions",), "regions", "regions"),
        (("regions", "us-central1", "clusters", "usc1"), "{project: prod, zones: [b, c]}", "usc1"),
        (("regions", "us-central1", "clusters", "usc1", "zones"), "[b, c]", "zones"),
        (("regions", "us-central1", "clusters", "usc1", "zones", 1), "c", "c"),
        (("quoted key",), "'it''s'", '"quoted key"'),
        (("other 'key'",), "x", "'other ''key'''"),
        (("waves", 0), "where: all", "where: all"),
        (("waves", 0, "revision"), "v1", "revision"),
        (("waves", 1), "{where: {stage: canary}, revision: v2}", "{where: {stage: canary}, revision: v2}"),
        (("note",), "|", "note"),
        (("flow",), "flow", "flow"),
        (("flow", "b", 1), "z", "z"),
        (("größe",), "日本", "größe"),
    ],
)
def test_span(spec: Document, path: SpecPath, value: str, key: str) -> None:
    assert under(spec, path) == value
    assert under(spec, path, key=True) == key


def test_a_path_that_does_not_exist_gives_its_nearest_ancestor(spec: Document) -> None:
    assert under(spec, ("regions", "us-central1", "clusters", "usc1", "mode")) == "{project: prod, zones: [b, c]}"
    assert under(spec, ("regions", "us-east1", "clusters"), key=True) == "regions"
    assert under(spec, ("waves", 7, "where")) == "waves"
    assert under(spec, ("name", "first")) == "acme"
    assert spec.span(("nowhere",)).line == 1
    assert spec.span(("empty",)).line == 16


def test_lines(spec: Document) -> None:
    assert spec.line("specs/acme.yaml", 2) == "name: acme"
    assert spec.line("specs/acme.yaml", 0) == spec.line("specs/acme.yaml", 999) == spec.line("nowhere.yaml", 1) == ""


def test_windows_line_ends_and_byte_order_mark_change_no_position() -> None:
    plain, _ = load_text(SPEC)
    windows, found = load_text(("\ufeff" + SPEC.replace("\n", "\r\n")).encode())
    assert plain
    assert windows
    assert [d.code for d in found] == ["SYN008"]
    assert windows.root == plain.root
    for path in paths(plain.root):
        assert windows.span(path) == plain.span(path)


def test_every_key_is_where_its_mark_says(spec: Document) -> None:
    for path in paths(spec.root):
        if isinstance(path[-1], str):
            written = under(spec, path, key=True)
            assert path[-1] in (written, written[1:-1].replace("''", "'"))


def test_marks_come_with_every_entry(spec: Document) -> None:
    def walk(node: Any) -> None:
        if isinstance(node, Map):
            assert node.marks.keys() == node.keys()
            for value in node.values():
                walk(value)
        elif isinstance(node, Seq):
            assert len(node.marks) == len(node)
            for value in node:
                walk(value)

    walk(spec.root)


def paths(node: Any, path: SpecPath = ()) -> Iterator[SpecPath]:
    entries = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in entries:
        yield (*path, key)
        yield from paths(value, (*path, key))
