"""``inferspec fit``: the memory account of every server on every shape of its class."""

from __future__ import annotations

import difflib
import json
import math
from argparse import Namespace
from dataclasses import dataclass

from ..diagnostics import Severity
from ..outcome import Outcome
from ..pipeline import vet
from ..resolve.fleet import Fleet
from ..resolve.memory import GIB, Fit
from ..resolve.workload import Workload
from . import NO_INPUT
from .session import report, request
from .stop import Stop

ANSWERED = ("FIT", "ACC")
"""Findings that the account itself shows; any other error leaves no account to make."""


@dataclass(frozen=True, slots=True)
class Account:
    """One workload on one shape, in the clusters where it is settled so. ``load_seconds`` is weights at the storage path's pace."""

    workload: Workload
    shape: str
    clusters: tuple[str, ...]
    fit: Fit | None
    load_seconds: int


def run(options: Namespace) -> int:
    asked = request(options)
    outcome = vet(asked)
    if outcome.fleet is None or _blocked(outcome):
        form, options.format, options.output, options.fail_on = options.format, "text", None, "error"
        code = report(options, outcome)
        options.format = form
        return code or 1
    services = list(outcome.fleet.platform.serving)
    if options.service is not None and options.service not in services:
        near = difflib.get_close_matches(options.service, services, 1)
        raise Stop(NO_INPUT, f"there is no service {options.service}" + (f"; did you mean {near[0]}?" if near else ""))
    found = [a for a in accounts(outcome.fleet) if options.service in (None, a.workload.service_name)]
    print(json.dumps([_plain(a) for a in found], indent=2) if options.format == "json" else "\n".join(_table(found)))
    return 1 if any(a.fit is not None and a.fit.headroom < 0 for a in found) else 0


def _blocked(outcome: Outcome) -> bool:
    return any(d.severity is Severity.ERROR and d.waiver is None and not d.code.startswith(ANSWERED) for d in outcome.diagnostics)


def accounts(fleet: Fleet) -> list[Account]:
    """Each distinct account once, with the clusters that have it."""
    found: dict[tuple[str, str, Fit | None, int], tuple[Workload, list[str]]] = {}
    for key in fleet.workload_keys:
        for place in fleet.places_of(key):
            workload = fleet.workload_at(key, place)
            path = fleet.platform.storage[workload.model.store].read
            seconds = math.ceil(workload.weights / fleet.catalogue.default("load.throughput")[path])
            for shape in workload.capacity.shape:
                fit = workload.fit(fleet.catalogue.machines[shape])
                found.setdefault((workload.name, shape, fit, seconds), (workload, []))[1].append(place.name)
    return [Account(w, shape, tuple(names), fit, seconds) for (_, shape, fit, seconds), (w, names) in found.items()]


def _longest(account: Account) -> int:
    """The longest request that fits and that the model was made for."""
    assert account.fit is not None and account.workload.facts is not None
    return min(account.fit.longest, account.workload.facts.context_length or account.fit.longest)


def _plain(account: Account) -> dict[str, object]:
    """Bytes, tokens and seconds; an account without figures of the model is null."""
    w, fit = account.workload, account.fit
    numbers = None
    if fit is not None:
        numbers = {
            "accelerator": fit.accelerator,
            "chips": fit.chips,
            "memoryBytes": round(fit.memory),
            "utilisation": fit.utilisation,
            "weightsBytes": round(fit.weights),
            "kvBytesPerToken": round(fit.kv_per_token),
            "tokens": fit.tokens,
            "requestBytes": round(fit.request),
            "reserveBytes": round(fit.reserve),
            "headroomBytes": round(fit.headroom),
            "longestTokens": _longest(account),
            "concurrency": fit.concurrency,
            "verdict": fit.verdict,
        }
    return {
        "workload": w.name,
        "service": w.service_name,
        "model": str(w.model_ref.v),
        "shape": account.shape,
        "clusters": list(account.clusters),
        "loadSeconds": account.load_seconds,
        "aChip": numbers,
    }


HEADS = (
    *("workload", "shape", "chips", "budget", "weights", "KV/token", "request", "reserve", "headroom", "longest", "at once", "load"),
    *("", "clusters"),
)


def _table(found: list[Account]) -> list[str]:
    """GiB a chip; KV cache in KiB a token; load in seconds, an estimate of the catalogue's planning figures."""
    rows = [HEADS, *[_row(a) for a in found]]
    widths = [max(len(row[i]) for row in rows) for i in range(len(HEADS))]
    left = {0, 1, len(HEADS) - 2, len(HEADS) - 1}
    lines = []
    for row in rows:
        cells = [cell.ljust(w) if i in left else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths, strict=True))]
        lines.append("  ".join(cells).rstrip())
    return [*lines, "", "GiB a chip; KV cache in KiB a token; load in s by the catalogue's planning figures; reserve is an estimate"]


def _row(account: Account) -> tuple[str, ...]:
    fit, name = account.fit, account.workload.name
    clusters = ", ".join(account.clusters[:3]) + (f" and {len(account.clusters) - 3} more" if len(account.clusters) > 3 else "")
    load = str(account.load_seconds)
    if fit is None:
        return (name, account.shape, str(account.workload.chips.v), *["?"] * 8, load, "unknown", clusters)
    sizes = [f"{size / GIB:.1f}" for size in (fit.budget, fit.weights)]
    more = [f"{size / GIB:.1f}" for size in (fit.request, fit.reserve, fit.headroom)]
    cells = [*sizes, f"{fit.kv_per_token / 1024:.0f}", *more, f"{_longest(account):,}", str(fit.concurrency), load]
    return (name, account.shape, str(fit.chips), *cells, fit.verdict, clusters)
