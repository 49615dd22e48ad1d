"""Carets stand under what they are about, whatever the line holds."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inferspec.diagnostics import Span
from inferspec.report.text import excerpt


def columns(text: str) -> int:
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


@pytest.mark.parametrize(
    ("source", "column", "end", "shown", "caret"),
    [
        ("a: b", 4, 5, "a: b", "   ^"),
        ("a: bcd", 4, 7, "a: bcd", "   ^^^"),
        ("a: bcd", 4, 0, "a: bcd", "   ^"),
        ("a: bcd", 4, 99, "a: bcd", "   ^^^"),
        ("\ta: b", 5, 6, "    a: b", "       ^"),
        ("日: b", 4, 5, "日: b", "    ^"),
        ("a: 日本", 4, 6, "a: 日本", "   ^^^^"),
        ("e\u0301: b", 5, 6, "e\u0301: b", "   ^"),
        ("", 1, 0, "", "^"),
        ("ab", 9, 12, "ab", "  ^"),
    ],
)
def test_caret(source: str, column: int, end: int, shown: str, caret: str) -> None:
    text, pad, carets = excerpt(source, Span("x", 1, column, end), 80)
    assert (text, pad + carets) == (shown, caret)


@pytest.mark.parametrize("at", [1, 10, 100, 495])
def test_long_line_is_cut_around_the_caret(at: int) -> None:
    source = "".join(chr(ord("a") + n % 26) for n in range(500))
    text, pad, carets = excerpt(source, Span("x", 1, at, at + 5), 60)
    assert len(text) <= 60
    assert text[len(pad) : len(pad) + len(carets)] == source[at - 1 : at + 4]


@given(st.text(st.sampled_from("ab日\t é\u0301"), max_size=200), st.integers(1, 210), st.integers(0, 210), st.integers(40, 120))
def test_never_wider_than_asked(source: str, column: int, end: int, width: int) -> None:
    text, pad, carets = excerpt(source, Span("x", 1, column, end), width)
    assert columns(text) <= width
    assert columns(pad + carets) <= width + 1
    assert carets
