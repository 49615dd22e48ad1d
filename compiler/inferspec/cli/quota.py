"""``inferspec quota``: what the fleet asks of the quotas of its projects, and where that is more than there is."""

from __future__ import annotations

import json
from argparse import Namespace

from ..check.quotas import written
from ..pipeline import vet
from ..resolve.fleet import Fleet
from ..resolve.quota import Demand, Need, demands, needs
from ..resolve.quota_machines import machine_needs
from .limits import UNLIMITED, Key, normal, read
from .session import known_service, refused, request, stopped
from .table import aligned

ANSWERED = ("CAP122",)
"""Findings that the account itself shows."""
NOTES = (
    "min: least scale, reservations filled first; max: every replica, should all sources before fail. Chips, in whole machines.",
    "vCPU and GB of local SSD: of those machines, where a source names the quota; not the vCPUs of Spot and flex-start.",
    "Nodes in a reservation ask for no quota: making the reservation took it. Flex-start counts as preemptible, as Spot does.",
    "* the name follows the pattern of others; no source shows it",
)


def run(options: Namespace) -> int:
    asked = request(options)
    limits = read(options.limits) if options.limits is not None else {}
    outcome = vet(asked)
    if outcome.fleet is None or stopped(outcome, ANSWERED):
        return refused(options, outcome)
    known_service(outcome.fleet, options.service)
    found = demands(outcome.fleet)
    whole = _all(outcome.fleet, found)
    shown = [d for d in found if options.service in (None, d.service)]
    held: dict[int, int | None] = {id(need): limit_of(outcome.fleet, need, limits) for need in whole}
    told = whole if options.service is None else _all(outcome.fleet, shown)
    if options.service is not None:  # a part of the fleet is not held to the limit of the whole
        held = dict.fromkeys(map(id, told))
    print(json.dumps(_plain(told, held, shown), indent=2) if options.format == "json" else "\n".join(_table(told, held, shown)))
    return 1 if any(verdict(need, held[id(need)]) == "too little" for need in told) else 0


def _all(fleet: Fleet, found: list[Demand]) -> list[Need]:
    return [*needs(fleet, found), *machine_needs(fleet, found)]


def limit_of(fleet: Fleet, need: Need, limits: dict[Key, int]) -> int | None:
    """Of the file if it says, else of the spec. The file may name the project by id or number, or not at all."""
    project = fleet.platform.projects[need.project]
    for name in (project.id, str(project.number), ""):
        if (limit := limits.get((name, need.region, normal(need.metric.name), need.metric.dimension))) is not None:
            return None if limit == UNLIMITED else limit
    said = written(fleet.platform, fleet.catalogue).get((need.project, need.region, need.metric.name, need.metric.dimension))
    return said.chips if said is not None else None


def verdict(need: Need, limit: int | None) -> str:
    if limit is None:
        return "unknown"
    if need.least > limit:
        return "too little"
    return "enough" if need.most <= limit else "not for all"


def _plain(told: list[Need], held: dict[int, int | None], shown: list[Demand]) -> dict[str, object]:
    return {
        "quotas": [
            {
                "project": need.project,
                "region": need.region,
                "metric": need.metric.name,
                "dimension": need.metric.dimension,
                "inferred": need.metric.inferred,
                "accelerator": need.accelerator,
                "unit": need.unit,
                "consumption": need.kinds,
                "min": need.least,
                "max": need.most,
                "limit": held[id(need)],
                "verdict": verdict(need, held[id(need)]),
                "by": need.by,
            }
            for need in told
        ],
        "services": [
            {
                "service": d.service,
                "workload": d.workload,
                "cluster": d.place.name,
                "region": d.place.region,
                "class": d.capacity,
                "min": d.least,
                "max": d.most,
                "unmet": d.unmet,
                "arithmetic": d.arithmetic,
                "ladder": [{"source": a.kind, "name": a.name, "accelerator": a.accelerator, "min": a.least, "max": a.most} for a in d.asks],
            }
            for d in shown
        ],
    }


def _table(told: list[Need], held: dict[int, int | None], shown: list[Demand]) -> list[str]:
    heads = ("project", "region", "quota", "asked by", "min", "max", "limit", "")
    rows = [heads, *(_row(need, held[id(need)]) for need in told)]
    quotas = aligned(rows, {0, 1, 2, 3, 7}) if told else ["no quota is asked for: every node is in a reservation, or has no accelerator"]
    ladders: list[tuple[str, ...]] = [("workload", "cluster", "class", "min", "max", "ladder, with chips at min and max")]
    ladders += [
        (d.workload, d.place.name, d.capacity, f"{d.least:,}", f"{d.most:,}", _ladder(d))
        for d in sorted(shown, key=lambda d: (d.place.region, d.workload, d.place.name))
    ]
    return [*quotas, "", *aligned(ladders, {0, 1, 2, 5}), "", *NOTES]


def _ladder(demand: Demand) -> str:
    steps = [f"{ask.kind} {ask.name} {ask.least:,}/{ask.most:,}" for ask in demand.asks]
    return " > ".join(steps) + (f"; {demand.unmet:,} without a source" if demand.unmet else "")


def _row(need: Need, limit: int | None) -> tuple[str, ...]:
    name = need.metric.name + (f" {need.metric.dimension}" if need.metric.dimension else "")
    name += (f", {need.unit}" if need.unit != "chips" else "") + (" *" if need.metric.inferred else "")
    shown = "?" if limit is None else f"{limit:,}"
    said = verdict(need, limit)
    kinds = ", ".join(need.kinds)
    return need.project, need.region, name, kinds, f"{need.least:,}", f"{need.most:,}", shown, "" if said == "unknown" else said
