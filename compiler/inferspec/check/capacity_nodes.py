"""What a class says of its nodes, held to what GKE has: labels, taints, GPU options, confidential nodes, names."""

from __future__ import annotations

from collections.abc import Iterator

from ..catalog import Accelerator
from ..diagnostics import Diagnostic, Severity, SpecPath
from ..model.capacity import ActiveMigration, CapacityClass
from ..model.nodes import NodeOptions
from ..resolve.ladder import rungs
from ..resolve.ladder import sources as sources_of
from ..resolve.settings import capacity_of
from .capacity_pools import LABEL
from .context import Context

CONFIDENTIAL = {
    "SEV": ("n2d-", "c2d-", "c3d-", "c4d-", "g4-standard-48"),
    "SEV_SNP": ("n2d-",),
    "TDX": ("c3-standard-", "c4-standard-", "a3-highgpu-1g", "a4-highgpu-8g"),
}
"""Machines of each kind, by the beginning of their type, or the type itself where it is whole (ComputeClass CRD, CEL)."""

SELECTORS = (
    *("cloud.google.com/machine-family", "node.kubernetes.io/instance-type", "beta.kubernetes.io/instance-type"),
    *("cloud.google.com/gke-spot", "cloud.google.com/gke-accelerator", "cloud.google.com/gke-gpu-driver-version"),
    *("cloud.google.com/reservation-", "cloud.google.com/gke-ephemeral-storage-local-ssd", "cloud.google.com/gke-boot-disk"),
    *("cloud.google.com/gke-nodepool-group-name", "cloud.google.com/gke-workload-type"),
)
"""Selectors that GKE refuses beside a class, by their beginning (GKE documentation, "About custom ComputeClasses")."""


def names(context: Context) -> Iterator[Diagnostic]:
    for name in context.platform.capacity_classes:
        if name.startswith(("gke", "autopilot")):
            yield context.finding(
                "CAP123",
                f"a class cannot be called {name}: gke and autopilot begin the names of GKE's own",
                ("capacityClasses", name),
                key=True,
                help="choose another name",
            )
        elif name == "default":
            yield context.finding(
                "CAP123",
                "class default is taken by every Pod of the cluster that names no class",
                ("capacityClasses", name),
                key=True,
                severity=Severity.WARNING,
                help="choose another name, unless that is meant",
            )


def labels(context: Context) -> Iterator[Diagnostic]:
    """Keys that are GKE's, and keys that class and rung both have."""
    for name, spec in context.platform.capacity_classes.items():
        root: SpecPath = ("capacityClasses", name)
        yield from _keys(context, root, spec, spec, own=False)
        for at, source in sources_of(spec):
            yield from _keys(context, (*root, *at), source, spec, own=True)


def _keys(context: Context, at: SpecPath, options: NodeOptions, spec: CapacityClass, *, own: bool) -> Iterator[Diagnostic]:
    taints = [(t.key, (*at, "taints", i, "key")) for i, t in enumerate(options.taints or ())]
    for key, path in [*taints, *((key, (*at, "labels", key)) for key in options.labels or {})]:
        is_taint = "taints" in path
        if key == LABEL or (is_taint and "kubernetes.io" in key):
            yield context.finding(
                "CAP119",
                f"{key} is {'set by GKE itself' if key == LABEL else 'a key of Kubernetes'}",
                path,
                key=not is_taint,
                notes=("GKE reports RuleMisconfigured",),
                help="a key of your own domain",
            )
        elif own and key in ({t.key for t in spec.taints or ()} if is_taint else spec.labels or {}):
            yield context.finding(
                "CAP119",
                f"{key} is the class's already",
                path,
                key=not is_taint,
                notes=("a key of nodePoolConfig may not stand in a rule too; GKE reports RuleMisconfigured",),
                help="write it on each source, or on the class alone",
            )


