"""What every rule is given."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

from ..catalog import Catalogue
from ..diagnostics import Diagnostic, Severity, Span, SpecPath
from ..load import Document
from ..model.platform import Platform
from ..resolve.fleet import Fleet, WorkloadKey
from ..resolve.places import Place
from ..resolve.workload import Workload
from ..values import SpecAt, Value


@dataclass(eq=False)
class Context:
    fleet: Fleet
    document: Document
    today: date

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

    def written(self, section: str) -> set[str]:
        """Keys of a section as the document has them: also entries that were left out for another mistake."""
        held = self.document.root.get(section) if isinstance(self.document.root, dict) else None
        return set(held) if isinstance(held, dict) else set()

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


def clusters(places: list[Place], most: int = 3) -> str:
    """Names for a message: three, and how many more."""
    names = ", ".join(p.name for p in places[:most])
    return names if len(places) <= most else f"{names} and {len(places) - most} more"
