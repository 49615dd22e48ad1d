"""How weights come into a Pod: buckets that the FUSE sidecar mounts, claims, and the check that holds a server until they are complete."""

from __future__ import annotations

from typing import Any

from ...catalog import Catalogue
from ...resolve.images import gate_image
from ...resolve.mounts import Mount
from ...resolve.workload import Workload
from ...values import Default, SpecAt, Value, derive, text
from ..row import Row, environment

PROGRAMS = "weights-programs"
"""ConfigMap of the programs that wait for weights and fill volumes."""


def volumes(workload: Workload) -> dict[str, Any]:
    """Keys of a Pod's row: what is mounted where, the buckets, the claims, the file cache."""
    w = workload
    return {
        "mounts": [Row(name=m.name, path=m.path, sub_path=_sub_path(m)) for m in w.mounts.mounted],
        "fused": [_fused(w, m) for m in w.mounts.fused],
        "claims": [v.name for v in w.mounts.volumes],
        "cache": _cache(w) if w.mounts.fused else None,
        "tmp_size": text("{}Gi", w.default("storage.fuseBufferGiB")),
    }


def _fused(workload: Workload, mount: Mount) -> Row:
    options = mount_options(workload.catalogue, mount.folder)
    return Row(name=mount.name, bucket=mount.bucket, options=options, prefetch=_prefetch(workload))


def _sub_path(mount: Mount) -> Value | None:
    """A volume that we fill holds folders as the bucket does; one that shows a bucket shows the folder alone."""
    return mount.folder if mount.volume is not None and mount.volume.filled else None


def _prefetch(workload: Workload) -> Value | None:
    w = workload
    return Value("true", SpecAt(("storage", w.model.store, "prefetch"))) if w.mounts.store.prefetch else None


def _cache(workload: Workload) -> Row:
    medium = workload.pod.cache_medium
    return Row(
        memory=derive("a file cache in memory", "Memory", medium) if medium.v == "memory" else None,
        disk_class=workload.default("storage.cacheClass") if medium.v == "hyperdisk" else None,
        size=workload.pod.cache_size,
    )


def mount_options(catalogue: Catalogue, folder: Value) -> Value:
    options = catalogue.default("storage.fuseMountOptions")
    return text(",".join(options) + ",only-dir:{}", folder)


def fuse_annotations(catalogue: Catalogue, memory: Value, *, cache: Value | None = None) -> dict[str, Any]:
    """Sidecar resources in figures: "0", no limit, is refused on Autopilot (Cloud Storage FUSE CSI driver documentation).

    ``cache`` is the size of a file cache on the node's disks: ephemeral storage of the sidecar.
    """
    told: dict[str, Any] = {
        key: Value(amount, Default("storage.fuseSidecar")) for key, amount in catalogue.default("storage.fuseSidecar").items()
    }
    if cache is not None:
        told |= dict.fromkeys(("ephemeral-storage-request", "ephemeral-storage-limit"), cache)
    return {
        "gke-gcsfuse/volumes": "true",
        "gke-gcsfuse/memory-request": memory,
        "gke-gcsfuse/memory-limit": memory,
        **{f"gke-gcsfuse/{key}": value for key, value in told.items()},
    }


def gate(workload: Workload) -> Row | None:
    """The init container that ends once every folder the server reads is complete; None where it reads none."""
    w = workload
    told = [_complete(m) for m in w.mounts.mounted if m.name != "adapters"]
    if w.mounts.streamed:
        first = w.mounts.artefacts[0]
        told = [text(("complete" if first.published else "standing") + "=gs://{}/{}", w.bucket, first.folder), *told]
    if not told:
        return None
    resources = w.catalogue.default("weights.gate")
    return Row(
        image=gate_image(w),
        command=["python3", "/programs/gate.py"],
        args=told,
        env=environment(WAIT_SECONDS=text("{}", w.default("weights.waitSeconds"))),
        requests={key: Value(amount, Default("weights.gate")) for key, amount in resources.items()},
        limits={"memory": Value(resources["memory"], Default("weights.gate"))},
        mounts=[Row(name=v.name, path=f"/volumes/{v.name}") for v in w.mounts.volumes if v.filled],
        programs=PROGRAMS,
    )


def _complete(mount: Mount) -> Value:
    if mount.volume is not None and mount.volume.filled:
        return text("complete=/volumes/" + mount.volume.name + "/{}", mount.folder)
    published = mount.artefact is not None and mount.artefact.published
    return text(("complete" if published else "standing") + "=gs://{}/{}", mount.bucket, mount.folder)
