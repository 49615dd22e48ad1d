"""The graph as Mermaid, Graphviz and JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from . import KINDS, Graph, Region

FILLS = {
    "host": "#dbeafe",
    "route": "#e0f2fe",
    "import": "#ccfbf1",
    "pool": "#dcfce7",
    "service": "#fef9c3",
    "class": "#ffedd5",
    "reservation": "#fce7f3",
}
"""Background of a kind, light under black text in a dark page too."""
INK = "#111827"
LINE = "#6b7280"


def identifiers(drawn: Graph) -> dict[tuple[str, int], str]:
    """(region, place of the node) -> a word that Mermaid and Graphviz take; names that become one word get a number."""
    given: dict[str, int] = {}
    found = {}
    for region in drawn.regions:
        for i, node in enumerate(region.nodes):
            word = re.sub(r"[^a-z0-9]+", "_", f"{region.name} {node.kind} {node.name}".lower())
            given[word] = given.get(word, 0) + 1
            found[region.name, i] = word if given[word] == 1 else f"{word}__{given[word]}"
    return found


def mermaid(drawn: Graph) -> str:
    """A flowchart, a subgraph a region."""
    return "\n".join(_mermaid(drawn)) + "\n"


def _mermaid(drawn: Graph) -> Iterator[str]:
    ids = identifiers(drawn)
    yield "flowchart LR"
    for region in drawn.regions:
        yield f'  subgraph {_word(region)}["{_entities(region.name)}"]'
        for i, node in enumerate(region.nodes):
            lines = (f"{node.kind} <b>{_entities(node.name)}</b>", *(_entities(line) for line in region.told(node)))
            yield f'    {ids[region.name, i]}["{"<br>".join(lines)}"]:::{node.kind}Node'
        yield "  end"
    for region in drawn.regions:
        for edge in region.edges:
            only = f'|"{_entities(", ".join(region.only(edge)))}"|' if region.only(edge) else ""
            yield f"  {ids[region.name, edge.start]} -->{only} {ids[region.name, edge.end]}"
    for kind in KINDS:
        if any(node.kind == kind for region in drawn.regions for node in region.nodes):
            # "class" is a word of Mermaid's own.
            yield f"  classDef {kind}Node fill:{FILLS[kind]},stroke:{LINE},color:{INK}"


def _word(region: Region) -> str:
    return "region_" + re.sub(r"[^a-z0-9]+", "_", region.name)


def _entities(text: str) -> str:
    """Mermaid writes entities with # (Mermaid documentation, "Entity codes to escape characters")."""
    for char, entity in (("#", "#35;"), ("&", "#amp;"), ('"', "#quot;"), ("<", "#lt;"), (">", "#gt;")):
        text = text.replace(char, entity)
    return text


def dot(drawn: Graph) -> str:
    """A digraph, a cluster a region."""
    return "\n".join(_dot(drawn)) + "\n"


def _dot(drawn: Graph) -> Iterator[str]:
    ids = identifiers(drawn)
    yield f"digraph {_quoted(drawn.platform)} {{"
    yield "  rankdir=LR"
    yield f'  node [shape=box, style="rounded,filled", fontname="sans-serif", fontsize=11, color="{LINE}", fontcolor="{INK}"]'
    yield f'  edge [color="{LINE}", fontname="sans-serif", fontsize=9]'
    for region in drawn.regions:
        yield f"  subgraph {_quoted('cluster_' + region.name)} {{"
        yield f"    label={_quoted(region.name)}"
        for i, node in enumerate(region.nodes):
            label = _quoted("\n".join((f"{node.kind} {node.name}", *region.told(node))))
            yield f'    {ids[region.name, i]} [label={label}, fillcolor="{FILLS[node.kind]}"]'
        for edge in region.edges:
            only = f" [label={_quoted(', '.join(region.only(edge)))}]" if region.only(edge) else ""
            yield f"    {ids[region.name, edge.start]} -> {ids[region.name, edge.end]}{only}"
        yield "  }"
    yield "}"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def plain(drawn: Graph) -> str:
    """Nodes and edges of every region; an edge names its ends by ``id``, which is a word of this graph alone."""
    ids = identifiers(drawn)
    return json.dumps({"platform": drawn.platform, "regions": [_plain(region, ids) for region in drawn.regions]}, indent=2) + "\n"


def _plain(region: Region, ids: dict[tuple[str, int], str]) -> dict[str, object]:
    def word(i: int) -> str:
        return ids[region.name, i]

    return {
        "region": region.name,
        "clusters": list(region.clusters),
        "nodes": [
            {"id": word(i), "kind": n.kind, "name": n.name, "detail": n.detail, "clusters": list(n.clusters)}
            for i, n in enumerate(region.nodes)
        ],
        "edges": [{"from": word(e.start), "to": word(e.end), "clusters": list(e.clusters)} for e in region.edges],
    }
