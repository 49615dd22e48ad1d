"""Weights a cluster can read."""

from __future__ import annotations

from collections.abc import Iterator

from ..diagnostics import Diagnostic, Severity, SpecPath
from ..resolve.places import Place
from .context import Context, clusters, place_of

EMITTED = ("gcs-fuse", "run-ai-streamer")
"""Ways to read that objects are written for."""


def locations(context: Context) -> Iterator[Diagnostic]:
    """Every cluster has a bucket in its region, or in a dual- or multi-region that contains it."""
    lacking: dict[tuple[str, str], list[Place]] = {}
    for key in context.fleet.workload_keys:
        for place in context.fleet.places_of(key):
            read = context.fleet.workload_at(key, place).model.store
            if context.fleet.location(read, place) is None:
                lacking.setdefault((read, place.region), []).append(place)
    for (read, region), places in lacking.items():
        buckets = context.platform.storage[read].buckets
        first = next(iter(buckets))
        yield context.finding(
            "STO101",
            f"storage {read} has no bucket that {region} reads without leaving it",
            ("storage", read, "buckets"),
            key=True,
            notes=(f"{clusters(places)} would read {buckets[first]} in {first}: every load is egress between regions",),
            help=f"add a bucket for {region}, or for one of {', '.join(context.catalogue.locations_holding(region))}",
        )
    for name, model in context.platform.models.items():
        if model.source.startswith("gs://"):
            yield context.finding(
                "SPC013",
                f"model {name}: weights that stand in a bucket already are not emitted yet",
                ("models", name, "source"),
                help="hf://ORG/NAME",
            )
    for name, store in context.platform.storage.items():
        if store.copy_by is not None:
            yield context.finding(
                "SPC011",
                f"storage {name}: copy is checked for shape but not emitted yet; every bucket but the first stays empty until you fill it",
                ("storage", name, "copy"),
                severity=Severity.WARNING,
            )
        if store.read not in EMITTED:
            message = f"storage {name}: read: {store.read} is checked but not emitted yet; servers read by {EMITTED[0]}"
            yield context.later(message, ("storage", name, "read"))
    seen: set[SpecPath] = set()
    for w in context.workloads():
        path = w.mounts.read
        at = place_of(path, w.path)
        if at[0] == "serving" and path.v not in EMITTED and at not in seen:
            seen.add(at)
            yield context.later(f"{w.name}: read: {path.v} is checked but not emitted yet; its servers read by {EMITTED[0]}", at)
