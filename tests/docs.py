"""Tables of docs/ that are made of the tests' data: a page holds the one it should, or ``--refresh`` writes it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join(f"| {' | '.join(cells)} |\n".replace("|  |", "| |") for cells in lines)


def held(page: Path, wanted: str, refresh: bool) -> bool:
    """Whether the page has the table: that with the same first line, up to the first line that is no row."""
    text = page.read_text(encoding="utf-8")
    head = wanted.partition("\n")[0]
    before, mark, rest = text.partition(head)
    assert mark, f"{page.name} has no table '{head}'"
    lines = rest.splitlines(keepends=True)[1:]
    after = "".join(lines[next((i for i, text in enumerate(lines) if not text.startswith("|")), len(lines)) :])
    made = before + wanted + after
    if refresh:
        page.write_text(made, encoding="utf-8")
    return refresh or text == made
