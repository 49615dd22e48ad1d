"""A capacity class as the ComputeClass it becomes: fields of GoogleCloudPlatform/compute-class-api@8067eae."""

from __future__ import annotations

from typing import Any

from ...catalog import Catalogue, Machine
from ...diagnostics import SpecPath
from ...model.base import seconds
from ...model.capacity import ActiveMigration, CapacityClass, CapacitySource
from ...model.platform import Platform
from ...resolve.ladder import Rung, reserved, rungs
from ...resolve.layers import Subject
from ...values import Catalogue as FromCatalogue
from ...values import Default, Scalar, SpecAt, Value, derive
from ..row import Drawn, Row, labels
from .node_options import Options


def compute_class(platform: Platform, catalogue: Catalogue, name: str, subject: Subject) -> Drawn:
    """Reservations are a region's: without a region only the sources that exist everywhere are there."""
    spec = platform.capacity_classes[name]
    at: SpecPath = ("capacityClasses", name)

    def said(key: str, value: Scalar | None, default: str = "") -> Value | None:
        if value is not None:
            return Value(value, SpecAt((*at, key)))
        return Value(catalogue.default(default), Default(default)) if default else None

    drawn = [_rule(platform, catalogue, name, rung, subject) for rung in rungs(spec, catalogue)]
    migration = spec.active_migration
    rules = migration.rules if isinstance(migration, ActiveMigration) else migration
    return "compute-class", Row(
        name=name,
        labels=labels(platform.name, name, "capacity"),
        when_unsatisfiable=said("whenUnsatisfiable", spec.when_unsatisfiable, "capacity.whenUnsatisfiable"),
        migrate_back=said("activeMigration", rules, "capacity.optimizeRulePriority"),
        migrate_for_daemons=Value(migration.daemon_sets, SpecAt((*at, "activeMigration", "daemonSets")))
        if isinstance(migration, ActiveMigration) and migration.daemon_sets is not None
        else None,
        creates=not _pools_only(spec),
        shielded=_shielded(spec, at),
        consolidation=_consolidation(spec, at),
        autopilot=said("autopilot", spec.autopilot),
        config=_config(catalogue, name, spec),
        group=said("nodePoolGroup", spec.node_pool_group),
        minimum=said("minimumNodes", spec.minimum_nodes),
        rules=[rule for rule in drawn if rule is not None],
    )


def _pools_only(spec: CapacityClass) -> bool:
    """Nodes come from pools that are there: nothing is to be created, and what a pool has beside them is not the class's."""
    return all(source.kind == "node-pools" for source in (*spec.baseline, *spec.burst))


def _shielded(spec: CapacityClass, at: SpecPath) -> dict[str, Any] | None:
    if spec.shielded is None:
        return None
    fields = {"enableSecureBoot": ("secureBoot", spec.shielded.secure_boot)}
    fields["enableIntegrityMonitoring"] = ("integrityMonitoring", spec.shielded.integrity_monitoring)
    return {name: Value(v, SpecAt((*at, "shielded", key))) for name, (key, v) in fields.items() if v is not None} or None


