"""A mistyped key of a platform that somebody would run: each one, alone, is one finding more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from inferspec.catalog import catalogue
from inferspec.check import check
from inferspec.diagnostics import Diagnostic, SpecPath, format_path
from inferspec.load import load_text
from inferspec.load.nodes import Map, Seq
from inferspec.model.errors import read_platform
from inferspec.resolve.fleet import Fleet

TEXT = (Path(__file__).parents[2] / "specs" / "platform.yaml").read_text(encoding="utf-8")
UNNAMED = {
    "regions.us-central1.clusters.usc1-dev",
    "regions.us-central1.clusters.usc1-canary",
    "regions.us-east5.clusters.use5-prod",
    "serving.chat",
    "serving.chat.variants.tpu",
    "serving.chat.aliases.help-desk",
    "serving.code",
    "serving.reasoning",
    "serving.analysis",
    "serving.extract",
    "serving.moderation",
    "serving.pictures",
    "objectives.background",
}
"""Names of one's own that nothing else of the spec names: another name is no mistake."""


def keys(node: Any, path: SpecPath = ()) -> Iterator[tuple[SpecPath, int, int]]:
    """Each key with its line and column."""
    if isinstance(node, Map):
        for key, value in node.items():
            line, column, *_ = node.marks[key]
            yield (*path, key), line, column
            yield from keys(value, (*path, key))
    elif isinstance(node, Seq):
        for i, item in enumerate(node):
            yield from keys(item, (*path, i))


KEYS = list(keys(load_text(TEXT)[0].root))  # type: ignore[union-attr]


def mistyped(line: int, column: int, key: str) -> str:
    lines = TEXT.split("\n")
    before, after = lines[line - 1][: column - 1], lines[line - 1][column - 1 :]
    assert after.startswith(key)
    lines[line - 1] = before + key[:-1] + ("y" if key[-1] == "x" else "x") + after[len(key) :]
    return "\n".join(lines)


def found(text: str) -> list[Diagnostic]:
    """What vet finds but for policies, which are another process."""
    document, problems = load_text(text)
    assert document is not None
    platform, shape = read_platform(document)
    if platform is None:
        return [*problems, *shape]
    return [*problems, *shape, *check(Fleet(platform, catalogue()), document, date(2026, 11, 21))[1]]


@cache
def known() -> Counter[tuple[str, str]]:
    return Counter((d.code, d.message) for d in found(TEXT))


@pytest.mark.parametrize(("path", "line", "column"), KEYS, ids=[format_path(path) for path, _, _ in KEYS])
def test_a_mistyped_key_is_one_finding_more(path: SpecPath, line: int, column: int) -> None:
    """SPC012 is not counted: it is no finding of its own and says what the other one leaves unchecked, in one info a cause."""
    now = Counter((d.code, d.message) for d in found(mistyped(line, column, str(path[-1]))))
    more = [message for message in (now - known()).elements() if message[0] != "SPC012"]
    assert len(more) == (0 if format_path(path) in UNNAMED else 1), more
    assert sum(n for (code, _), n in now.items() if code == "SPC012") <= 1
