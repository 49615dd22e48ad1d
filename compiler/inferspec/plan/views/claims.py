"""Volumes of weights: classes, volumes and claims of Managed Lustre, Hyperdisk ML, Filestore and the FUSE driver's own profile."""

from __future__ import annotations

import math
from typing import Any

from ...catalog import Catalogue
from ...diagnostics import SpecPath
from ...model.places import ProjectNetwork
from ...model.platform import Platform
from ...model.storage import HyperdiskMl, Lustre
from ...resolve.layers import Subject
from ...resolve.memory import GIB
from ...resolve.volumes import PROFILE, Volume
from ...resolve.weights import bucket_holding
from ...resolve.written import written
from ...values import SENTINEL, Default, Derived, SpecAt, Value, derive, text
from ..row import Drawn, Row, labels

LUSTRE, DISK, FUSE = "lustre.csi.storage.gke.io", "pd.csi.storage.gke.io", "gcsfuse.csi.storage.gke.io"
PROFILE_CLASS = "gcsfusecsi-serving"
"""StorageClass that the driver installs (GoogleCloudPlatform/gcs-fuse-csi-driver@5fcdc04a deploy/base/setup/storageclass.yaml)."""
UNUSED = Value("1Gi", Derived("a claim has to ask for a size; a bucket has none"))


def fill_name(volume: Volume) -> str:
    """Claim that a Job writes and nobody else mounts."""
    return f"{volume.name}-fill"


def snapshot_class(platform: Platform, store: str) -> str:
    return f"{platform.name}-{store}"


def class_name(platform: Platform, store: str, read: str, throughput: int) -> str:
    """A class is immutable but for its zones, so what can change is part of its name."""
    return f"{platform.name}-{store}-{read}-{throughput}"


def classes(
    platform: Platform, catalogue: Catalogue, store: str, read: str, throughput: int, project: str | None, subject: Subject
) -> list[Drawn]:
    """Cluster-wide classes of the regions of a store that have that throughput; ``project`` is one whose network is not the default."""
    held: dict[str, Any] = dict(platform.storage[store].lustre if read == "lustre" else platform.storage[store].disk)
    region = subject.region if subject.region in held else next(r for r, spec in held.items() if spec.throughput == throughput)
    at: SpecPath = ("storage", store, "lustre" if read == "lustre" else "disk", region)
    name, rate = class_name(platform, store, read, throughput), written(held[region], "throughput", at)
    own = {"labels": labels(platform.name, store, "storage"), "zones": _zones(subject, held[region], at)}
    if read == "lustre":
        given: dict[str, Any] = {"perUnitStorageThroughput": text("{}", rate), "network": _network(platform, held[region], at, project)}
        kind = {"provisioner": LUSTRE, "binding": "WaitForFirstConsumer", "reclaim": "Retain", "expand": True, "mount_options": None}
        return [("storage-class", Row(name=name, **own, **kind, parameters=given))]
    given = {"type": "hyperdisk-ml", "provisioned-throughput-on-create": text("{}Mi", rate)}
    kind = {"provisioner": DISK, "reclaim": "Delete", "expand": False}
    ahead = [text("read_ahead_kb={}", Value(catalogue.default("storage.readAheadKb"), Default("storage.readAheadKb")))]
    everywhere = {**given, "enable-multi-zone-provisioning": "true"}
    # Filled in one zone, by one writer; then copied to every zone that reads (GoogleCloudPlatform/ai-on-gke, Hyperdisk ML tutorial).
    slow = {**given, "provisioned-throughput-on-create": text("{}Mi", _fill_rate(catalogue, rate))}
    filled = Row(name=f"{name}-fill", **own, **kind, parameters=slow, binding="WaitForFirstConsumer", mount_options=None)
    machine = Value(catalogue.default("storage.fillMachine"), Default("storage.fillMachine"))
    nodes = Row(name=f"{name}-fill", labels=own["labels"], machine=machine)
    served = Row(name=name, **own, **kind, parameters=everywhere, binding="Immediate", mount_options=ahead)
    kept = Row(name=snapshot_class(platform, store), labels=own["labels"], driver=DISK, deletion="Delete")
    return [("storage-class", filled), ("storage-class", served), ("volume-snapshot-class", kept), ("fill-class", nodes)]


def _network(platform: Platform, spec: Lustre, at: SpecPath, project: str | None) -> Value:
    if spec.network is not None:
        return Value(spec.network, SpecAt((*at, "network")))
    if project is None:
        return Value(ProjectNetwork().name, Derived("network of the cluster's project, which names none"))
    owner: SpecPath = ("projects", project)
    name = Value(platform.projects[project].network.name, SpecAt((*owner, "network", "name")))
    return text("projects/{}/global/networks/{}", Value(platform.projects[project].id, SpecAt((*owner, "id"))), name)


def _fill_rate(catalogue: Catalogue, rate: Value) -> Value:
    """One Job writes the volume, and nobody reads it: it need not be as fast as its copies."""
    most = Value(catalogue.default("storage.fillThroughput"), Default("storage.fillThroughput"))
    return most if int(most.v) < int(rate.v) else rate


def fill_class(platform: Platform, volume: Volume, region: str) -> Value:
    """ComputeClass of the Job that fills the volume: nodes that take Hyperdisk ML."""
    return text("{}-fill", _class_of(platform, volume, region))


def _zones(subject: Subject, spec: Lustre | HyperdiskMl, at: SpecPath) -> list[Value]:
    if subject.region is None:
        return [_later("zones")]
    if isinstance(spec, Lustre):
        return [derive("zone of the region", f"{subject.region}-{spec.zone}", Value(spec.zone, SpecAt((*at, "zone"))))]
    said = [Value(letter, SpecAt((*at, "zones", i))) for i, letter in enumerate(spec.zones)]
    return [derive("zone of the region", f"{subject.region}-{letter.v}", letter) for letter in said]


