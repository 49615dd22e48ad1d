"""The dashboard of the whole platform: servers, requests, tokens and queues by location, cluster and workload, and chips."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from ...catalog.engines import Metric
from ...resolve.fleet import Fleet
from ...resolve.objectives import series
from ...resolve.quota import demands
from ...resolve.workload import Workload
from ..views import promql
from .panels import COUNT, RATE, Dashboard, Line, Panel, Query, sections, watched

NAME = "_fleet"
"""No name of a service: none begins with a line."""
WINDOW = "5m"
BY = {"location": "by location", "cluster": "by cluster", "job": "by workload"}
"""Labels that Managed Service for Prometheus gives every series; ``location`` is the cluster's region, or its zone."""


def of_fleet(fleet: Fleet) -> Dashboard:
    found = watched(fleet)
    fronts = [w for w in found if not w.key.prefill]
    return Dashboard(
        NAME,
        fleet.platform.name,
        f"{fleet.platform.name}: the fleet",
        sections(
            ("Servers", _panels("Servers up", COUNT, _up(found), "sum")),
            ("Requests", _panels("Requests ended", RATE, _selected(fronts, "requests", _per_second), "sum")),
            ("Tokens", _panels("Tokens generated", RATE, _selected(fronts, "generation-tokens", _per_second), "sum")),
            ("Queues", _panels("Requests waiting at each replica", COUNT, _selected(found, "queue-depth", promql.select), "avg")),
            ("Chips", _chips(fleet, found)),
        ),
    )


def _where(workloads: list[Workload]) -> promql.Matchers:
    jobs, namespaces = ([*dict.fromkeys(of)] for of in ((w.name for w in workloads), (w.namespace for w in workloads)))
    return promql.matcher("job", jobs), promql.matcher("namespace", namespaces)


def _up(found: list[Workload]) -> dict[str, str]:
    return {"": promql.up(found[0].stack, _where(found))}


def _per_second(metric: Metric, where: promql.Matchers) -> str:
    return promql.rate(promql.select(metric, where), WINDOW)


def _selected(workloads: list[Workload], id: str, expr: Callable[[Metric, promql.Matchers], str]) -> dict[str, str]:
    """By engines: one expression for each series that carries the metric in some of them."""
    groups: dict[str, tuple[Metric, list[Workload]]] = {}
    for w in workloads:
        if (metric := series(w, id)) is not None:
            groups.setdefault(promql.select(metric, ()), (metric, []))[1].append(w)
    named = [("/".join(dict.fromkeys(w.engine.id for w in held)), metric, held) for metric, held in groups.values()]
    return {engines if len(named) > 1 else "": expr(metric, _where(held)) for engines, metric, held in named}


def _panels(title: str, unit: str, selected: dict[str, str], function: str) -> list[Panel]:
    """One for each label; averages are not stacked."""
    found = []
    for label, words in BY.items():
        queries = [Query(f"{function} by ({label}) ({expr})", f"{{{label}}} {engines}".rstrip()) for engines, expr in selected.items()]
        found.append(Panel(f"{title}, {words}", unit, tuple(queries), stacked=function == "sum"))
    return found


def _chips(fleet: Fleet, found: list[Workload]) -> list[Panel]:
    """Chips of the servers that are up, and the most that every replica together may ask for, in whole machines (``inferspec quota``)."""
    counted = {w.name: w for w in found if w.engine.workload == "deployment" and w.machine.accelerator}
    most: dict[str, int] = {}
    for demand in demands(fleet):
        if (w := counted.get(demand.workload)) is not None:
            most[w.accelerator.id] = most.get(w.accelerator.id, 0) + demand.most
    panels = []
    for accelerator, chips in sorted(most.items()):
        groups: dict[int, list[Workload]] = {}
        for w in counted.values():
            if w.accelerator.id == accelerator:
                groups.setdefault(int(w.layout.total), []).append(w)
        queries = [
            Query(f"sum by (cluster) ({promql.up(held[0].stack, _where(held))}) * {each}", f"{{cluster}}, {each} a server")
            for each, held in sorted(groups.items())
        ]
        line = Line(f"at most: {chips:,}", Fraction(chips))
        panels.append(Panel(f"{accelerator}: chips of servers that are up", COUNT, tuple(queries), line, stacked=True))
    return panels
