"""Rows of text as a table."""

from __future__ import annotations


def aligned(rows: list[tuple[str, ...]], left: set[int]) -> list[str]:
    """A line a row; columns of ``left`` are set to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    cells = [[cell.ljust(w) if i in left else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths, strict=True))] for row in rows]
    return ["  ".join(row).rstrip() for row in cells]