def _later(what: str) -> Value:
    return Value(SENTINEL, Derived(f"{what} of the cluster's region"))


def persistent(platform: Platform, catalogue: Catalogue, volume: Volume, subject: Subject) -> list[Drawn]:
    """What stands already, as a volume: a Lustre instance of the region, or a bucket through the driver's profile."""
    row = Row(
        name=f"{volume.namespace}-{volume.name}",
        labels=labels(platform.name, volume.name, "storage"),
        claim={"namespace": volume.namespace, "name": volume.name},
    )
    if volume.read == PROFILE:
        artefact = volume.artefact
        assert artefact is not None
        bucket = bucket_holding(platform, catalogue, artefact, subject.region)
        row.modes, row.size, row.storage_class, row.read_only = ["ReadOnlyMany"], UNUSED, PROFILE_CLASS, True
        row.driver, row.handle, row.attributes = FUSE, text("{}:" + volume.name, bucket), None
        row.mount_options = ["implicit-dirs", text("only-dir:{}", artefact.folder)]
        return [("persistent-volume", row)]
    row.modes, row.storage_class, row.read_only = ["ReadWriteMany"], "", None
    row.driver, row.mount_options = LUSTRE, None
    row.size, row.handle, row.attributes = _instance(platform, volume.store, subject)
    return [("persistent-volume", row)]


def _instance(platform: Platform, store: str, subject: Subject) -> tuple[Value, Value, dict[str, Value]]:
    """Size, handle and attributes of the region's Lustre instance."""
    spec = platform.storage[store].lustre.get(subject.region or "")
    if spec is None or spec.instance is None:
        return _later("size"), _later("Lustre instance"), {"mountpoint": _later("Lustre instance")}
    at = ("storage", store, "lustre", str(subject.region))
    said = {key: Value(str(getattr(spec, key)), SpecAt((*at, key))) for key in ("zone", "instance", "mount", "project")}
    project = platform.projects[str(spec.project)].id
    handle = f"{project}/{subject.region}-{spec.zone}/{spec.instance}"
    found = derive("PROJECT/ZONE/INSTANCE", handle, said["project"], said["zone"], said["instance"])
    return Value(spec.size, SpecAt((*at, "size"))), found, {"mountpoint": said["mount"]}


def claims(platform: Platform, catalogue: Catalogue, volume: Volume, subject: Subject) -> list[Drawn]:
    """Claims of a team: what servers mount, and for Hyperdisk ML what the Job fills before."""
    own = {"name": volume.name, "namespace": volume.namespace, "labels": labels(platform.name, volume.name, "storage"), "snapshot": None}
    bound = f"{volume.namespace}-{volume.name}"
    region, store = subject.region or "", platform.storage[volume.store]
    if volume.read == PROFILE:
        row = Row(**own, modes=["ReadOnlyMany"], storage_class=PROFILE_CLASS, volume=bound, size=UNUSED)
    elif volume.read == "filestore":
        share = store.filestore.get(region)
        at = ("storage", volume.store, "filestore", region)
        tier = Value(share.tier, SpecAt((*at, "tier"))) if share else _later("tier")
        size = Value(share.size, SpecAt((*at, "size"))) if share else _later("size")
        row = Row(**own, modes=["ReadWriteMany"], storage_class=tier, volume=None, size=size)
    elif volume.read == "lustre":
        instance = store.lustre.get(region)
        size = Value(instance.size, SpecAt(("storage", volume.store, "lustre", region, "size"))) if instance else _later("size")
        row = Row(**own, modes=["ReadWriteMany"], storage_class="", volume=bound, size=size)
        if instance is not None and instance.instance is None:
            row.storage_class, row.volume = _class_of(platform, volume, region), None
    else:
        return _disk_claims(platform, catalogue, volume, region, own)
    return [("persistent-volume-claim", row)]


def _disk_claims(platform: Platform, catalogue: Catalogue, volume: Volume, region: str, own: dict[str, Any]) -> list[Drawn]:
    size, name = disk_size(catalogue, volume), _class_of(platform, volume, region)
    filled = Row(**{**own, "name": fill_name(volume)}, modes=["ReadWriteOnce"], storage_class=text("{}-fill", name), volume=None, size=size)
    served = Row(**{**own, "snapshot": volume.name}, modes=["ReadOnlyMany"], storage_class=name, volume=None, size=size)
    return [("persistent-volume-claim", filled), ("persistent-volume-claim", served)]


def _class_of(platform: Platform, volume: Volume, region: str) -> Value:
    store, key = platform.storage[volume.store], "lustre" if volume.read == "lustre" else "disk"
    held: Lustre | HyperdiskMl | None = store.lustre.get(region) if key == "lustre" else store.disk.get(region)
    if held is None:
        return _later("class")
    said = written(held, "throughput", ("storage", volume.store, key, region))
    return derive("class of that throughput", class_name(platform, volume.store, volume.read, held.throughput), said)


def disk_size(catalogue: Catalogue, volume: Volume) -> Value:
    """GiB of a Hyperdisk ML volume: all that is copied from the bucket, and what the file system takes."""
    artefact = volume.artefact
    assert artefact is not None
    margin, least = catalogue.default("storage.diskMargin"), catalogue.default("storage.minDiskGiB")
    size = max(least, math.ceil(artefact.stored * margin / GIB))
    return derive(f"{artefact.accounted} x {margin}, {least}Gi at least", f"{size}Gi", artefact.source)
