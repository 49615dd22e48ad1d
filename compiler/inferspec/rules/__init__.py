"""The registry of codes: each is one Markdown page beside this file, ``<CODE>.md``, and none is ever used again.

A page has a fixed shape: ``# CODE: title``, then the sections of ``SECTIONS`` in that order. ``Example`` and ``Instead``
each hold a block of YAML.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

AREAS: dict[str, str] = {
    "SYN": "syntax",
    "SPC": "spec shape",
    "CAT": "catalogue",
    "FIT": "model fit",
    "ACC": "accelerators",
    "CAP": "capacity",
    "STO": "storage",
    "SRV": "serving",
    "GTW": "gateway",
    "SCL": "scaling",
    "OBS": "observability",
    "SEC": "security",
    "SYNC": "delivery",
    "POL": "policy files",
}
"""What the letters of a code stand for."""

RETIRED: frozenset[str] = frozenset({"GTW104"})
"""Codes that meant something once. A waiver or a dashboard may still name them, so they stay taken."""

SECTIONS = ("What it does", "Why is this bad", "Example", "Instead", "Source")

_FOLDER = Path(__file__).parent
_CODE = re.compile(rf"(?:{'|'.join(sorted(AREAS, key=len, reverse=True))})[0-9]{{3}}")


@dataclass(frozen=True, slots=True)
class RulePage:
    """A page, by its sections. ``markdown`` is the whole of it."""

    code: str
    title: str
    what: str
    why: str
    example: str
    instead: str
    source: str
    markdown: str


def is_registered(code: str) -> bool:
    """Whether ``code`` has the form of ours: a team's own policies name theirs otherwise and have no page."""
    return _CODE.fullmatch(code) is not None


@cache
def codes() -> frozenset[str]:
    """Every code that has a page."""
    return frozenset(path.stem for path in _FOLDER.glob("*.md") if is_registered(path.stem))


def page(code: str) -> RulePage:
    """The page of ``code``. KeyError where there is none, ValueError where it does not have the shape of a page."""
    if code not in codes():
        raise KeyError(code)
    text = (_FOLDER / f"{code}.md").read_text(encoding="utf-8")
    head, *rest = re.split(r"^## ", text, flags=re.MULTILINE)
    title = re.fullmatch(rf"# {code}: (\S.*)\n+", head)
    sections = dict(part.split("\n", 1) for part in rest if "\n" in part)
    if title is None or tuple(sections) != SECTIONS or not all(body.strip() for body in sections.values()):
        raise ValueError(f"{code}.md: a page is '# {code}: title' and the sections {', '.join(SECTIONS)}")
    what, why, example, instead, source = (sections[name].strip() for name in SECTIONS)
    return RulePage(code, title[1], what, why, example, instead, source, text)
