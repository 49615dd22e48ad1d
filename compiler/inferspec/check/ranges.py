"""Ranges of addresses that a network can have side by side."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import NamedTuple

from ..diagnostics import Diagnostic, SpecPath, format_path
from .context import Context


class Range(NamedTuple):
    """A range of the spec, and where it is written."""

    first: int
    last: int
    order: tuple[str, int, int]
    path: SpecPath
    text: str


def ranges(context: Context) -> Iterator[Diagnostic]:
    """Subnets of a network overlap nowhere, whatever their region."""
    told: set[tuple[SpecPath, SpecPath]] = set()
    for (project, network), held in _by_network(context).items():
        widest = None
        for here in sorted(held):
            if widest is not None and here.first <= widest.last:
                first, second = sorted((widest, here), key=lambda one: one.order)
                if (first.path, second.path) not in told:
                    told.add((first.path, second.path))
                    yield context.finding(
                        "SPC031",
                        f"{format_path(second.path)} {second.text} and {format_path(first.path)} {first.text} overlap in one network",
                        second.path,
                        related=(context.span(first.path, "the first one"),),
                        notes=(f"both are subnets of network {network} of project {project}: the second is refused when it is made",),
                        help=f"{_free(second, held)} is free of what the spec names",
                    )
            if widest is None or here.last > widest.last:
                widest = here


def _by_network(context: Context) -> dict[tuple[str, str], list[Range]]:
    """(project, network) -> ranges of its clusters and, of each region where it has one, of the proxies."""
    found: dict[tuple[str, str], dict[SpecPath, Range]] = {}
    for place in context.fleet.places:
        project = context.platform.projects.get(place.cluster.project)
        if project is None:
            continue  # check.references says so
        held = found.setdefault((project.id, project.network.name), {})
        said: list[tuple[SpecPath, str | None]] = [
            (("regions", place.region, "proxySubnet"), context.platform.regions[place.region].proxy_subnet),
            ((*place.path, "nodeRange"), place.cluster.node_range),
        ]
        for path, text in said:
            if text is not None and path not in held:
                network = ipaddress.IPv4Network(text)
                at = context.span(path)
                order = (at.file, at.line, at.column)
                held[path] = Range(int(network.network_address), int(network.broadcast_address), order, path, text)
    return {key: list(held.values()) for key, held in found.items()}


def _free(wrong: Range, held: list[Range]) -> str:
    """The next range of the same size that none of the others has."""
    size, first = wrong.last - wrong.first + 1, wrong.first
    others = [one for one in held if one is not wrong]
    while any(first <= one.last and one.first <= first + size - 1 for one in others):
        first += size
    return f"{ipaddress.IPv4Address(first)}/{33 - size.bit_length()}"
