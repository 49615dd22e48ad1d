"""The platform team's part: namespaces, priorities, compute classes, gateways."""

from __future__ import annotations

import math

from ...catalog import Catalogue, Machine
from ...diagnostics import SpecPath
from ...model.base import seconds
from ...model.capacity import CapacitySource
from ...model.platform import Platform
from ...quantity import parse
from ...resolve.layers import Subject
from ...resolve.naming import GATEWAY_NAMESPACE
from ...values import Catalogue as FromCatalogue
from ...values import Default, SpecAt, Value, cluster_fact, derive
from ..row import PREFIX, Drawn, Row, labels

SERVING_PRIORITY = "inference-serving"
BATCH_PRIORITY = "inference-batch"


def namespace(platform: Platform, name: str, component: str, admits: str) -> Drawn:
    """``admits`` is the Pod Security Standard that the namespace enforces (Kubernetes documentation, "Pod Security Standards")."""
    return "namespace", Row(
        name=name,
        labels={**labels(platform.name, name, component), "pod-security.kubernetes.io/enforce": admits},
        annotations={f"{PREFIX}/cluster": cluster_fact("cluster"), f"{PREFIX}/region": cluster_fact("region")},
    )


def team_namespace(platform: Platform, team: str) -> list[Drawn]:
    """The namespace of a team, and its people's right to look into it."""
    spec = platform.teams[team]
    found = [namespace(platform, spec.namespace, "team", "baseline")]
    if spec.group is not None:
        viewers = f"{team}-viewers"
        found.append(
            (
                "group-binding",
                Row(
                    name=viewers,
                    namespace=spec.namespace,
                    labels=labels(platform.name, viewers, "team"),
                    group=Value(spec.group, SpecAt(("teams", team, "group"))),
                ),
            )
        )
    return found


def priorities(platform: Platform, catalogue: Catalogue) -> list[Drawn]:
    def one(name: str, key: str, description: str, preemption: str) -> Drawn:
        return "priority-class", Row(
            name=name,
            labels=labels(platform.name, name, "priority"),
            value=Value(catalogue.default("priority.values")[key], Default("priority.values")),
            preemption=preemption,
            description=description,
        )

    return [
        one(SERVING_PRIORITY, "high", "Model servers and endpoint pickers: requests wait for them.", "PreemptLowerPriority"),
        one(BATCH_PRIORITY, "standard", "Downloads and batch work: never evicts a server.", "Never"),
    ]


def compute_class(platform: Platform, catalogue: Catalogue, name: str, subject: Subject) -> Drawn:
    """Reservations are a region's: without a region only the sources that exist everywhere are there."""
    spec = platform.capacity_classes[name]
    rules = []
    for rung in ("baseline", "burst"):
        for index, source in enumerate(getattr(spec, rung)):
            at = ("capacityClasses", name, rung, index)
            rules += [
                rule for shape in spec.shape if (rule := _rule(platform, catalogue, catalogue.machines[shape], name, source, at, subject))
            ]
    unsatisfiable = spec.when_unsatisfiable
    return "compute-class", Row(
        name=name,
        labels=labels(platform.name, name, "capacity"),
        when_unsatisfiable=Value(unsatisfiable, SpecAt(("capacityClasses", name, "whenUnsatisfiable")))
        if unsatisfiable
        else Value(catalogue.default("capacity.whenUnsatisfiable"), Default("capacity.whenUnsatisfiable")),
        migrate_back=Value(catalogue.default("capacity.optimizeRulePriority"), Default("capacity.optimizeRulePriority")),
        rules=rules,
    )


