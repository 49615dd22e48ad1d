"""What every rule is given."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any

from pydantic import BaseModel

from ..catalog import Catalogue
from ..diagnostics import Diagnostic, Severity, Span, SpecPath
from ..load import Document
from ..model.platform import Platform
from ..resolve.fleet import Fleet
from ..resolve.places import Place
from ..resolve.settings import WorkloadKey
from ..resolve.workload import Workload
from ..values import SpecAt, Value

PLACED = ("clusters", "names")
"""What a finding presumes that says where something is not."""
USED = (*PLACED, "serving", "gateways", "objectives")
"""What one presumes that says that nobody uses something."""


@dataclass(eq=False)
class Context:
    fleet: Fleet
    document: Document
    today: date
    used: set[tuple[str, str]] = field(default_factory=set)
    """(section, name) of each entry that another one names."""

    @property
    def platform(self) -> Platform:
        return self.fleet.platform

    @property
    def catalogue(self) -> Catalogue:
        return self.fleet.catalogue

    def span(self, path: SpecPath, label: str = "", *, key: bool = False) -> Span:
        return self.document.span(path, label=label, key=key)

    def finding(
        self,
        code: str,
        message: str,
        path: SpecPath,
        *,
        label: str = "",
        key: bool = False,
        severity: Severity = Severity.ERROR,
        **more: Any,
    ) -> Diagnostic:
        return Diagnostic(code, message, self.span(path, label, key=key), path=path, severity=severity, **more)

    def terraform_alone(self, what: str, path: SpecPath) -> Diagnostic:
        """What no object of a cluster makes: the platform has no management cluster."""
        message = f"{what} are in the Terraform variables alone: nothing is made before they are applied"
        return self.finding(
            "SPC011", message, path, key=True, severity=Severity.INFO, help="terraform/ makes them; Config Connector does, with management:"
        )

    def written(self, section: str) -> set[str]:
        """Keys of a section as the document has them: also entries that were left out for another mistake."""
        held = self.document.root.get(section) if isinstance(self.document.root, dict) else None
        return set(held) if isinstance(held, dict) else set()

    def unknown_keys(self, path: SpecPath, model: type[BaseModel]) -> set[str]:
        """Keys there that the model has not: each is told of, and may have been meant for one that is missing."""
        node: Any = self.document.root
        for step in path:
            node = node.get(step) if isinstance(node, dict) else None
        return set(node or ()) - {field.alias or key for key, field in model.model_fields.items()}

    def _written_in_regions(self, key: str) -> dict[str, dict[str, Any]]:
        """``clusters`` or ``reservations`` of each region as the document has them."""
        regions = self.document.root.get("regions") if isinstance(self.document.root, dict) else None
        held = {name: facts.get(key) for name, facts in regions.items() if isinstance(facts, dict)} if isinstance(regions, dict) else {}
        return {name: entries for name, entries in held.items() if isinstance(entries, dict)}

    @cached_property
    def clusters_left_out(self) -> bool:
        """Whether a cluster has a mistake of its own: then a selector that finds nothing may have meant it."""
        return "clusters" in self.left_out

    @cached_property
    def services_left_out(self) -> bool:
        """Whether a service has a mistake of its own: then what seems to be of no use may be its."""
        return self.written("serving") != set(self.platform.serving)

    @cached_property
    def left_out(self) -> frozenset[str]:
        """Sections, and ``clusters`` or ``reservations`` of regions, that hold an entry with a mistake: the platform here is without it.

        A region that there is not, or a name that two clusters have, leaves both unknown: what is read of them is of somebody else.
        """
        sections = {str(field.alias): getattr(self.platform, name) for name, field in type(self.platform).model_fields.items()}
        found = {key for key, held in sections.items() if isinstance(held, dict | None) and self.written(key) - set(held or ())}
        held = self.fleet.places, [key for facts in self.platform.regions.values() for key in facts.reservations]
        of_regions = zip(("clusters", "reservations"), held, strict=True)
        found |= {key for key, kept in of_regions if sum(map(len, self._written_in_regions(key).values())) != len(kept)}
        names = [place.name for place in self.fleet.places]
        if len(set(names)) < len(names) or any(region not in self.catalogue.regions for region in self.platform.regions):
            found |= {"clusters", "reservations"}
        return frozenset(found)

    def lost_exposures(self, service: str) -> bool:
        """Whether a gateway of the service, or what else an exposure names, has a mistake of its own: then it is exposed all the same."""
        held = self.document.root.get("serving") if isinstance(self.document.root, dict) else None
        own = held.get(service) if isinstance(held, dict) else None
        said = own.get("expose") if isinstance(own, dict) else None
        return isinstance(said, list) and len(said) > len(self.platform.serving[service].expose)

    def wrote_reservation(self, key: str) -> str:
        """The region that has a reservation of that name, be it with a mistake; empty if none has."""
        return next((region for region, held in self._written_in_regions("reservations").items() if key in held), "")

    @cached_property
    def cohorts(self) -> list[tuple[WorkloadKey, Workload, list[Place]]]:
        """Each distinct workload with the clusters that run it: rules look at each once, not at each cluster."""
        found: dict[tuple[WorkloadKey, int], tuple[WorkloadKey, Workload, list[Place]]] = {}
        for key in self.fleet.workload_keys:
            for place in self.fleet.places_of(key):
                workload = self.fleet.workload_at(key, place)
                found.setdefault((key, id(workload)), (key, workload, []))[2].append(place)
        return list(found.values())

    def workloads(self) -> Iterator[Workload]:
        for _, workload, _ in self.cohorts:
            yield workload


def place_of(value: Value, otherwise: SpecPath) -> SpecPath:
    """Where a value was written, or the nearest thing that was."""
    return value.origin.path if isinstance(value.origin, SpecAt) else otherwise


def by_region(places: list[Place]) -> dict[str, list[Place]]:
    """The clusters of each region, in the order of the spec."""
    found: dict[str, list[Place]] = {}
    for place in places:
        found.setdefault(place.region, []).append(place)
    return found


def clusters(places: Sequence[Place], most: int = 3) -> str:
    """Names for a message: three, and how many more."""
    names = ", ".join(p.name for p in places[:most])
    return names if len(places) <= most else f"{names} and {len(places) - most} more"


def agreeing(places: list[Place], one: str, several: str) -> str:
    """The clusters and the verb: its form for one of them, or for several."""
    return f"{clusters(places)} {one if len(places) == 1 else several}"
