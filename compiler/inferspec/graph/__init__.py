"""The way of a request, region by region: host -> route -> pool -> service -> class -> reservation; without a pool where no
endpoint picker reads the servers; by an import where the route stands in the config cluster of a cross-regional gateway.

Drawn from the settled fleet. Every edge is a reference that one emitted object makes to another; tests/test_graph.py finds each there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from ..resolve.fleet import Fleet
from ..resolve.ladder import reserved, rungs, sources
from ..resolve.places import Place
from ..resolve.settings import WorkloadKey

KINDS = ("host", "route", "import", "pool", "service", "class", "reservation")
"""In the order of the way: an edge goes from one kind to the next, past those that are not on its way."""
RARE = ("import",)
"""Kinds that have a column of a picture where there are any."""


@dataclass(frozen=True, slots=True)
class Node:
    """``name`` is the object's own; ``detail`` is for people. ``clusters``: those of the region that have it, in the order of the spec."""

    kind: str
    name: str
    detail: str
    clusters: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Edge:
    """From one node to another, by their places in ``Region.nodes``."""

    start: int
    end: int
    clusters: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Region:
    """What stands in one region. Nodes are in the order of ``KINDS``, then of the spec; edges in that of their ends."""

    name: str
    clusters: tuple[str, ...]
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]

    def only(self, edge: Edge) -> tuple[str, ...]:
        """The clusters of an edge that is not wherever both its ends are; else none."""
        ends = set(self.nodes[edge.start].clusters) & set(self.nodes[edge.end].clusters)
        return edge.clusters if set(edge.clusters) != ends else ()

    def told(self, node: Node) -> tuple[str, ...]:
        """What to say under a name: the detail, and the clusters of a node that is not in all of the region's."""
        where = f"in {', '.join(node.clusters)}" if node.clusters != self.clusters else ""
        return tuple(text for text in (node.detail, where) if text)


@dataclass(frozen=True, slots=True)
class Graph:
    platform: str
    regions: tuple[Region, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """Kinds that a picture has a column for, in their order."""
        held = {node.kind for region in self.regions for node in region.nodes}
        return tuple(kind for kind in KINDS if kind in held or kind not in RARE)


Reference = tuple[str, str, str]
"""Kind, name and detail of a node."""


def graph(fleet: Fleet, region: str | None = None, service: str | None = None) -> Graph:
    """The whole fleet, or one region, or what one service is reached by and runs on. A region where nothing runs is left out."""
    drawn = []
    for name in fleet.platform.regions:
        here = [place for place in fleet.places if place.region == name]
        found = _region(fleet, name, here, service) if region in (None, name) else None
        if found is not None and found.nodes:
            drawn.append(found)
    return Graph(fleet.platform.name, tuple(drawn))


def _region(fleet: Fleet, name: str, here: list[Place], service: str | None) -> Region:
    nodes: dict[Reference, dict[str, None]] = {}
    edges: dict[tuple[Reference, Reference], dict[str, None]] = {}
    for key in fleet.workload_keys:
        for place in here:
            if service in (None, key.service) and fleet.is_placed(key, place):
                for way in _ways(fleet, key, place):
                    for node in way:
                        nodes.setdefault(node, {})[place.name] = None
                    for ends in pairwise(way):
                        edges.setdefault(ends, {})[place.name] = None
    order = sorted(nodes, key=lambda node: KINDS.index(node[0]))
    at = {node: i for i, node in enumerate(order)}
    spec_order = [place.name for place in here]
    return Region(
        name,
        tuple(spec_order),
        tuple(Node(*node, tuple(p for p in spec_order if p in nodes[node])) for node in order),
        tuple(
            Edge(at[start], at[end], tuple(p for p in spec_order if p in edges[start, end]))
            for start, end in sorted(edges, key=lambda ends: (at[ends[0]], at[ends[1]]))
        ),
    )


def _ways(fleet: Fleet, key: WorkloadKey, place: Place) -> Iterator[list[Reference]]:
    """Chains of nodes through one workload in one cluster."""
    w = fleet.workload_at(key, place)
    platform = fleet.platform
    server: Reference = ("service", w.name, f"{w.model_ref.v}, {w.engine.id} {w.engine_version.v}".rstrip())
    ladder: Reference = ("class", w.capacity_name, ", ".join(dict.fromkeys(source.kind for _, source in sources(w.capacity))))
    yield [server, ladder]
    if w.service.expose:
        behind: list[Reference] = [("pool", w.front_name, ""), server] if w.pooled else [server]
        yield behind
        led = w.stable if key.canary else w
        for exposure in w.service.expose:
            if fleet.has_gateway(exposure.gateway, place):
                gateway = platform.gateways[exposure.gateway]
                host: Reference = ("host", gateway.host, f"gateway {exposure.gateway}")
                config = fleet.config_clusters.get(exposure.gateway)
                stands = f"stands in {config.name}" if config is not None else ""
                # The pools of all regions have one name, and so has their import.
                by = [("import", w.front_name, "")] if config is not None else []
                yield [host, ("route", f"{led.front_name}-{exposure.gateway}", stands), *by, behind[0]]
    for rung in rungs(w.capacity, fleet.catalogue):
        if rung.machine is not None:
            for held in reserved(platform, rung.source, place.region, rung.machine):
                facts = platform.regions[place.region].reservations[held]
                yield [ladder, ("reservation", facts.name, f"{facts.nodes} x {facts.shape}, zone {facts.zone}")]


def render(form: str, drawn: Graph) -> str:
    """The graph as ``mermaid``, ``dot``, ``svg`` or ``json``, with a line break at its end. The same graph gives the same bytes."""
    if form == "svg":
        from .svg import svg

        return svg(drawn)
    from . import text

    return {"mermaid": text.mermaid, "dot": text.dot, "json": text.plain}[form](drawn)
