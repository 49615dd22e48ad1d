"""The lowest GKE version of each field of a ComputeClass that is newer than ComputeClass itself."""

from __future__ import annotations

from collections.abc import Iterator

from ..model.capacity import CapacityClass
from ..model.nodes import NodeOptions
from ..resolve.ladder import rungs
from ..resolve.ladder import sources as sources_of
from .context import Context

COMPUTE_CLASS_FLOOR = "1.33.3-gke.1136000"
"""From here node pools are created without cluster-level auto-provisioning (gke-compute-classes, google/skills@1af7775)."""

# Lower, and so without a floor of their own: reservations (1.31.1), blocks (1.31.4), sub-blocks (1.33.1), TPU rules (1.31.2),
# secondary boot disks (1.31.2), groups and workload types (1.32.2), service accounts (1.31.4), flex-start (1.32.2 for GPUs, 1.33.0 for
# TPUs), rule labels and placement (1.33.2).
_OF_CLASS = {
    "minimum_nodes": ("1.36.4-gke.1391000", "minimumNodes"),
    "shielded": ("1.36.3-gke.1244000", "shielded node options"),
    "labels": ("1.34.1-gke.3084002", "labels of a class"),
    "taints": ("1.34.1-gke.3084002", "taints of a class"),
}
_OF_RULE = {
    "minimum_nodes": ("1.36.4-gke.1391000", "minimumNodes"),
    "boot_disk": ("1.34.1-gke.1431000", "the boot disk"),
    "taints": ("1.33.4-gke.1350000", "taints of a source"),
    "score": ("1.35.2-gke.1842000", "priority scores"),
}
"""Field -> (lowest version, its name in messages). GKE documentation, "ComputeClass CRD reference", and google/skills@1af7775."""


def class_needs(context: Context, name: str, spec: CapacityClass) -> Iterator[tuple[str, str]]:
    """(lowest GKE version, what needs it) of everything that the class emits."""
    yield from _said(name, spec, _OF_CLASS | {"boot_disk": _OF_RULE["boot_disk"]})
    for _, source in sources_of(spec):
        yield from _said(name, source, _OF_RULE)
    for rung in rungs(spec, context.catalogue):
        if rung.machine is not None and rung.machine.accelerator:
            accelerator = context.catalogue.accelerators[rung.machine.accelerator]
            yield accelerator.min_gke, f"{accelerator.id} in a ComputeClass"


def _said(name: str, options: NodeOptions, floors: dict[str, tuple[str, str]]) -> Iterator[tuple[str, str]]:
    for field, (low, what) in floors.items():
        if getattr(options, field) is not None:
            yield low, f"{what} of class {name}"
