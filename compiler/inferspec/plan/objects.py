"""The object model between plan and emit: objects grouped in facets, layers over a base, clusters that compose them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ..diagnostics import SpecPath
from ..values import Scalar, Value, bind

DASHBOARDS, DNS = "dashboards", "dns"
"""Folders below ``overlays/<platform>/`` that no sync reads."""


class Identity(NamedTuple):
    """What makes an object itself. ``namespace`` is "" for a cluster-scoped object."""

    group: str
    version: str
    kind: str
    namespace: str
    name: str

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    def __str__(self) -> str:
        place = f"{self.namespace}/" if self.namespace else ""
        return f"{self.kind} {place}{self.name}"


@dataclass(frozen=True, slots=True, eq=False)
class Skeleton:
    """A manifest with numbered holes: ``holes[i]`` is the JSON pointer (as a tuple of steps) of leaf i.

    ``template`` is the file it came from. One skeleton serves every object of its shape, so identity (``is``) is equality.
    """

    template: str
    tree: Any
    holes: tuple[tuple[str | int, ...], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Object:
    identity: Identity
    skeleton: Skeleton
    leaves: tuple[Value, ...]

    def tree(self, facts: Mapping[str, Scalar] | None = None) -> dict[str, Any]:
        """The manifest as plain data; cluster facts are bound from ``facts``, or stay sentinels."""
        from .skeleton import fill

        leaves = [leaf.v for leaf in self.leaves] if facts is None else [bind(leaf, facts) for leaf in self.leaves]
        tree: dict[str, Any] = fill(self.skeleton, leaves)
        return tree


Objects = tuple[Object, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Facet:
    """Objects that appear together in one part: one base directory.

    base    the objects of the fleet subject (no override, no cluster)
    layers  layer name -> the same objects with only that layer's entry applied
    alternative  another facet may have objects of the same names, in other clusters that come and go
    """

    name: str
    part: str
    base: Objects
    layers: Mapping[str, Objects] = field(default_factory=dict)
    alternative: bool = False


class Holder(NamedTuple):
    """A cluster as far as its objects need it: the facts that are bound in them."""

    name: str
    facts: Mapping[str, Scalar]


@dataclass(frozen=True, slots=True, eq=False)
class ClusterPlan:
    """One cluster: which facets it has and what their objects are there.

    facts    fact name -> scalar: what the cluster is
    facets   facet name -> its objects in this cluster, facts still symbolic. Clusters of one cohort share the tuple
             itself, so that emit computes each cohort once
    layers   names of the layers that apply, least specific first
    own      part -> objects with a name of their own in this cluster; never in a base
    syncs    the RootSyncs of ``clusters/<platform>/<region>/<cluster>/sync``
    terraform  content of ``terraform.tfvars.json``
    folder   its own folder below ``overlays/<platform>/``, with no folder for each part; region and name without it
    """

    name: str
    region: str
    facts: Mapping[str, Scalar]
    facets: Mapping[str, Objects]
    layers: tuple[str, ...]
    own: Mapping[str, Objects] = field(default_factory=dict)
    syncs: Objects = ()
    terraform: Mapping[str, Any] = field(default_factory=dict)
    folder: str = ""

    @property
    def overlay(self) -> str:
        """Below ``overlays/<platform>/``."""
        return self.folder or f"{self.region}/{self.name}"

    def directory(self, part: str) -> str:
        """What the RootSync of a part reads, below ``overlays/<platform>/``."""
        return self.folder or f"{self.overlay}/{part}"

    @property
    def path(self) -> SpecPath:
        """Where the spec has it."""
        return ("management",) if self.folder else ("regions", self.region, "clusters", self.name)


@dataclass(frozen=True, slots=True, eq=False)
class FleetPlan:
    """The whole platform. ``parts`` in their order: ``platform`` first, then the teams. ``dashboards``: file -> content.

    ``dns``: variables of terraform/dns; empty where no gateway has records.
    """

    platform: str
    parts: tuple[str, ...]
    facets: Mapping[str, Facet]
    clusters: tuple[ClusterPlan, ...]
    dashboards: Mapping[str, Any] = field(default_factory=dict)
    dns: Mapping[str, Any] = field(default_factory=dict)
