"""``inferspec fit``: the memory account of every server on every shape of its class."""

from __future__ import annotations

import json
import math
from argparse import Namespace
from dataclasses import dataclass, replace

from ..pipeline import vet
from ..resolve.fleet import Fleet
from ..resolve.memory import GIB, Fit
from ..resolve.pace import pace
from ..resolve.workload import Workload
from .session import known_service, note, refused, request, stopped
from .table import aligned

ANSWERED = ("FIT", "ACC", "SRV135")
"""Findings that the account itself shows; of any other error the services that can be settled still have their account."""


@dataclass(frozen=True, slots=True)
class Account:
    """One workload on one shape, in the clusters where it is settled so."""

    workload: Workload
    shape: str
    clusters: tuple[str, ...]
    fit: Fit | None

    @property
    def read_by(self) -> str:
        """The storage path in use."""
        return str(self.workload.mounts.read.v)

    @property
    def load_seconds(self) -> dict[str, int]:
        """Seconds to read the weights by each storage path, at the pace the catalogue plans with."""
        paths = self.workload.catalogue.default("load.throughput")
        return {path: math.ceil(self.workload.weights / pace(self.workload, path).rate) for path in paths}


def run(options: Namespace) -> int:
    asked = request(options)
    outcome = vet(asked)
    if outcome.fleet is None or outcome.sound is None:
        return refused(options, outcome)
    left_out = outcome.fleet.platform.serving.keys() - outcome.sound.platform.serving.keys()
    if options.service in left_out:
        return refused(options, outcome)
    known_service(outcome.fleet, options.service)
    found = [a for a in accounts(outcome.sound) if options.service in (None, a.workload.service_name)]
    if not found and stopped(outcome, ANSWERED):
        return refused(options, outcome)
    print(json.dumps([_plain(a) for a in found], indent=2) if options.format == "json" else "\n".join(_table(found)))
    if stopped(outcome, ANSWERED):
        without = f": without {', '.join(sorted(left_out))}" if left_out else ""
        note(options, f"the spec has other errors, which 'inferspec vet' tells{without}")
        return 1
    return 1 if any(a.fit is not None and a.fit.headroom < 0 for a in found) else 0


def accounts(fleet: Fleet) -> list[Account]:
    """Each distinct account once, with the clusters that have it: what the numbers do not show makes no difference."""
    found: dict[tuple[object, ...], tuple[Account, list[str]]] = {}
    for key in fleet.workload_keys:
        for place in fleet.places_of(key):
            workload = fleet.workload_at(key, place)
            for shape in workload.capacity.every_shape:
                fit = workload.fit(fleet.catalogue.machines[shape])
                account = Account(workload, shape, (), fit)
                read = (account.read_by, *account.load_seconds.values())
                shown = (workload.name, workload.model_ref.v, shape, *read, *(_numbers(fit).values() if fit else ()))
                found.setdefault(shown, (account, []))[1].append(place.name)
    return [replace(account, clusters=tuple(names)) for account, names in found.values()]


def _plain(account: Account) -> dict[str, object]:
    """Bytes, tokens and seconds; an account without figures of the model is null."""
    w = account.workload
    return {
        "workload": w.name,
        "service": w.service_name,
        "model": str(w.model_ref.v),
        "shape": account.shape,
        "clusters": list(account.clusters),
        "readBy": account.read_by,
        "loadSeconds": account.load_seconds,
        "aChip": None if account.fit is None else _numbers(account.fit),
    }


def _numbers(fit: Fit) -> dict[str, object]:
    return {
        "accelerator": fit.accelerator,
        "chips": fit.chips,
        "tensorParallel": fit.tensor,
        "pipelineParallel": fit.pipeline,
        "dataParallel": fit.data,
        "expertParallel": fit.expert,
        "memoryBytes": round(fit.memory),
        "utilisation": fit.utilisation,
        **({"kvCacheBytes": fit.kv_bytes} if fit.kv_bytes else {}),
        "weightsBytes": round(fit.weights),
        "weightsFormat": fit.kept,
        "draftBytes": round(fit.draft),
        "adapterBytes": round(fit.adapters),
        "kvCacheDtype": fit.kv_dtype,
        "kvBytesPerToken": round(fit.kv_per_token),
        "tokens": fit.tokens,
        "requestBytes": round(fit.request),
        "requests": fit.requests,
        "nullBlockBytes": fit.null_block,
        "reserveBytes": round(fit.reserve),
        "headroomBytes": round(fit.headroom),
        "longestTokens": fit.longest,
        "concurrency": round(fit.concurrency, 3),
        "verdict": fit.verdict,
    }


HEADS = (
    *("workload", "shape", "chips", "budget", "weights", "KV/token", "request", "reserve", "headroom", "longest", "at once"),
    *("", "clusters"),
)


VERDICTS = {
    "fits": "even twice the reserve would fit",
    "marginal": "the headroom is less than the reserve, which is an estimate: try the server before you rely on it",
    "does not fit": "the headroom is negative: the server would not start",
    "unknown": "the catalogue has no figures of the model",
}


def _table(found: list[Account]) -> list[str]:
    """The accounts, then how long each model takes to load."""
    accounts = aligned([HEADS, *[_row(a) for a in found]], {0, 1, len(HEADS) - 2, len(HEADS) - 1})
    notes = "GiB a chip; KV cache in KiB a token; reserve is an estimate"
    told = {cell[-2] for cell in map(_row, found)}
    legend = [f"{verdict}: {meaning}" for verdict, meaning in VERDICTS.items() if verdict in told]
    loads = aligned(_loads(found), {0})
    return [*accounts, "", notes, *legend, "", *loads, "", "* as the spec reads it; by the catalogue's planning figures"]


def _row(account: Account) -> tuple[str, ...]:
    fit, name = account.fit, account.workload.name
    clusters = ", ".join(account.clusters[:3]) + (f" and {len(account.clusters) - 3} more" if len(account.clusters) > 3 else "")
    if fit is None:
        return (name, account.shape, str(account.workload.asked.chips), *["?"] * 8, "unknown", clusters)
    sizes = [f"{size / GIB:.1f}" for size in (fit.budget, fit.weights + fit.draft + fit.adapters)]
    more = [f"{size / GIB:.1f}" for size in (fit.request, fit.reserve, fit.headroom)]
    held = [f"{fit.longest:,}", str(int(fit.concurrency))] if fit.cache.block_bytes else ["-", "-"]
    cells = [*sizes, f"{fit.kv_per_token / 1024:.0f}", *more, *held]
    return (name, account.shape, str(fit.chips), *cells, fit.verdict, clusters)


def _loads(found: list[Account]) -> list[tuple[str, ...]]:
    """Seconds to load by storage path, a row for each size of a model; the paths in use have an asterisk."""
    read: dict[tuple[str, tuple[tuple[str, int], ...]], set[str]] = {}
    for account in found:
        read.setdefault((account.workload.model_key, tuple(account.load_seconds.items())), set()).add(account.read_by)
    paths = dict.fromkeys(path for _, seconds in read for path, _ in seconds)
    rows = [(model, *(f"{s}*" if path in used else f"{s} " for path, s in seconds)) for (model, seconds), used in read.items()]
    return [("load, s", *(f"{path} " for path in paths)), *rows]
