"""Where a field came from, and which fields a line of the spec made."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..diagnostics import SpecPath, format_path
from ..values import Catalogue, Default, Derived, Fact, Origin, SpecAt, Value
from .objects import ClusterPlan, FleetPlan, Object
from .skeleton import pointers


@dataclass(frozen=True, slots=True)
class Field:
    """A leaf of an object in a cluster; ``value`` is None for text of the template itself."""

    cluster: ClusterPlan
    part: str
    facet: str
    object: Object
    pointer: str
    value: Value | None


def objects(plan: FleetPlan, cluster: ClusterPlan) -> Iterator[tuple[str, str, Object]]:
    """(part, facet, object); objects of the cluster's own have no facet."""
    for name, group in cluster.facets.items():
        for obj in group:
            yield plan.facets[name].part, name, obj
    for part, group in cluster.own.items():
        for obj in group:
            yield part, "", obj


def asked_of(plan: FleetPlan, cluster: ClusterPlan) -> Iterator[tuple[str, str, Object]]:
    """The same and the RootSyncs, whose names are those of their parts."""
    yield from objects(plan, cluster)
    for obj in cluster.syncs:
        yield obj.identity.name, "", obj


def fields(plan: FleetPlan, cluster: ClusterPlan) -> Iterator[Field]:
    for part, facet, obj in asked_of(plan, cluster):
        for pointer, value in pointers(obj):
            yield Field(cluster, part, facet, obj, pointer, value)


def spec_paths(origin: Origin) -> Iterator[SpecPath]:
    """Every place of the spec that took part, nearest first."""
    if isinstance(origin, SpecAt):
        yield origin.path
    elif isinstance(origin, (Derived, Fact)):
        for value in origin.inputs:
            yield from spec_paths(value.origin)


def path_of(obj: Object, pointer: str) -> SpecPath | None:
    """The spec path behind a field, or behind its nearest neighbour below ``pointer``; None if the spec has no part in it."""
    for place, value in pointers(obj):
        if value is not None and (place == pointer or place.startswith(pointer + "/") or pointer.startswith(place + "/")):
            for path in spec_paths(value.origin):
                return path
    return None


def explained(value: Value | None, template: str, depth: int = 0) -> list[str]:
    """The account of a value, a line each, inputs indented below what they made."""
    indent = "  " * depth
    if value is None:
        return [f"{indent}written in the template {template}"]
    origin = value.origin
    if isinstance(origin, SpecAt):
        return [f"{indent}{value.v!r} from the spec: {format_path(origin.path)}"]
    if isinstance(origin, Default):
        from ..catalog import catalogue

        return [f"{indent}default {origin.key}: {catalogue().defaults[origin.key].reason}"]
    if isinstance(origin, Catalogue):
        return [f"{indent}{value.v!r} from the catalogue: {origin.row}"]
    if isinstance(origin, Fact):
        lines = [f"{indent}{'written for the cluster' if origin.inputs else 'what the cluster is'}: its {origin.name}"]
    else:
        lines = [f"{indent}{value.v!r}: {origin.rule}"]
    for part in origin.inputs:
        lines += explained(part, template, depth + 1)
    return lines
