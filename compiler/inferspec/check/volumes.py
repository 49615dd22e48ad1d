"""Volumes that weights are read from: there in each region, large and fast enough, in the zones of their readers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..diagnostics import Diagnostic, Severity, SpecPath
from ..model.places import ProjectNetwork
from ..model.storage import Store
from ..quantity import binary, parse
from ..resolve.memory import GIB
from ..resolve.pace import readers
from ..resolve.places import Place
from ..resolve.volumes import VOLUMES
from ..resolve.workload import Workload
from . import references
from .context import Context, agreeing, clusters

SECTIONS = {"lustre": "lustre", "hyperdisk-ml": "disk", "filestore": "filestore"}
"""Way to read -> the part of a store that says what there is in each region."""
LUSTRE_STEP = {1000: 9_000, 500: 18_000, 250: 36_000, 125: 72_000}
"""GiB of the smallest instance and of each step, by tier: 9,000 MB/s a step in all (Managed Lustre documentation, performance tiers)."""
LUSTRE_MOST = 7_632_000
"""GiB of the largest (the same page; facts of 2026-11-21)."""
READERS = {"lustre": 10_000, "hyperdisk-ml": 2_500}
"""Clients of a Lustre instance; attachments of a read-only Hyperdisk ML volume (Compute Engine release notes, 2024-07-09)."""


def lustre(context: Context) -> Iterator[Diagnostic]:
    """An instance has a size that the service sells, and one that exists is named in full."""
    for name, store in context.platform.storage.items():
        for region, spec in store.lustre.items():
            at: SpecPath = ("storage", name, "lustre", region)
            size, step = int(parse(spec.size)) // GIB, LUSTRE_STEP[spec.throughput]
            if not step <= size <= LUSTRE_MOST or size % step:
                yield context.finding(
                    "STO105",
                    f"a Managed Lustre instance of {spec.throughput} MB/s for each TiB holds a multiple of {step:,} GiB, not {size:,}",
                    (*at, "size"),
                    notes=(f"{spec.size} = {size:,} GiB; {step:,} to {LUSTRE_MOST:,} in steps of {step:,}",),
                    help=f"size: {min(max(1, -(-size // step)) * step, LUSTRE_MOST // step * step)}Gi",
                )
            given = [key for key in ("instance", "mount", "project") if getattr(spec, key) is not None]
            if given and len(given) != 3:
                lacking = [key for key in ("instance", "mount", "project") if key not in given]
                yield context.finding(
                    "STO105",
                    f"storage {name}: an instance that exists is named by instance, mount and project; {' and '.join(lacking)} is missing",
                    at,
                    key=True,
                    help="all three, or none: then GKE makes the instance",
                )
            if spec.project is not None and spec.project not in context.platform.projects:
                yield from references.named(context, (*at, "project"), spec.project, "projects")


def held(context: Context) -> Iterator[Diagnostic]:
    """Every region whose servers read a volume has one, and its clusters the driver."""
    lacking: dict[tuple[str, str, str], list[Place]] = {}
    driverless: dict[str, list[Place]] = {}
    for volume, places in context.fleet.volumes.values():
        if volume.read not in VOLUMES:
            continue
        for place in sorted(places, key=lambda p: p.name):
            if place.region not in _section(context.platform.storage[volume.store], volume.read):
                lacking.setdefault((volume.store, volume.read, place.region), []).append(place)
            elif volume.read == "lustre" and "lustre-csi-driver" not in place.cluster.addons:
                driverless.setdefault(volume.store, []).append(place)
    for (store, read, region), readers_of in lacking.items():
        yield context.finding(
            "STO104",
            f"storage {store} has no {read} volume in {region}",
            ("storage", store),
            key=True,
            related=(context.span(readers_of[0].path, "this cluster reads it", key=True),),
            notes=(f"read by {clusters(list(dict.fromkeys(readers_of)))}",),
            help=f"storage.{store}.{SECTIONS[read]}.{region}: what there is, or another read: for the services there",
        )
    for store, without in driverless.items():
        first = without[0]
        yield context.finding(
            "STO106",
            f"storage {store} is read by Managed Lustre, and {agreeing(list(dict.fromkeys(without)), 'does', 'do')} not have its driver",
            (*first.path, "addons"),
            key=True,
            help="enable the Managed Lustre CSI driver and write 'lustre-csi-driver' under the cluster's addons",
        )


def _section(store: Store, read: str) -> dict[str, Any]:
    section: dict[str, Any] = getattr(store, SECTIONS[read])
    return section


def crowded(context: Context) -> Iterator[Diagnostic]:
    """Readers at maximum scale against what a volume serves at once."""
    counted: dict[tuple[str, str, str], list[tuple[Workload, int]]] = {}
    for _, w, places in context.cohorts:
        read = str(w.mounts.read.v)
        if read not in READERS:
            continue
        for place in places:
            instance = w.mounts.store.lustre.get(place.region)
            whose = place.region if instance is not None and instance.instance is not None and read == "lustre" else place.name
            what = w.model.store if read == "lustre" else f"{w.model_key} in {w.model.store}"
            counted.setdefault((read, what, whose), []).append((w, readers(w)))
    for (read, what, whose), found in counted.items():
        total = sum(n for _, n in found)
        if total > READERS[read]:
            yield context.finding(
                "STO107",
                f"{total:,} Pods may read {what} in {whose} at once; {read} serves {READERS[read]:,}",
                ("storage", found[0][0].model.store),
                key=True,
                notes=(" + ".join(f"{w.name} {n:,}" for w, n in found) + f" = {total:,}",),
                help="fewer replicas, or read: gcs-fuse for some of the services",
            )


def networks(context: Context) -> Iterator[Diagnostic]:
    """GKE's own classes make a Filestore instance in the network that is called default."""
    elsewhere: dict[tuple[str, str], list[Place]] = {}
    for volume, places in context.fleet.volumes.values():
        for place in sorted(places, key=lambda p: p.name):
            project = place.cluster.project
            if volume.read == "filestore" and context.platform.projects[project].network.name != ProjectNetwork().name:
                elsewhere.setdefault((volume.store, project), []).append(place)
    for (store, project), readers_of in elsewhere.items():
        here = list(dict.fromkeys(readers_of))
        if here[0].region not in context.platform.storage[store].filestore:
            continue
        tier, network = context.platform.storage[store].filestore[here[0].region].tier, context.platform.projects[project].network.name
        yield context.finding(
            "STO119",
            f"storage {store}: GKE's class {tier} makes Filestore instances in the network default, and {clusters(here)} is in {network}",
            ("storage", store, "filestore", here[0].region, "tier"),
            related=(context.span(("projects", project, "network", "name"), "the network of the cluster"),),
            notes=("a node reaches no instance of another network",),
            help="another read: for the services there; read: lustre makes its instances in the cluster's own network",
        )


def instances(context: Context) -> Iterator[Diagnostic]:
    """A volume that a driver makes is one for each team and cluster."""
    made: dict[tuple[str, str, str], list[str]] = {}
    for volume, places in context.fleet.volumes.values():
        for place in sorted(places, key=lambda p: p.name):
            store = context.platform.storage[volume.store]
            instance = store.lustre.get(place.region)
            if volume.read == "filestore" or (volume.read == "lustre" and instance is not None and instance.instance is None):
                made.setdefault((volume.store, volume.read, place.region), []).append(f"{volume.team} in {place.name}")
    for (store_name, read, region), owners in made.items():
        spec = _section(context.platform.storage[store_name], read).get(region)
        if spec is None or len(owners) < 2:
            continue
        size = str(spec.size)
        yield context.finding(
            "STO114",
            f"storage {store_name} makes {len(owners)} {read} instances in {region}",
            ("storage", store_name, SECTIONS[read], region),
            key=True,
            severity=Severity.WARNING,
            notes=(f"one each for {', '.join(owners)}", f"{len(owners)} x {size} = {binary(len(owners) * int(parse(size)))}"),
            help="instance, mount and project of one that exists is shared by all teams" if read == "lustre" else "read: lustre shares one",
        )