def _consolidation(spec: CapacityClass, at: SpecPath) -> dict[str, Any] | None:
    asked = spec.consolidation
    if asked is None:
        return None
    found: dict[str, Any] = {}
    if asked.delay is not None:
        said = Value(asked.delay, SpecAt((*at, "consolidation", "delay")))
        found["consolidationDelayMinutes"] = derive("delay in minutes", seconds(asked.delay) // 60, said)
    for name, key, value in (
        ("consolidationThreshold", "threshold", asked.threshold),
        ("gpuConsolidationThreshold", "gpuThreshold", asked.gpu_threshold),
    ):
        if value is not None:
            found[name] = Value(value, SpecAt((*at, "consolidation", key)))
    return found or None


def _config(catalogue: Catalogue, name: str, spec: CapacityClass) -> dict[str, Any] | None:
    """nodePoolConfig. Pools that are there match a class only where theirs is equal, so nothing is said of them unasked."""
    at: SpecPath = ("capacityClasses", name)
    found: dict[str, Any] = {}
    if spec.image_streaming is not None:
        found["imageStreaming"] = {"enabled": Value(spec.image_streaming, SpecAt((*at, "imageStreaming")))}
    elif not _pools_only(spec):
        key = "capacity.imageStreaming"
        found["imageStreaming"] = {"enabled": Value(catalogue.default(key), Default(key))}
    for field, key, value in (
        ("serviceAccount", "serviceAccount", spec.service_account),
        ("confidentialNodeType", "confidential", spec.confidential),
        ("workloadType", "workloadType", spec.workload_type),
    ):
        if value is not None:
            found[field] = Value(value, SpecAt((*at, key)))
    options = Options(spec, at)
    own = {"nodeLabels": options.labels(), "taints": options.taints()}
    return {**found, **{key: value for key, value in own.items() if value is not None}} or None


def _rule(platform: Platform, catalogue: Catalogue, name: str, rung: Rung, subject: Subject) -> Row | None:
    """One entry of ``priorities``; None for a reservation that the subject's region does not have."""
    source, at = rung.source, ("capacityClasses", name, *rung.at)
    score = Value(source.score, SpecAt((*at, "score"))) if source.score is not None else None
    if rung.machine is None:
        pools = [Value(pool, SpecAt((*at, "nodePools", i))) for i, pool in enumerate(source.node_pools or ())]
        return Row(**{**_EMPTY, "node_pools": pools, "score": score})
    held = reserved(platform, source, subject.region, rung.machine)
    if source.kind == "reservation" and not held:
        return None
    spec = platform.capacity_classes[name]
    options = Options(spec, ("capacityClasses", name), source, at)
    said_at = (*at, "shape") if source.shape is not None else ("capacityClasses", name, "shape")
    row = Row(
        **{
            **_EMPTY,
            "machine": Value(rung.machine.type, SpecAt(said_at)),
            "score": score,
            "storage": options.storage(rung.machine, reserved=source.kind in ("reservation", "any-reservation")),
            "location": None if held else options.location(subject.region),
            "max_pods": options.one("max_pods_per_node"),
            "labels": options.labels(),
            "taints": options.taints(),
            "placement": options.one("placement"),
            "profile": options.one("network_profile"),
            "direct": options.one("gpu_direct"),
            "minimum": Value(source.minimum_nodes, SpecAt((*at, "minimumNodes"))) if source.minimum_nodes is not None else None,
        }
    )
    _accelerate(row, catalogue, name, spec, rung.machine, options)
    _consume(row, catalogue, source, at)
    if held:
        row.affinity = "Specific"
        row.reservations = [_reservation(platform, str(subject.region), key) for key in held]
    return row


_EMPTY: dict[str, Any] = dict.fromkeys(
    (
        *("node_pools", "machine", "gpu", "tpu", "spot", "run_seconds", "recycle_seconds", "wait_seconds", "affinity", "reservations"),
        *("location", "storage", "max_pods", "labels", "taints", "placement", "profile", "direct", "minimum", "score"),
    )
)
"""A rule that says nothing."""


def _accelerate(row: Row, catalogue: Catalogue, name: str, spec: CapacityClass, machine: Machine, options: Options) -> None:
    accelerator = catalogue.accelerators[machine.accelerator] if machine.accelerator else None
    if accelerator is None:
        return
    count = Value(machine.chips, FromCatalogue(f"machines.{machine.id}.chips"))
    kind = Value(accelerator.compute_class_type, FromCatalogue(f"accelerators.{accelerator.id}.computeClassType"))
    if accelerator.kind == "gpu":
        driver = options.one("driver")
        if driver is None:
            driver = Value(catalogue.default("capacity.driverVersion"), Default("capacity.driverVersion"))
        row.gpu = {"type": kind, "count": count, "driverVersion": driver, **options.gpu()}
    else:
        topology = Value(spec.topology or "1x1", SpecAt(("capacityClasses", name, "topology")))
        row.tpu = {"type": kind, "count": count, "topology": topology}


def _consume(row: Row, catalogue: Catalogue, source: CapacitySource, at: SpecPath) -> None:
    """How the machine is bought, and how long it runs."""
    if source.kind == "spot":
        row.spot = Value(True, SpecAt(at))
    elif source.kind == "any-reservation":
        said = Value(str(source.any_reservation), SpecAt((*at, "anyReservation")))
        row.affinity = derive(f"affinity of {said.v}", "AnyThenFail" if said.v == "then-fail" else "AnyBestEffort", said)
    elif source.kind == "flex-start":
        row.recycle_seconds = _seconds(source.recycle_before, (*at, "recycleBefore"))
        if row.recycle_seconds is None:
            row.recycle_seconds = Value(catalogue.default("capacity.flexStartLeadSeconds"), Default("capacity.flexStartLeadSeconds"))
    row.run_seconds = _seconds(source.flex_start, (*at, "flexStart"))
    if row.run_seconds is None:
        row.run_seconds = _seconds(source.max_run, (*at, "maxRun"))
    row.wait_seconds = _seconds(source.wait, (*at, "wait"))


def _seconds(said: str | None, at: SpecPath) -> Value | None:
    return None if said is None else derive(f"{at[-1]} in seconds", seconds(said), Value(said, SpecAt(at)))


def _reservation(platform: Platform, region: str, key: str) -> Row:
    held = platform.regions[region].reservations[key]
    at = ("regions", region, "reservations", key)
    return Row(
        name=Value(held.name, SpecAt((*at, "name"))),
        zones=[derive("zone of the region", f"{region}-{held.zone}", Value(held.zone, SpecAt((*at, "zone"))))],
        project=Value(platform.projects[held.project].id, SpecAt((*at, "project"))) if held.project else None,
        block=Value(held.block, SpecAt((*at, "block"))) if held.block else None,
        sub_block=Value(held.sub_block, SpecAt((*at, "subBlock"))) if held.sub_block else None,
    )
