"""The registry of codes: every code has a page, every page a code, and a page shows what it says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from inferspec.load import load_text
from inferspec.rules import AREAS, RETIRED, RulePage, codes, is_registered, page

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "compiler/inferspec"
CODE = re.compile(rf"(?<![A-Z])(?:{'|'.join(AREAS)})[0-9]{{3}}(?![0-9])")

NEEDS_MORE_THAN_A_TEXT = {
    *("SYN001", "SYN002", "SYN003", "SYN004", "SYN008"),  # files, sizes and bytes
    *("SYN040", "SYN041", "SYN042", "SYN043"),  # too long for a page
    *("SYN050", "SYN051", "SYN052", "SYN053", "SYN054", "SYN055"),  # includes
    "SYN060",  # the formatter
}
"""Loader codes whose examples are not whole texts; ``tests/load`` and ``tests/test_fmt.py`` produce them."""


def used() -> dict[str, Path]:
    """Every code in the source, with a file that uses it. Pages may name other codes, and the registry retired ones: they do not count."""
    sources = [*PACKAGE.rglob("*.py"), *PACKAGE.rglob("*.cue"), *(ROOT / "policies").rglob("*.cue")]
    sources.remove(PACKAGE / "rules/__init__.py")
    return {code: path for path in sources for code in CODE.findall(path.read_text(encoding="utf-8"))}


def yaml_of(section: str) -> str:
    block = re.fullmatch(r"```yaml\n(.*?)```", section, re.DOTALL)
    assert block, "one block of YAML and nothing else"
    return block[1]


def test_every_code_has_a_page() -> None:
    missing = {code: str(path.relative_to(ROOT)) for code, path in used().items() if code not in codes()}
    assert not missing


def test_every_page_has_a_code() -> None:
    assert not codes() - used().keys()


def test_retired_codes_stay_retired() -> None:
    assert not RETIRED & (codes() | used().keys())
    assert all(map(is_registered, RETIRED))


@pytest.mark.parametrize("code", sorted(codes()))
def test_page_has_every_section(code: str) -> None:
    text = page(code)
    assert isinstance(text, RulePage)
    assert text.code == code
    assert not text.title.endswith(".")
    yaml_of(text.example)
    yaml_of(text.instead)


@pytest.mark.parametrize("code", sorted(c for c in codes() if c.startswith("SYN0") and c not in NEEDS_MORE_THAN_A_TEXT))
def test_example_shows_the_problem_and_instead_does_not(code: str) -> None:
    text = page(code)
    assert {d.code for d in load_text(yaml_of(text.example))[1]} == {code}
    assert load_text(yaml_of(text.instead))[1] == []


def test_a_code_without_a_page() -> None:
    with pytest.raises(KeyError):
        page("SYN999")
    assert not is_registered("ACME1")
    assert not is_registered("SYN0001")
    assert is_registered("SYNC001")
