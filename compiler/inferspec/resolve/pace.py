"""How fast one Pod reads weights by a storage path: the catalogue's planning figure, or its share of what is provisioned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..model.storage import HyperdiskMl, Lustre
from ..quantity import parse
from ..values import SpecAt, Value
from .written import written

if TYPE_CHECKING:
    from .workload import Workload

MIB = 2**20
TIB = 2**40


@dataclass(frozen=True, slots=True)
class Pace:
    """Bytes a second of one Pod; ``text`` says by what."""

    rate: float
    text: str
    inputs: tuple[Value, ...] = ()


def pace(workload: Workload, path: str) -> Pace:
    """The slower of the planning figure and the share that is left when as many Pods read as ``scale.max`` allows."""
    w = workload
    planned = float(w.catalogue.default("load.throughput")[path])
    whole = provisioned(w, path)
    if whole is None:
        return Pace(planned, path)
    pods = readers(w)
    share = whole.rate / pods
    if share >= planned:
        return Pace(planned, path)
    return Pace(share, f"{path} ({whole.text} for {pods} Pods)", (*whole.inputs, w.scale("max")))


def readers(workload: Workload) -> int:
    """Pods that read at once when all replicas start together."""
    return max(1, int(workload.scale("max").v)) * workload.layout.nodes


def provisioned(workload: Workload, path: str) -> Pace | None:
    """What the volume of the subject's region gives all its readers together; None where nothing bounds it."""
    w, store, region = workload, workload.mounts.store, workload.subject.region or ""
    at = ("storage", w.model.store, "lustre" if path == "lustre" else "disk", region)
    if path == "lustre" and (instance := store.lustre.get(region)) is not None:
        inputs = Value(instance.throughput, SpecAt((*at, "throughput"))), Value(instance.size, SpecAt((*at, "size")))
        return Pace(lustre_rate(instance), f"{instance.throughput} MB/s for each TiB of {instance.size}", inputs)
    if path == "hyperdisk-ml" and (disk := store.disk.get(region)) is not None:
        said = written(disk, "throughput", at)
        return Pace(disk_rate(disk), f"{disk.throughput} MiB/s", (said,))
    return None


def lustre_rate(instance: Lustre) -> float:
    """Bytes a second: the tier is MB/s for each TiB (Managed Lustre documentation, performance tiers)."""
    return instance.throughput * 1e6 * float(parse(instance.size)) / TIB


def disk_rate(disk: HyperdiskMl) -> float:
    """Bytes a second of one zone's copy."""
    return float(disk.throughput * MIB)
