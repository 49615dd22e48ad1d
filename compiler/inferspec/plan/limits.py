"""What node auto-provisioning must be allowed to make: the sum of what every service may ask for at once, by GKE resource name."""

from __future__ import annotations

from typing import Any

from ..resolve.fleet import Fleet
from ..resolve.places import Place


def limits(fleet: Fleet, place: Place) -> list[dict[str, Any]]:
    """Chips by accelerator, vCPU and GiB of memory, as ``resourceLimits`` of a cluster counts them.

    A service may have ``scale.max`` servers, the nodes that ``scale.buffer`` and ``scale.placeholders`` keep and, during an update, one
    server more; each takes the machines of its layout, whole: two servers that share a machine only stay further below. A class of
    several shapes may give all of them of any one shape, so each kind of chip has room for every service that can come to it, and vCPU
    and memory for the largest shape. What runs without accelerators beside the servers (pickers, download Jobs, scanners) has the
    catalogue's ``infra.general``.
    """
    general = fleet.catalogue.default("infra.general")
    chips: dict[str, int] = {}
    cpu, memory = float(general["vcpu"]), float(general["memoryGiB"])
    for key in fleet.workload_keys:
        if not fleet.is_placed(key, place):
            continue
        w = fleet.workload_at(key, place)
        machines = [fleet.catalogue.machines[shape] for shape in w.capacity.shape]
        nodes = (int(w.scale("max").v) + w.kept + 1) * w.layout.nodes
        most: dict[str, int] = {}
        for machine in machines:
            if machine.accelerator:
                name = fleet.catalogue.accelerators[machine.accelerator].node_label
                most[name] = max(most.get(name, 0), machine.chips * nodes)
        for name, count in most.items():
            chips[name] = chips.get(name, 0) + count
        cpu += max(machine.vcpu for machine in machines) * nodes
        memory += max(machine.memory_gib for machine in machines) * nodes
    found = {**chips, "cpu": round(cpu), "memory": round(memory)}
    return [{"resource_type": name, "maximum": found[name]} for name in sorted(found)]
