"""What is emitted against what a cluster provides: its GKE floor and its add-ons."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..diagnostics import Diagnostic
from ..model.serving import Service
from ..resolve.places import Place
from ..resolve.telemetry import managed, sends
from ..resolve.volumes import PROFILE
from .capacity_floors import COMPUTE_CLASS_FLOOR, class_needs
from .context import Context, agreeing

WITHOUT_NAP = f"below {COMPUTE_CLASS_FLOOR} GKE reports NapCannotBeEnabled where the cluster has no node auto-provisioning"


def _key(version: str) -> tuple[int, ...]:
    return tuple(int(n) for n in re.findall(r"\d+", version))


CACHE_CLASS_FLOOR = "1.35.3-gke.1290000"
"""``dynamic-rwo`` (google/skills@1af7775 gke-compute-classes)."""
BUFFER_FLOOR = "1.35.2-gke.1842000"
"""Active buffers of CapacityBuffer (GKE documentation, "Configure capacity buffers"; standby buffers take no GPUs and TPUs)."""
PROFILE_FLOOR = "1.34.0-gke.2011000"
"""Buffered reads, which the FUSE driver's serving profile turns on (GoogleCloudPlatform/gcs-fuse-csi-driver@5fcdc04a docs/releases.md)."""


def floor(context: Context) -> Iterator[Diagnostic]:
    """Every kind and field that a cluster gets is there at the lowest version it may run."""
    for place in context.fleet.places:
        needs = list(_needs(context, place))
        version = place.cluster.gke.min_version
        missing = [(low, what) for low, what in needs if low and (version is None or _key(version) < _key(low))]
        if missing:
            low, what = max(missing, key=lambda need: _key(need[0]))
            said = f"may run {version}" if version else "does not say its lowest GKE version"
            yield context.finding(
                "SYNC113",
                f"cluster {place.name} {said}; {what} is there from {low}",
                (*place.path, "gke", "minVersion"),
                notes=(WITHOUT_NAP,) if any(need[0] == COMPUTE_CLASS_FLOOR for need in missing) else (),
                help=f"gke: {{minVersion: {low}}}",
                key=version is None,
            )


def _needs(context: Context, place: Place) -> Iterator[tuple[str, str]]:
    """(lowest GKE version, what needs it) of all that is emitted for the cluster."""
    fleet, platform = context.fleet, context.platform
    here = [key for key in fleet.workload_keys if fleet.is_placed(key, place)]
    if any(fleet.workload_at(key, place).pooled for key in here):
        yield context.catalogue.stack(platform.stack).apis["InferencePool"].gke_managed, "InferencePool"
    if any(fleet.carries(g, place) or any(fleet.is_exposed(k, g, place) for k in here) for g in fleet.config_clusters):
        yield context.catalogue.stack(platform.stack).min_gke["multiCluster"], "the multi-cluster Inference Gateway"
    if managed(platform) and any(sends(fleet.workload_at(key, place)) for key in here):
        yield context.catalogue.stack(platform.stack).managed_collector.min_gke, "the managed OpenTelemetry collector"
    for key in here:
        mounts = fleet.workload_at(key, place).mounts
        if mounts.fused and mounts.store.cache.medium == "hyperdisk":
            yield CACHE_CLASS_FLOOR, f"the disk of the file cache of {key.service}"
        if fleet.is_buffered(key, place):
            yield BUFFER_FLOOR, f"the capacity buffer of {key.service}"
        if any(volume.read == PROFILE for volume in mounts.volumes):
            yield PROFILE_FLOOR, "the FUSE driver's serving profile"
    for name, spec in platform.capacity_classes.items():
        if not fleet.uses_class(name, place):
            continue
        yield COMPUTE_CLASS_FLOOR, f"class {name}: a ComputeClass that creates node pools"
        yield from class_needs(context, name, spec)


def twice(context: Context) -> Iterator[Diagnostic]:
    """An add-on stands or is written here: of both, one manifest would undo the other."""
    for place in context.fleet.places:
        for i, name in enumerate(place.cluster.install):
            if name in place.cluster.addons:
                at = place.cluster.addons.index(name)
                yield context.finding(
                    "SCL120",
                    f"{place.name}: {name} is installed there already, and written here",
                    (*place.path, "install", i),
                    related=(context.span((*place.path, "addons", at), "installed"),),
                    help="keep one: install where the platform owns it, addons where somebody else does",
                )


def objectives(context: Context) -> Iterator[Diagnostic]:
    """GKE brings InferencePool itself; InferenceObjective and InferenceModelRewrite, from one release, are an add-on of the cluster."""
    serving = context.platform.serving
    named = [key for key in context.fleet.workload_keys if _of_the_picker(serving[key.service])]
    without = [
        p
        for p in context.fleet.places
        if "inference-objective" not in p.cluster.addons and any(context.fleet.is_placed(key, p) for key in named)
    ]
    if without:
        yield context.finding(
            "SYNC114",
            f"GKE does not install InferenceObjective and InferenceModelRewrite, and {agreeing(without, 'does', 'do')} not list it",
            (*without[0].path, "addons"),
            key=True,
            help="install the CRDs and write 'inference-objective' under the cluster's addons",
        )


def _of_the_picker(service: Service) -> bool:
    """Whether the service has objects that GKE brings no CRD for."""
    return bool(service.aliases) or any(e.objective for e in service.expose)