def together(context: Context) -> Iterator[Diagnostic]:
    """Keys of a class that exclude or need each other (ComputeClass CRD, CEL)."""
    for name, spec in context.platform.capacity_classes.items():
        root: SpecPath = ("capacityClasses", name)
        pools = next(((*root, *at) for at, s in sources_of(spec) if s.kind == "node-pools"), None)
        tpu = all(context.catalogue.kind_of(s) == "tpu" for s in spec.shape)
        found: list[tuple[bool, str, str, str]] = [
            (
                spec.autopilot is not None and pools is not None,
                "autopilot",
                "Autopilot nodes are made by GKE, node pools are there",
                "Nodepools priority cannot be used when Autopilot is enabled",
            ),
            (
                spec.minimum_nodes is not None and pools is not None,
                "minimumNodes",
                "node pools have a least size of their own",
                "MinimumCapacity requires all priorities to have machine specifications",
            ),
            (
                spec.workload_type == "HIGH_THROUGHPUT" and spec.node_pool_group is None,
                "workloadType",
                "HIGH_THROUGHPUT is of a node pool group, and none is named",
                "If NodePoolGroup is not specified NodePoolConfig.WorkloadType can only be HIGH_AVAILABILITY if set",
            ),
            (spec.node_pool_group is not None and not tpu, "nodePoolGroup", "collections are of TPUs", "GKE reports RuleMisconfigured"),
        ]
        for wrong, key, message, refused in found:
            if wrong:
                yield context.finding("CAP120", f"class {name}: {message}", (*root, key), notes=(refused,), help=f"remove {key}")


def confidential(context: Context) -> Iterator[Diagnostic]:
    for name, spec in context.platform.capacity_classes.items():
        if spec.confidential is None:
            continue
        path: SpecPath = ("capacityClasses", name, "confidential")
        having = CONFIDENTIAL[spec.confidential]
        ladder = list(rungs(spec, context.catalogue))
        asked = [r.machine.type if r.machine is not None else "a node pool" for r in ladder]
        without = [machine for machine in asked if not machine.startswith(having)]
        if without:
            yield context.finding(
                "ACC114",
                f"{without[0]} has no {spec.confidential}",
                path,
                notes=(f"ConfidentialNodeType {spec.confidential} only supports {', '.join(p.rstrip('-') for p in having)}",),
                help="another machine, or another kind of confidential node",
            )
        elif any(r.machine and r.machine.accelerator for r in ladder):
            bare = [r for r in ladder if r.source.kind == "reservation" or not (r.source.zones or spec.zones)]
            if bare:
                named = bare[0].source.kind == "reservation"
                yield context.finding(
                    "ACC114",
                    f"confidential GPUs need zones, and {bare[0].source.kind} has none",
                    path,
                    notes=("When using confidential GPUs you must specify location.zones (ComputeClass CRD)",),
                    help="anyReservation: a named reservation has its own zones" if named else "zones: of the class",
                )


def gpus(context: Context) -> Iterator[Diagnostic]:
    """Options of GPUs, on machines that have them."""
    for name, spec in context.platform.capacity_classes.items():
        root: SpecPath = ("capacityClasses", name)
        for at, options in [((), spec), *sources_of(spec)]:
            machines = [r.machine for r in rungs(spec, context.catalogue) if r.machine is not None and (not at or r.at == at)]
            accelerators = [context.catalogue.accelerators[m.accelerator] if m.accelerator else None for m in machines]
            path = (*root, *at)
            said: dict[str, object] = {
                key: value
                for key, value in (
                    ("gpuDirect", options.gpu_direct),
                    ("gpuTopology", options.gpu_topology),
                    ("gpuSharing", options.gpu_sharing),
                    ("gpuPartition", options.gpu_partition),
                    ("driver", options.driver),
                )
                if value is not None
            }
            bare = next((m.id for m, a in zip(machines, accelerators, strict=True) if a is None or a.kind != "gpu"), None)
            for key, value in said.items():
                if bare is not None:
                    yield context.finding("ACC115", f"{bare} has no GPU", (*path, key), help=f"remove {key}")
                    continue
                for problem in _gpu(key, value, spec, options, [a for a in accelerators if a is not None]):
                    yield context.finding("ACC115", problem[0], (*path, key), notes=(problem[1],), help=problem[2])
            yield from _whole(context, name, path, said)


