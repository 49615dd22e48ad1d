"""``inferspec report``: of every service, where its capacity comes from, how its weights come there, and when a new replica serves."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import dataclass

from ..pipeline import vet
from ..resolve.fleet import Fleet
from ..resolve.memory import GIB
from ..resolve.pace import pace
from ..resolve.quota import Demand, Need, demands, needs
from ..resolve.volumes import PROFILE
from ..resolve.workload import Workload
from .session import known_service, refused, request, stopped


@dataclass(frozen=True, slots=True, eq=False)
class Supply:
    """One workload in one cluster. Seconds are the catalogue's planning figures."""

    workload: Workload
    demand: Demand
    weights: str
    node_seconds: int

    @property
    def idle_usd(self) -> float | None:
        """An hour of the nodes that are kept ready, at the on-demand price; None where no source has one."""
        w = self.workload
        price = w.catalogue.price(w.machine.id, self.demand.place.region)
        nodes = w.kept if w.layout.spans_nodes else -(-w.kept * w.layout.total // w.machine.chips)
        return None if price is None or price.on_demand is None else round(nodes * price.on_demand, 2)

    @property
    def ready_seconds(self) -> int:
        """From the wish for a replica to its first answer, where the weights are in the bucket and a node has to be made."""
        return self.node_seconds + self.workload.pod.ready_seconds


def run(options: Namespace) -> int:
    outcome = vet(request(options))
    if outcome.fleet is None or stopped(outcome, ()):
        return refused(options, outcome)
    known_service(outcome.fleet, options.service)
    found = [s for s in supplies(outcome.fleet) if options.service in (None, s.workload.service_name)]
    quotas = needs(outcome.fleet, [s.demand for s in found])
    print(json.dumps(_plain(found, quotas), indent=2) if options.format == "json" else "\n".join(_page(outcome.fleet, found, quotas)))
    return 0


def supplies(fleet: Fleet) -> list[Supply]:
    """In the order of the spec; reservations are filled in that order."""
    asked = {(d.workload, d.place): d for d in demands(fleet)}
    node = int(fleet.catalogue.default("load.nodeSeconds"))
    found = []
    for key in fleet.workload_keys:
        for place in fleet.places_of(key):
            w = fleet.workload_at(key, place)
            found.append(Supply(w, asked[w.name, place], weights(w), node))
    return found


def weights(w: Workload) -> str:
    """How the model comes from its source into the server."""
    artefact, read, region = w.mounts.artefacts[0], str(w.mounts.read.v), w.subject.region or ""
    bucket = f"gs://{w.bucket.v}"
    store = w.platform.storage[artefact.store]
    source = f"gs://{store.buckets[store.copied_from]}" if store.copied_from is not None else bucket
    came = f"{artefact.source.v} to {source}" if artefact.published else f"{bucket}, where it stands"
    if artefact.published and source != bucket:
        came += f", copied to {bucket}"
    return f"{came}; {_path(w, read, region)}"


def _path(w: Workload, read: str, region: str) -> str:
    store, size = w.mounts.store, f"{w.weights / GIB:.1f} GiB"
    if read == "run-ai-streamer":
        return f"streamed, {size}"
    if read == "lustre" and region in store.lustre:
        spec = store.lustre[region]
        return f"Managed Lustre {spec.instance or 'made by GKE'}, {spec.size} at {spec.throughput} MB/s for each TiB, {size}"
    if read == "hyperdisk-ml" and region in store.disk:
        disk = store.disk[region]
        return f"Hyperdisk ML in {', '.join(f'{region}-{zone}' for zone in disk.zones)} at {disk.throughput} MiB/s, {size}"
    if read == "filestore" and region in store.filestore:
        return f"Filestore {store.filestore[region].tier}, {size}"
    if any(volume.read == PROFILE for volume in w.mounts.volumes):
        return f"FUSE by the driver's serving profile, {size}"
    return f"FUSE, {size}, cache {w.pod.cache_size.v} in {w.pod.cache_medium.v}"


def _ladder(demand: Demand) -> str:
    steps = [f"{ask.kind} {ask.name} ({ask.least}/{ask.most})" for ask in demand.asks]
    return ", then ".join(steps) + (f"; {demand.unmet} without a source" if demand.unmet else "")


def _time(supply: Supply) -> str:
    w = supply.workload
    compiling = w.pod.ready_seconds - w.pod.load_seconds
    return f"node {supply.node_seconds} + load {w.pod.load_seconds} + compile {compiling} = {supply.ready_seconds} s"


def _page(fleet: Fleet, found: list[Supply], quotas: list[Need]) -> Iterator[str]:
    yield f"# {fleet.platform.name}"
    for service in dict.fromkeys(s.workload.service_name for s in found):
        here = [s for s in found if s.workload.service_name == service]
        w = here[0].workload
        yield from ("", f"## {service}", "", f"{w.model_ref.v} by {w.engine.id} {w.engine_version.v}, team {w.team}".replace("  ", " "), "")
        yield "| cluster | workload | class | capacity in order (chips at least/most) | chips | weights | a new replica serves after |"
        yield "|---|---|---|---|---:|---|---|"
        for s in here:
            d = s.demand
            cells = (d.place.name, d.workload, d.capacity, _ladder(d), f"{d.least} to {d.most}", s.weights, _time(s))
            yield f"| {' | '.join(cells)} |"
        yield from _idle(here)
    yield from ("", "## Quota", "")
    if not quotas:
        yield "None is asked for: every node is in a reservation, or has no accelerator."
        return
    yield "| project | region | quota | asked by | chips |"
    yield "|---|---|---|---|---:|"
    for need in quotas:
        metric = f"{need.metric.name} {need.metric.dimension}".strip()
        yield f"| {need.project} | {need.region} | {metric} | {', '.join(need.kinds)} | {need.least} to {need.most} |"
    yield from ("", "Seconds are planning figures of the catalogue: `inferspec explain` and a `catalog/` of your own change them.")


def _idle(here: list[Supply]) -> Iterator[str]:
    """What is paid for beside the replicas."""
    for s in here:
        if s.workload.kept:
            cost = "no price is known" if s.idle_usd is None else f"{s.idle_usd:.2f} USD an hour at the on-demand price"
            yield from ("", f"{s.demand.workload} in {s.demand.place.name}: room for {s.workload.kept} more is kept ready, {cost}.")


def _plain(found: list[Supply], quotas: list[Need]) -> dict[str, object]:
    return {
        "services": [
            {
                "service": s.workload.service_name,
                "workload": s.demand.workload,
                "cluster": s.demand.place.name,
                "region": s.demand.place.region,
                "class": s.demand.capacity,
                "ladder": [
                    {"source": a.kind, "name": a.name, "accelerator": a.accelerator, "min": a.least, "max": a.most} for a in s.demand.asks
                ],
                **({"ready": {"servers": s.workload.kept, "usdAnHour": s.idle_usd}} if s.workload.kept else {}),
                "chips": {"min": s.demand.least, "max": s.demand.most, "unmet": s.demand.unmet},
                "weights": {
                    "source": s.workload.mounts.artefacts[0].source.v,
                    "revision": s.workload.mounts.artefacts[0].revision.v,
                    "bucket": s.workload.bucket.v,
                    "folder": s.workload.prefix.v,
                    "read": s.workload.mounts.read.v,
                    "bytes": s.workload.weights,
                    "bytesPerSecond": round(pace(s.workload, str(s.workload.mounts.read.v)).rate),
                },
                "seconds": {
                    "node": s.node_seconds,
                    "load": s.workload.pod.load_seconds,
                    "compile": s.workload.pod.ready_seconds - s.workload.pod.load_seconds,
                    "serves": s.ready_seconds,
                },
            }
            for s in found
        ],
        "quotas": [
            {
                "project": need.project,
                "region": need.region,
                "metric": need.metric.name,
                "dimension": need.metric.dimension,
                "min": need.least,
                "max": need.most,
            }
            for need in quotas
        ],
    }