def _rule(
    platform: Platform, catalogue: Catalogue, machine: Machine, name: str, source: CapacitySource, at: SpecPath, subject: Subject
) -> Row | None:
    """One entry of ``priorities``; None for a reservation that the subject's region does not have."""
    accelerator = catalogue.accelerators[machine.accelerator] if machine.accelerator else None
    row = Row(
        machine=Value(machine.type, SpecAt(("capacityClasses", name, "shape"))),
        gpu=None,
        tpu=None,
        spot=None,
        flex_seconds=None,
        recycle_seconds=None,
        reservation=None,
        zones=None,
        storage=None,
    )
    if accelerator is not None:
        count = Value(machine.chips, FromCatalogue(f"machines.{machine.id}.chips"))
        kind = Value(accelerator.compute_class_type, FromCatalogue(f"accelerators.{accelerator.id}.computeClassType"))
        if accelerator.kind == "gpu":
            driver = Value(catalogue.default("capacity.driverVersion"), Default("capacity.driverVersion"))
            row.gpu = Row(type=kind, count=count, driver=driver)
        else:
            topology = platform.capacity_classes[name].topology
            row.tpu = Row(type=kind, count=count, topology=Value(topology or "1x1", SpecAt(("capacityClasses", name, "topology"))))
    if source.kind == "spot":
        row.spot = Value(True, SpecAt(at))
    elif source.kind == "flex-start":
        row.flex_seconds = derive(
            "flexStart in seconds", seconds(str(source.flex_start)), Value(str(source.flex_start), SpecAt((*at, "flexStart")))
        )
        row.recycle_seconds = Value(catalogue.default("capacity.flexStartLeadSeconds"), Default("capacity.flexStartLeadSeconds"))
    elif source.kind == "reservation":
        row.reservation = _reservation(platform, str(source.reservation), subject)
        if row.reservation is None:
            return None
        if machine.local_ssd:
            row.storage = {"localSSDCount": Value(machine.local_ssd, FromCatalogue(f"machines.{machine.id}.localSsd"))}
    size = platform.capacity_classes[name].boot_disk
    if size is not None:
        said = Value(size, SpecAt(("capacityClasses", name, "bootDisk")))
        row.storage = {**(row.storage or {}), "bootDiskSize": derive("boot disk in GiB", math.ceil(parse(size) / 2**30), said)}
    zones = platform.capacity_classes[name].zones
    if zones and subject.region and row.reservation is None:
        row.zones = [
            derive("zone of the region", f"{subject.region}-{z}", Value(z, SpecAt(("capacityClasses", name, "zones", i))))
            for i, z in enumerate(zones)
        ]
    return row


def _reservation(platform: Platform, key: str, subject: Subject) -> Row | None:
    held = platform.regions[subject.region].reservations.get(key) if subject.region else None
    if held is None or subject.region is None:
        return None
    at = ("regions", subject.region, "reservations", key)
    return Row(
        name=Value(held.name, SpecAt((*at, "name"))),
        zones=[derive("zone of the region", f"{subject.region}-{held.zone}", Value(held.zone, SpecAt((*at, "zone"))))],
        project=Value(platform.projects[held.project].id, SpecAt((*at, "project"))) if held.project else None,
        block=Value(held.block, SpecAt((*at, "block"))) if held.block else None,
    )


def gateway(platform: Platform, catalogue: Catalogue, name: str) -> Drawn:
    """Regional classes take certificates as a listener option, never a certificate map (GKE documentation, "Secure a Gateway")."""
    spec = platform.gateways[name]
    stack = catalogue.stack(platform.stack)
    at = ("gateways", name)
    namespaces = sorted({platform.teams[s.team].namespace for s in platform.serving.values() if any(e.gateway == name for e in s.expose)})
    return "gateway", Row(
        name=name,
        namespace=GATEWAY_NAMESPACE,
        labels=labels(platform.name, name, "gateway"),
        gateway_class=derive(f"class {spec.class_}", stack.gateway_classes[spec.class_].name, Value(spec.class_, SpecAt((*at, "class")))),
        address=Value(spec.address, SpecAt((*at, "address"))) if spec.address else None,
        listener=listener(platform, name),
        protocol="HTTPS" if spec.tls else "HTTP",
        port=443 if spec.tls else 80,
        host=Value(spec.host, SpecAt((*at, "host"))),
        certificate=Value(spec.tls.certificate, SpecAt((*at, "tls", "certificate"))) if spec.tls else None,
        namespaces=namespaces or None,
    )


def listener(platform: Platform, gateway: str) -> str:
    return "https" if platform.gateways[gateway].tls else "http"
