"""Texts and what loading says about them: each file of ``cases`` starts with the codes and places it expects."""

from __future__ import annotations

from pathlib import Path

import pytest
from inferspec.load import Document, load_text
from inferspec.rules import codes

CASES = sorted((Path(__file__).parent / "cases").glob("*.yaml"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_case(case: Path) -> None:
    text = case.read_text(encoding="utf-8")
    head = text.partition("\n")[0].removeprefix("# expect: ")
    document, found = load_text(text, case.name)
    said = [f"{d.code} {d.span.line}:{d.span.column}" for d in found]
    assert said == ([] if head == "none" else head.split(", "))
    if not found:
        assert isinstance(document, Document)
    for problem in found:
        assert problem.help, "a way out"
        assert "\n" not in problem.message
        assert problem.code in codes()


def test_values_of_plain_scalars() -> None:
    document, _ = load_text((CASES[0].parent / "numbers_as_they_are.yaml").read_text())
    assert document
    numbers = {"a": 0, "b": -1, "c": 8192, "d": 0.88, "e": -0.5, "f": 1.0, "g": 123456789012, "l": 2**53}
    assert document.root == {**numbers, "h": True, "i": False, "j": None, "k": None}
    document, _ = load_text((CASES[0].parent / "text_as_it_is.yaml").read_text())
    assert document
    assert all(isinstance(value, str) for value in document.root.values())  # type: ignore[union-attr]
