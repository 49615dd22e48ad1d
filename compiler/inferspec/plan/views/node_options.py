"""What a class says of its nodes, and what one rung says instead."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from pydantic.alias_generators import to_camel

from ...catalog import Machine
from ...diagnostics import SpecPath
from ...model.capacity import CapacityClass
from ...model.nodes import BootDisk, NodeOptions, Taint
from ...quantity import parse
from ...resolve.ladder import sources
from ...values import Catalogue as FromCatalogue
from ...values import SpecAt, Value, derive


class Options:
    """Of a class, or of one rung of it where ``own`` is given: what the rung says wins."""

    def __init__(self, spec: NodeOptions, at: SpecPath, own: NodeOptions | None = None, own_at: SpecPath = ()) -> None:
        self._said = [(own, own_at), (spec, at)] if own is not None else [(spec, at)]

    def _of(self, field: str) -> tuple[Any, SpecPath]:
        """The value and where it stands, or None and the place of the class."""
        for spec, at in self._said:
            if (value := getattr(spec, field)) is not None:
                return value, (*at, to_camel(field))
        return None, self._said[-1][1]

    def one(self, field: str) -> Value | None:
        value, at = self._of(field)
        return None if value is None else Value(value, SpecAt(at))

    def _each(self, field: str, make: Callable[[Value], Value]) -> list[Value] | None:
        values, at = self._of(field)
        return [make(Value(value, SpecAt((*at, i)))) for i, value in enumerate(values)] if values else None

    def location(self, region: str | None) -> dict[str, Any] | None:
        """Zones are a region's: without one they are not known."""
        found = {
            "zones": self._each("zones", lambda zone: derive("zone of the region", f"{region}-{zone.v}", zone)) if region else None,
            "zoneTypes": self._each("zone_types", lambda kind: kind),
            "locationPolicy": self.one("location_policy"),
        }
        return {key: value for key, value in found.items() if value is not None} or None

    def storage(self, machine: Machine, *, reserved: bool) -> dict[str, Any] | None:
        """A rule of a reservation must state the local SSDs that its machine has anyway (GKE, "About custom ComputeClasses")."""
        found: dict[str, Any] = {}
        asked = self.one("local_ssd")
        if asked is None and reserved and machine.local_ssd:
            asked = Value(machine.local_ssd, FromCatalogue(f"machines.{machine.id}.localSsd"))
        if asked is not None and asked.v:
            found["localSSDCount"] = asked
        disk, at = self._of("boot_disk")
        if disk is not None:
            found |= _boot_disk(disk, at)
        disks, at = self._of("secondary_boot_disks")
        if disks:
            found["secondaryBootDisks"] = [_fields(each, (*at, i), _SECONDARY) for i, each in enumerate(disks)]
        return found or None

    def labels(self) -> dict[str, Value] | None:
        """Of the class, or of the rung alone: those of the class are nodePoolConfig's, and GKE refuses a key that both have."""
        spec, at = self._said[0]
        return {key: Value(v, SpecAt((*at, "labels", key))) for key, v in (spec.labels or {}).items()} or None

    def taints(self) -> list[dict[str, Value]] | None:
        spec, at = self._said[0]
        return [_taint(taint, (*at, "taints", i)) for i, taint in enumerate(spec.taints or ())] or None

    def gpu(self) -> dict[str, Any]:
        """Fields of a rule's gpu beside type and count."""
        found: dict[str, Any] = {}
        if (topology := self.one("gpu_topology")) is not None:
            found["topology"] = topology
        sharing, at = self._of("gpu_sharing")
        shared = {} if sharing is None else _fields(sharing, at, {"strategy": "sharingStrategy", "clients": "maxSharedClientsPerGPU"})
        if (partition := self.one("gpu_partition")) is not None:
            shared["gpuPartitionSize"] = partition
        return {**found, "gpuSharing": shared} if shared else found


_SECONDARY = {"image": "diskImageName", "project": "project", "mode": "mode"}
_BOOT = {
    "type": "bootDiskType",
    "kms_key": "bootDiskKMSKey",
    "iops": "bootDiskProvisionedIops",
    "throughput": "bootDiskProvisionedThroughput",
}


def _fields(spec: Any, at: SpecPath, names: dict[str, str]) -> dict[str, Any]:
    """The fields that are set, under the names the object has for them."""
    said = ((key, name, getattr(spec, key)) for key, name in names.items())
    return {name: Value(value, SpecAt((*at, to_camel(key)))) for key, name, value in said if value is not None}


def _boot_disk(disk: BootDisk, at: SpecPath) -> dict[str, Any]:
    found = _fields(disk, at, _BOOT)
    if disk.size is not None:
        found["bootDiskSize"] = derive("boot disk in GiB", math.ceil(parse(disk.size) / 2**30), Value(disk.size, SpecAt(at)))
    return found


def _taint(taint: Taint, at: SpecPath) -> dict[str, Value]:
    key = Value(taint.key, SpecAt((*at, "key")))
    value = {} if taint.value is None else {"value": Value(taint.value, SpecAt((*at, "value")))}
    said = "effect" in taint.model_fields_set
    effect = Value(taint.effect, SpecAt((*at, "effect"))) if said else derive("taint without an effect", taint.effect, key)
    return {"key": key, **value, "effect": effect}


def class_tolerations(spec: CapacityClass, name: str) -> list[dict[str, Any]]:
    """For the taints that a class and its sources put on nodes, each once; GKE tolerates the class's own taint itself."""
    said = [(spec, ("capacityClasses", name)), *((source, ("capacityClasses", name, *at)) for at, source in sources(spec))]
    found: dict[Taint, dict[str, Any]] = {}
    for options, at in said:
        for i, taint in enumerate(options.taints or ()):
            operator = "Exists" if taint.value is None else "Equal"
            found.setdefault(taint, {"operator": operator, **_taint(taint, (*at, "taints", i))})
    return list(found.values())
