"""Boot disks that the machine's family can start from, and the local SSDs it has."""

from __future__ import annotations

from collections.abc import Iterator

from ..catalog import Machine
from ..diagnostics import Diagnostic, Severity, SpecPath
from ..model.nodes import BootDisk, NodeOptions
from ..quantity import parse
from ..resolve.ladder import rungs
from ..resolve.ladder import sources as sources_of
from .context import Context, clusters

LEAST = 10 * 2**30
"""Bytes of the smallest boot disk (ComputeClass CRD)."""
RESERVED = ("reservation", "any-reservation")


def boot_disks(context: Context) -> Iterator[Diagnostic]:
    """Size, type and provisioned performance (ComputeClass CRD; types by family from cluster-autoscaler@7d25050)."""
    for name, spec in context.platform.capacity_classes.items():
        root: SpecPath = ("capacityClasses", name)
        machines = list({r.machine.id: r.machine for r in rungs(spec, context.catalogue) if r.machine is not None}.values())
        yield from _disk(context, root, spec, machines)
        for at, source in sources_of(spec):
            here = [r.machine for r in rungs(spec, context.catalogue) if r.at == at and r.machine is not None]
            yield from _disk(context, (*root, *at), source, here)


def _disk(context: Context, at: SpecPath, options: NodeOptions, machines: list[Machine]) -> Iterator[Diagnostic]:
    disk, path = options.boot_disk, (*at, "bootDisk")
    if disk is None:
        return
    yield from _performance(context, path, disk)
    if disk.size is not None and parse(disk.size) < LEAST:
        yield context.finding(
            "CAP116",
            f"a boot disk of {disk.size} is too small",
            path,
            notes=(f"{int(parse(disk.size)) // 2**20:,} MiB; GKE takes 10,240 and more",),
            help="bootDisk: 10Gi, or more",
        )
    for machine in machines:
        taken = context.catalogue.accelerators[machine.accelerator].boot_disks if machine.accelerator else ()
        if disk.type is not None and taken and disk.type not in taken:
            yield context.finding(
                "CAP116",
                f"{machine.id} does not start from {disk.type}",
                (*path, "type"),
                notes=("GKE reports RuleMisconfigured: its machine family takes " + ", ".join(taken),),
                help=f"type: {taken[0]}",
            )


def _performance(context: Context, path: SpecPath, disk: BootDisk) -> Iterator[Diagnostic]:
    if (disk.iops is None) != (disk.throughput is None):
        lone, other = ("iops", "throughput") if disk.throughput is None else ("throughput", "iops")
        yield context.finding(
            "CAP116",
            f"{lone} without {other}",
            (*path, lone),
            notes=("bootDiskProvisionedIops and bootDiskProvisionedThroughput must be specified together (ComputeClass CRD)",),
            help=f"write {other} too, or neither",
        )
    elif disk.iops is not None and disk.type != "hyperdisk-balanced":
        yield context.finding(
            "CAP116",
            f"provisioned performance is of hyperdisk-balanced, not of {disk.type or 'a type that is left open'}",
            (*path, "iops"),
            notes=("must be specified together on a Hyperdisk bootDiskType (ComputeClass CRD)",),
            help="type: hyperdisk-balanced",
        )


def keys(context: Context) -> Iterator[Diagnostic]:
    """A cluster's ``diskKey`` is of nodes that no class speaks of: those of a class have the class's key or none of the spec's."""
    for name, spec in context.platform.capacity_classes.items():
        here = [p for p in context.fleet.places if p.cluster.security.disk_key is not None and context.fleet.uses_class(name, p)]
        disks = [source.boot_disk or spec.boot_disk for _, source in sources_of(spec) if source.kind != "node-pools"]
        if not here or all(disk is not None and disk.kms_key is not None for disk in disks):
            continue
        yield context.finding(
            "CAP140",
            f"nodes of class {name} in {clusters(here)} start from disks without a key, and their clusters have one",
            ("capacityClasses", name),
            key=True,
            severity=Severity.WARNING,
            related=(context.span((*here[0].path, "security", "diskKey"), "of the nodes that no class speaks of"),),
            notes=("they are encrypted with a key of Google's",),
            help="bootDisk: {kmsKey: KEY} of the class, one that reaches each of its regions",
        )


def local_ssds(context: Context) -> Iterator[Diagnostic]:
    """As many as the machine has; a rule of a reservation must say those that are attached anyway."""
    for name, spec in context.platform.capacity_classes.items():
        root: SpecPath = ("capacityClasses", name)
        told: set[tuple[SpecPath, str]] = set()
        for rung in rungs(spec, context.catalogue):
            own = rung.source.local_ssd is not None
            asked, at = (rung.source.local_ssd, (*root, *rung.at)) if own else (spec.local_ssd, root)
            if asked is None or rung.machine is None:
                continue
            machine, reserved = rung.machine, rung.source.kind in RESERVED
            takes = {machine.local_ssd} if machine.local_ssd else {0, *machine.local_ssd_optional}
            if asked in takes or (asked == 0 and not reserved) or ((*at, "localSsd"), machine.id) in told:
                continue
            told.add(((*at, "localSsd"), machine.id))
            attached = machine.local_ssd and reserved
            yield context.finding(
                "CAP117",
                f"{machine.id} has {machine.local_ssd} local SSDs, and a rule of a reservation must say so"
                if attached
                else f"{machine.id} takes {_counts(takes)} local SSDs, not {asked}",
                (*at, "localSsd"),
                notes=(f"storage.localSSDCount is {machine.local_ssd} then, not {asked}", "GKE reports ReservationUnusable")
                if attached
                else ("GKE reports NoSuitableMachineExists",),
                help="remove localSsd: the count of the machine is written" if attached else "a count of the machine's own",
            )


def _counts(takes: set[int]) -> str:
    counts = sorted(takes)
    return " or ".join(map(str, counts)) if counts != [0] else "no"
