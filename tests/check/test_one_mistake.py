"""A mistyped key, or a value of another shape, in a platform that somebody would run: each one, alone, is one finding more."""

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


def values(node: Any, path: SpecPath = ()) -> Iterator[tuple[SpecPath, int, int, int]]:
    """Each scalar on one line, with that line, its column and its end."""
    marks = {key: node.marks[key][2:] for key in node} if isinstance(node, Map) else dict(enumerate(node.marks))
    for step, item in node.items() if isinstance(node, Map) else enumerate(node):
        line, column, end = marks[step]
        if isinstance(item, (Map, Seq)):
            yield from values(item, (*path, step))
        elif end:
            yield (*path, step), line, column, end


KEYS = list(keys(load_text(TEXT)[0].root))  # type: ignore[union-attr]


VALUES = list(values(load_text(TEXT)[0].root))  # type: ignore[union-attr]


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


@pytest.mark.parametrize(("path", "line", "column", "end"), VALUES, ids=[format_path(path) for path, *_ in VALUES])
def test_a_value_of_another_shape_is_one_finding_more(path: SpecPath, line: int, column: int, end: int) -> None:
    """The entry that holds it is left out, and nothing is said of what its absence does."""
    lines = TEXT.split("\n")
    lines[line - 1] = lines[line - 1][: column - 1] + "{a: 1}" + lines[line - 1][end - 1 :]
    now = Counter((d.code, d.message) for d in found("\n".join(lines)))
    more = [message for message in (now - known()).elements() if message[0] != "SPC012"]
    if path[-1] == "metric":  # a map is one of its forms: each of its keys is told of
        assert all(code in ("SPC001", "SPC002") and ".metric has no " in message for code, message in more), more
        return
    assert len(more) == 1 and more[0][0] in ("SPC001", "SPC003", "SPC004", "SPC005"), more