def _gpu(key: str, value: object, spec: CapacityClass, options: NodeOptions, having: list[Accelerator]) -> Iterator[tuple[str, str, str]]:
    """(message, note, the way out)."""

    def either(field: str) -> object:
        return getattr(options, field) if getattr(options, field) is not None else getattr(spec, field)

    for accelerator in having:
        if key == "gpuDirect" and accelerator.gpu_direct != "rdma":
            yield f"{accelerator.id} has no GPUDirect RDMA", "GKE reports RuleMisconfigured", "remove gpuDirect"
        if key == "gpuPartition" and value not in accelerator.partitions:
            known = ", ".join(accelerator.partitions) or "none"
            yield f"{accelerator.id} has no partition {value}", "GKE reports NoSuitableMachineExists", f"it has {known}"
        if key == "gpuTopology" and (accelerator.id != "gb200" or either("placement") is None):
            refused = "GPU Topology is supported only for A4X machine family together with placement policy (ComputeClass CRD)"
            yield f"a GPU topology is of A4X with a placement policy, this is {accelerator.id}", refused, "placement: NAME, or remove it"
    if key == "gpuDirect" and either("network_profile") is None:
        yield "gpuDirect without a network profile", "gpuDirect rdma requires acceleratorNetworkProfile", "networkProfile: auto"


def _whole(context: Context, name: str, path: SpecPath, said: dict[str, object]) -> Iterator[Diagnostic]:
    shared = [key for key in ("gpuSharing", "gpuPartition") if key in said]
    users = [k for k in context.fleet.workload_keys if capacity_of(context.platform, k) == name] if shared else []
    for key in shared:
        if users:
            yield context.finding(
                "ACC115",
                f"class {name} shares its GPUs, and {users[0].service} counts whole ones",
                (*path, key),
                related=(context.span(("serving", users[0].service), "served from the class", key=True),),
                notes=("the memory account of a server is of whole chips",),
                help="a class of its own, with where:, for Pods that are not of this spec",
            )


def selectors(context: Context) -> Iterator[Diagnostic]:
    """A patch may not put a selector beside the class that GKE refuses there."""
    for service, spec in context.platform.serving.items():
        for i, patch in enumerate(spec.patches):
            for field, value in patch.set.items():
                held = [s for s in SELECTORS if s in field or (isinstance(value, dict) and any(s in str(key) for key in value))]
                if "nodeSelector" in field and held and value is not None:
                    yield context.finding(
                        "CAP124",
                        f"a patch of {service} selects {held[0]} beside its class",
                        ("serving", service, "patches", i, "set", field),
                        key=True,
                        notes=("GKE refuses Pods that name a ComputeClass and choose the machine themselves",),
                        help="say it in the class: shape, spot, localSsd, bootDisk or reservation",
                    )


def migration(context: Context) -> Iterator[Diagnostic]:
    """Moving up ends a loaded server: it costs most where loading does, and cannot happen where no Pod may go."""
    for key in context.fleet.workload_keys:
        w = context.fleet.workload(key, context.fleet.base)
        asked = w.capacity.active_migration
        if not (asked.rules if isinstance(asked, ActiveMigration) else asked):
            continue
        never = w.service.disruption == 0
        if never or w.layout.total > 1:
            yield context.finding(
                "CAP125",
                f"class {w.capacity_name} moves {w.name} " + ("which may not be disrupted" if never else f"of {w.layout.total} chips"),
                ("capacityClasses", w.capacity_name, "activeMigration"),
                severity=Severity.WARNING,
                related=(context.span(w.path, "served from it", key=True),),
                notes=(
                    "a budget of 0 holds every migration back"
                    if never
                    else f"each move loads {w.weights / 2**30:,.0f} GiB of weights again while the old node is given up",
                ),
                help="activeMigration: false, or a class of its own for servers that load quickly",
            )
