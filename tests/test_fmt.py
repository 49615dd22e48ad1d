"""The formatter: one layout, the same meaning, every comment, or a refusal."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from inferspec.fmt import Unformattable, format_text
from inferspec.load import load_text

from tests.load.test_properties import block, mapping

BEFORE = """\
---
# heads the file
apiVersion:   inferspec/v1alpha1
serving:
    chat:   # the chat service
        flags: {max-num-seqs: 128,gpu: null}   \n        zones:
        - b
        # between
        -   {where: all}
        note: |
            keeps its blanks   \n            # and this
    code:
        model: 'gemma@v1'
        other: "x"
name: acme


# ends the file


"""

AFTER = """\
# heads the file
apiVersion: inferspec/v1alpha1
serving:
  chat:     # the chat service
    flags: {max-num-seqs: 128, gpu: null}
    zones:
      - b
      # between
      - {where: all}
    note: |
      keeps its blanks   \n      # and this
  code:
    model: 'gemma@v1'
    other: "x"
name: acme


# ends the file
"""


@pytest.mark.parametrize("empty", ["[]", "{}"])
def test_a_file_with_comments_alone(empty: str) -> None:
    assert format_text(f"# waivers stand here  \n# one a line\n\n{empty}\n\n") == f"# waivers stand here\n# one a line\n\n{empty}\n"


def test_layout() -> None:
    assert format_text(BEFORE) == AFTER
    assert format_text(AFTER) == AFTER


@pytest.mark.parametrize(
    ("text", "formatted"),
    [
        ("a: 1", "a: 1\n"),
        ("\ufeffa: 1\r\nb: 2\r\n", "a: 1\nb: 2\n"),
        ("- a:   1\n-   b: 2\n", "- a: 1\n- b: 2\n"),
        ("a:\nb:\n", "a: null\nb: null\n"),
        ("a: [1,\n 2]\n", "a: [1, 2]\n"),
        ("a: [{b: 1}, {c: {d: 2}}]\n", "a: [{b: 1}, {c: {d: 2}}]\n"),
        ("a: >-\n   folded\n   text\n", "a: >-\n  folded\n  text\n"),
        ("z: 1\na: 2\n", "z: 1\na: 2\n"),
        ("a: " + "long " * 60 + "end\n", "a: " + "long " * 60 + "end\n"),
        ("a: 0.88\nb: 2027-03-31\nc: 1.35.3-gke.1\nd: 123456789012\n", "a: 0.88\nb: 2027-03-31\nc: 1.35.3-gke.1\nd: 123456789012\n"),
    ],
)
def test_small_texts(text: str, formatted: str) -> None:
    assert format_text(text) == formatted
    assert format_text(formatted) == formatted


def test_comments_it_cannot_keep_are_not_lost() -> None:
    with pytest.raises(Unformattable) as refused:
        format_text("zones: [a,   # first\n  b]   # second\n", "specs/x.yaml")
    assert [(d.code, d.span.file) for d in refused.value.diagnostics] == [("SYN060", "specs/x.yaml")]


@pytest.mark.parametrize(("text", "code"), [("a: NO\n", "SYN032"), ("a: 1\na: 2\n", "SYN030"), ("a: [", "SYN010"), ("", "SYN013")])
def test_texts_with_problems_are_left_alone(text: str, code: str) -> None:
    with pytest.raises(Unformattable) as refused:
        format_text(text)
    assert [d.code for d in refused.value.diagnostics] == [code]


comments = st.lists(st.sampled_from(["", "  # comment", "\n# own line", "\n\n", "   "]), min_size=30, max_size=30)


@given(mapping, comments)
@settings(deadline=None)
def test_meaning_and_layout_settle(data: dict[str, Any], ends: list[str]) -> None:
    lines = block(data).lstrip("\n").split("\n")
    text = "\n".join(line + ends[n % len(ends)] for n, line in enumerate(lines)) + "\n"
    before, problems = load_text(text)
    if before is None or problems:
        return
    try:
        formatted = format_text(text)
    except Unformattable as refused:
        assert {d.code for d in refused.diagnostics} == {"SYN060"}
        return
    after, found = load_text(formatted)
    assert after
    assert not found
    assert after.root == before.root
    assert format_text(formatted) == formatted
    assert formatted.count("# comment") == text.count("# comment")
    assert formatted.endswith("\n")
    assert not formatted.endswith("\n\n")
