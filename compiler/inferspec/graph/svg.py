"""The graph as one SVG: a band a region, a column a kind. Needs no font and no program: widths are estimated, long texts are cut."""

from __future__ import annotations

from collections.abc import Iterator
from xml.sax.saxutils import escape

from . import Graph, Region
from .text import FILLS, INK, LINE

BOX, GAP, HEIGHT, STEP, MARGIN, HEADING, TITLES = 200, 48, 52, 64, 20, 30, 34
"""Pixels: width of a box, between columns, height of a box, from box to box, around all, above a band, above the first band."""
LARGE, SMALL = 12, 10
"""Pixels of text."""
WIDE = 0.6
"""Width of a letter in its height, rounded up: the sans-serif fonts of browsers have 0.5 to 0.58 in the mean."""
GREY = "#4b5563"
FONT = "system-ui, 'Segoe UI', Helvetica, Arial, 'DejaVu Sans', sans-serif"


def width(drawn: Graph) -> int:
    """As wide as its columns, whatever the fleet."""
    return 2 * MARGIN + len(drawn.columns) * BOX + (len(drawn.columns) - 1) * GAP


def svg(drawn: Graph) -> str:
    """A text that is cut is whole in its tooltip."""
    return "\n".join(_page(drawn)) + "\n"


def _page(drawn: Graph) -> Iterator[str]:
    columns, across = drawn.columns, width(drawn)
    rows = [_rows(region, columns) for region in drawn.regions]
    heights = [HEADING + STEP * max(len([i for i, n in enumerate(r.nodes) if n.kind == k]) for k in columns) for r in drawn.regions]
    height = TITLES + sum(heights) + 2 * MARGIN
    size = f'width="{across}" height="{height}" viewBox="0 0 {across} {height}"'
    yield f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="{FONT}">'
    yield f"<title>{escape(drawn.platform)}</title>"
    yield f'<rect width="{across}" height="{height}" fill="#ffffff"/>'
    for column, kind in enumerate(columns):
        yield _text(_left(column) + BOX / 2, MARGIN + 12, kind, LARGE, f'text-anchor="middle" fill="{LINE}"')
    top = MARGIN + TITLES
    for region, row, band in zip(drawn.regions, rows, heights, strict=True):
        yield from _band(region, columns, row, top, band)
        top += band
    yield "</svg>"


def _band(region: Region, columns: tuple[str, ...], rows: list[float], top: int, height: int) -> Iterator[str]:
    across = _left(len(columns)) - GAP + MARGIN
    yield f'<rect x="{MARGIN / 2:g}" y="{top}" width="{across - MARGIN}" height="{height - 8}" rx="8" fill="#f9fafb" stroke="#e5e7eb"/>'
    yield _text(MARGIN, top + 18, region.name, LARGE, f'font-weight="bold" fill="{INK}"')
    for edge in region.edges:
        start, end = region.nodes[edge.start], region.nodes[edge.end]
        x0, x1 = _left(columns.index(start.kind)) + BOX, _left(columns.index(end.kind))
        y0, y1 = (_top(top, rows[i]) + HEIGHT / 2 for i in (edge.start, edge.end))
        middle = (x0 + x1) / 2
        title = escape(f"{start.name} → {end.name}: {', '.join(edge.clusters)}")
        dashed = ' stroke-dasharray="4 3"' if region.only(edge) else ""
        path = f"M{x0:g} {y0:g} C{middle:g} {y0:g} {middle:g} {y1:g} {x1 - 6:g} {y1:g}"
        if x1 - x0 > GAP:  # past a column: between two of its boxes
            bend, between = GAP / 2, y0 + STEP / 2
            past = f"C{x0 + bend:g} {y0:g} {x0 + bend:g} {between:g} {x0 + GAP:g} {between:g} H{x1 - GAP:g}"
            path = f"M{x0:g} {y0:g} {past} C{x1 - bend:g} {between:g} {x1 - bend:g} {y1:g} {x1 - 6:g} {y1:g}"
        yield f'<path d="{path}" fill="none" stroke="{LINE}" stroke-width="1.2"{dashed}><title>{title}</title></path>'
        yield f'<path d="M{x1:g} {y1:g} l-7 -3.5 v7 z" fill="{LINE}"/>'
    for node, row in zip(region.nodes, rows, strict=True):
        x, y = _left(columns.index(node.kind)), _top(top, row)
        yield f"<g><title>{escape('; '.join((f'{node.kind} {node.name}', *region.told(node))))}</title>"
        yield f'<rect x="{x}" y="{y:g}" width="{BOX}" height="{HEIGHT}" rx="6" fill="{FILLS[node.kind]}" stroke="{LINE}"/>'
        told = region.told(node)
        base = y + HEIGHT / 2 + 4 - 7 * len(told)
        yield _text(x + 8, base, _cut(node.name, LARGE), LARGE, f'fill="{INK}"')
        for i, said in enumerate(told, 1):
            yield _text(x + 8, base + 14 * i, _cut(said, SMALL), SMALL, f'fill="{GREY}"')
        yield "</g>"


def _left(column: int) -> int:
    return MARGIN + column * (BOX + GAP)


def _top(band: int, row: float) -> float:
    return band + HEADING + row * STEP


def _text(x: float, y: float, text: str, size: int, more: str) -> str:
    return f'<text x="{x:g}" y="{y:g}" font-size="{size}" {more}>{escape(text)}</text>'


def _cut(text: str, size: int) -> str:
    most = int((BOX - 16) / (size * WIDE))
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _rows(region: Region, kinds: tuple[str, ...]) -> list[float]:
    """The row of every node in its column. Columns are ordered by the mean row of what each node is joined to, from left to right, then
    back, so that few edges cross (Sugiyama's barycentre method)."""
    columns = [[i for i, node in enumerate(region.nodes) if node.kind == kind] for kind in kinds]
    rows = [0.0] * len(region.nodes)
    before: list[list[int]] = [[e.start for e in region.edges if e.end == i] for i in range(len(region.nodes))]
    after: list[list[int]] = [[e.end for e in region.edges if e.start == i] for i in range(len(region.nodes))]
    for column in columns:
        for row, i in enumerate(column):
            rows[i] = row
    for _ in range(4):
        for joined, sweep in ((before, columns[1:]), (after, columns[-2::-1])):
            for column in sweep:
                mean = {i: sum(rows[j] for j in joined[i]) / len(joined[i]) if joined[i] else rows[i] for i in column}
                column.sort(key=lambda i: mean[i])
                for row, i in enumerate(column):
                    rows[i] = row
    return rows
