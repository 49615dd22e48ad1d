"""A dashboard before it has a form: sections of panels, each with its queries and the line that is not to be crossed."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from ...resolve.fleet import Fleet
from ...resolve.workload import Workload

ACROSS = 4
"""Panels beside one another."""
COUNT, SHARE, SECONDS, RATE = "count", "share", "seconds", "rate"
"""Units: things, parts of one, seconds, things a second."""


@dataclass(frozen=True, slots=True)
class Query:
    """``legend``: text with names of labels in braces."""

    expr: str
    legend: str


@dataclass(frozen=True, slots=True)
class Line:
    label: str
    value: Fraction

    @property
    def number(self) -> int | float:
        return int(self.value) if self.value.denominator == 1 else float(self.value)


@dataclass(frozen=True, slots=True)
class Panel:
    title: str
    unit: str
    queries: tuple[Query, ...]
    line: Line | None = None
    stacked: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True)
class Dashboard:
    """``name``: of its file."""

    name: str
    platform: str
    title: str
    sections: tuple[Section, ...]


def sections(*found: tuple[str, list[Panel]]) -> tuple[Section, ...]:
    """Those that have something to show."""
    kept = [(title, [panel for panel in panels if panel.queries]) for title, panels in found]
    return tuple(Section(title, tuple(panels)) for title, panels in kept if panels)


def watched(fleet: Fleet, service: str = "") -> list[Workload]:
    """Workloads that stand somewhere and show metrics: all, or those of a service. The engine's version is the same in every cluster."""
    keys = [key for key in fleet.workload_keys if service in ("", key.service) and fleet.places_of(key)]
    return [w for key in keys if (w := fleet.workload(key, fleet.base)).engine.metrics_path]
