"""Weights a cluster can read: from where, by whom they are brought there, and how long a server waits for them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..catalog import Machine
from ..diagnostics import Diagnostic, Severity, SpecPath
from ..model.base import seconds
from ..quantity import parse
from ..resolve.memory import GIB
from ..resolve.pace import pace
from ..resolve.places import Place
from ..resolve.workload import Workload
from .context import Context, clusters, place_of
from .selectors import instead

PINNED = {
    "hf": (
        "[0-9a-f]{40}",
        "full commit id (40 hexadecimal digits): what a branch or tag names can change",
        "https://huggingface.co/{model}/commits/main lists those of this model",
    ),
    "kaggle": ("[1-9][0-9]*", "version number of a Kaggle model", 'the model\'s page lists its versions: v1: "3"'),
    "https": ("[0-9a-f]{64}", "sha256 of the file (64 hexadecimal digits)", "sha256sum FILE prints it"),
}
"""Scheme of a source -> what its versions look like, what they are, and where to find one of ``{model}``."""
SSD_GIB = 375
"""One local SSD (Compute Engine documentation, "About Local SSD disks")."""


def locations(context: Context) -> Iterator[Diagnostic]:
    """Every cluster has a bucket in its region, or in a dual- or multi-region that contains it."""
    lacking: dict[tuple[str, str], list[Place]] = {}
    paid: dict[tuple[str, str], list[Place]] = {}
    for _, w, places in context.cohorts:
        if not w.mounts.artefacts[0].published:
            continue
        for place in places:
            location = context.fleet.location(w.model.store, place)
            if location is None:
                lacking.setdefault((w.model.store, place.region), []).append(place)
            elif context.catalogue.location_kind(location) == "multi-region":
                paid.setdefault((w.model.store, location), []).append(place)
    for (read, region), places in lacking.items():
        buckets = context.platform.storage[read].buckets
        first, places = next(iter(buckets)), list(dict.fromkeys(places))
        yield context.finding(
            "STO101",
            f"storage {read} has no bucket that {region} reads without leaving it",
            ("storage", read, "buckets"),
            key=True,
            notes=(f"{clusters(places)} would read {buckets[first]} in {first}: every load is egress between regions",),
            help=f"add a bucket for {region}, or for one of {', '.join(context.catalogue.locations_holding(region)[1:])}",
            presumes=("clusters",),
        )
    for (read, location), places in paid.items():
        if context.platform.storage[read].anywhere_cache is not None or context.platform.storage[read].profile is not None:
            continue
        yield context.finding(
            "STO110",
            f"storage {read}: every read from the multi-region {location} is charged as data transfer",
            ("storage", read, "buckets", location),
            severity=Severity.INFO,
            notes=(_loads(context, read, list(dict.fromkeys(places))),),
            help=f"a bucket of {places[0].region}, a dual-region that holds it, or anywhereCache in the zones that read",
        )


def _loads(context: Context, store: str, places: list[Place]) -> str:
    """Bytes that all servers read when each starts once."""
    total = sum(
        w.weights * int(w.scale("max").v) for _, w, here in context.cohorts for place in here if w.model.store == store and place in places
    )
    return f"{clusters(places)}: {total / GIB:,.0f} GiB when every replica at maximum scale starts once"


def writers(context: Context) -> Iterator[Diagnostic]:
    """A writer is a cluster of the platform, for a bucket of the store, and a bucket has one."""
    named: dict[tuple[str, str], tuple[str, SpecPath]] = {}
    for name, store in context.platform.storage.items():
        for location, cluster in store.writers.items():
            at: SpecPath = ("storage", name, "writers", location)
            if location not in store.buckets:
                yield context.finding(
                    "STO102", f"storage {name} has no bucket in {location}", at, key=True, help=f"it has {', '.join(store.buckets)}"
                )
            elif cluster not in {p.name for p in context.fleet.places}:
                yield context.finding(
                    "STO102",
                    f"there is no cluster '{cluster}' to fill the bucket in {location}",
                    at,
                    help=instead(cluster, [p.name for p in context.fleet.places]),
                    cause=f"cluster {cluster}",
                    presumes=("clusters",),
                )
            bucket = store.buckets.get(location, location)
            other, there = named.setdefault((bucket, location), (cluster, at))
            if other != cluster:
                yield context.finding(
                    "STO102",
                    f"{bucket} is filled by {cluster} here and by {other} elsewhere",
                    at,
                    related=(context.span(there, "the other writer"),),
                    help="one cluster writes a bucket, whatever store names it",
                )


def _pinned(context: Context, source: str, revision: str, at: SpecPath) -> Iterator[Diagnostic]:
    scheme, _, named = source.partition("://")
    form, what, help = PINNED.get(scheme, ("", "", ""))
    if form and not re.fullmatch(form, revision):
        yield context.finding("STO103", f"{revision!r} is no {what}", at, help=help.replace("{model}", named))


def revisions(context: Context) -> Iterator[Diagnostic]:
    """What a version names never changes, and so for an adapter; what only the publisher can fetch has its image."""
    for service, spec in context.platform.serving.items():
        for adapter, held in spec.adapters.items():
            yield from _pinned(context, held.source, held.revision, ("serving", service, "adapters", adapter, "revision"))
    for name, model in context.platform.models.items():
        scheme = model.source.partition("://")[0]
        for version, revision in model.versions.items():
            yield from _pinned(context, model.source, revision, ("models", name, "versions", version))
        if scheme in ("kaggle", "https") and context.platform.images.models is None:
            yield context.finding(
                "STO117",
                f"model {name}: {scheme} sources are fetched by the image of 'inferspec models', and the spec names none",
                ("models", name, "source"),
                help="images.models: REGISTRY/inferspec-models:VERSION, built from images/models/Dockerfile",
            )


def copies(context: Context) -> Iterator[Diagnostic]:
    """Further buckets are copied from one, so somebody has to fill it: the cluster that ``writers`` names, or one that reads it."""
    for name, store in context.platform.storage.items():
        first = store.copied_from
        if first is not None and first not in store.writers:
            read = {context.fleet.location(name, place) for place in context.fleet.places}
            if first not in read:
                yield context.finding(
                    "STO118",
                    f"storage {name}: further buckets are copied from {store.buckets[first]}, and nobody fills it: no cluster reads it",
                    ("storage", name, "copy"),
                    notes=("a bucket is filled by the cluster that writers names, else by one that reads it",),
                    help="writers: {LOCATION: CLUSTER} says from which bucket the others are copied, and who fills it",
                    presumes=("clusters",),
                )
        if store.copy_by == "storage-transfer" and context.platform.management is None:
            yield context.terraform_alone(f"storage {name}: the transfer jobs", ("storage", name, "copy"))


def budgets(context: Context) -> Iterator[Diagnostic]:
    """A server that cannot load and compile within its start-up budget is killed and starts again, for ever."""
    seen: set[tuple[SpecPath, str]] = set()
    for w in context.workloads():
        asked = w.settings.get("startup")
        if asked is None or not w.weights:
            continue
        budget, needed = seconds(str(asked.v)), w.pod.ready_seconds
        at = place_of(asked, w.path)
        if needed <= budget or (at, w.name) in seen:
            continue
        seen.add((at, w.name))
        told = pace(w, str(w.mounts.read.v))
        compiling = needed - w.pod.load_seconds
        loading = f"{w.weights / GIB:.1f} GiB at {told.rate / GIB:.2f} GiB/s by {told.text}"
        faster = [f"read: {path} ({n} s)" for path, n in _ready_by(w).items() if n <= budget]
        yield context.finding(
            "STO108",
            f"{w.name}: a server needs about {needed} s to answer, {asked.v} is allowed",
            at,
            severity=Severity.WARNING if budget * 2 > needed else Severity.ERROR,
            notes=(f"{loading} = {w.pod.load_seconds} s, + {compiling} s to compile = {needed} s",),
            help=" or ".join([*faster, f"startup: {needed * 2}s, twice that"]),
        )


def _ready_by(w: Workload) -> dict[str, int]:
    """Seconds to the first answer by each path that the store, or a change of one key, offers."""
    compiling = w.pod.ready_seconds - w.pod.load_seconds
    paths = ["gcs-fuse", *(["run-ai-streamer"] if "loadFormat" in w.engine.flags else [])]
    region = w.subject.region or ""
    paths += [p for p, held in (("lustre", w.mounts.store.lustre), ("hyperdisk-ml", w.mounts.store.disk)) if region in held]
    return {path: int(w.weights / pace(w, path).rate) + 1 + compiling for path in paths if path != w.mounts.read.v}


def caches(context: Context) -> Iterator[Diagnostic]:
    """A file cache holds the weights, and stands where the machine has room."""
    seen: set[tuple[str, str]] = set()
    for w in context.workloads():
        if not w.mounts.fused or (w.model.store, w.machine.id) in seen:
            continue
        at: SpecPath = ("storage", w.model.store, "cache")
        size, medium = w.mounts.store.cache.size, w.pod.cache_medium.v
        if size is not None and int(parse(size)) < w.pod.fused_bytes:
            seen.add((w.model.store, w.machine.id))
            yield context.finding(
                "STO109",
                f"storage {w.model.store}: a file cache of {size} does not hold the weights of {w.name}",
                (*at, "size"),
                severity=Severity.WARNING,
                notes=(f"{w.pod.fused_bytes / GIB:.1f} GiB are read; what does not fit is read from the bucket again",),
                help="leave size out: it follows the weights",
            )
        ssds = min(w.capacity.local_ssd or context.catalogue.machines[s].local_ssd for s in w.capacity.every_shape)
        if medium == "local-ssd" and ssds * SSD_GIB * GIB < w.pod.cache_bytes:
            seen.add((w.model.store, w.machine.id))
            had = f"has {ssds} x {SSD_GIB} GiB of local SSD" if ssds else "has no local SSD"
            yield context.finding(
                "STO109",
                f"storage {w.model.store}: {w.smallest.id} {had}; {w.name} caches {w.pod.cache_bytes / GIB:.0f} GiB",
                (*at, "medium"),
                related=(context.span(("capacityClasses", w.capacity_name, "shape"), "the machine"),),
                help=f"medium: memory or hyperdisk{_attachable(w.smallest)}, or another machine",
            )


def _attachable(machine: Machine) -> str:
    return f", or localSsd: {max(machine.local_ssd_optional)} of the class" if machine.local_ssd_optional else ""


def anywhere(context: Context) -> Iterator[Diagnostic]:
    """Anywhere Caches stand in zones of regions that read, for 1 hour to 7 days."""
    for name, store in context.platform.storage.items():
        cache = store.anywhere_cache
        if cache is None:
            continue
        at: SpecPath = ("storage", name, "anywhereCache")
        if not 3_600 <= seconds(cache.ttl) <= 604_800:
            yield context.finding("STO115", f"an Anywhere Cache keeps objects 1h to 168h, not {cache.ttl}", (*at, "ttl"), help="ttl: 24h")
        for region in cache.zones:
            used = [p for p in context.fleet.places if p.region == region]
            if not used or context.fleet.location(name, used[0]) is None:
                message = f"storage {name}: an Anywhere Cache in {region} would serve nobody"
                why = "no cluster of the platform is there" if not used else "no bucket of the store is read from there"
                yield context.finding("STO115", message, (*at, "zones", region), key=True, notes=(why,), presumes=("clusters",))
        if context.platform.management is None:
            yield context.terraform_alone(f"storage {name}: the caches", at)
