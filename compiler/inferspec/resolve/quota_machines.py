"""Quota beside chips: vCPUs and local SSD of the machines that the chips are on, as far as a source names the metric.

Machines on demand alone count against vCPUs here: what Spot and flex-start count against depends on whether the project was given
preemptible vCPUs (Compute Engine documentation, "Quotas for Spot VMs").
"""

from __future__ import annotations

from collections.abc import Iterator

from .fleet import Fleet
from .quota import HELD, PREEMPTIBLE, Ask, Demand, Metric, Need

VCPU, GB = "vCPU", "GB"


def machine_needs(fleet: Fleet, found: list[Demand]) -> list[Need]:
    """Summed by project, region and metric; each source may be asked for all machines of a workload, as for chips."""
    summed: dict[tuple[str, str, Metric], Need] = {}
    for demand in found:
        asked: dict[Metric, tuple[int, str]] = {}
        for ask in demand.asks:
            for metric, unit, least, most in _beside(fleet, ask):
                place = demand.place
                key = (place.cluster.project, place.region, metric)
                need = summed.setdefault(key, Need(*key, "", unit))
                need.least += least
                if most >= asked.get(metric, (0, ""))[0]:
                    asked[metric] = (most, f"{demand.workload} in {place.name}: {ask.name}")
                if ask.kind not in need.kinds:
                    need.kinds.append(ask.kind)
        for metric, (most, by) in asked.items():
            need = summed[demand.place.cluster.project, demand.place.region, metric]
            need.most += most
            need.by.append(f"{by}, {most:,} {need.unit} at most")
    return sorted(summed.values(), key=lambda need: (need.project, need.region, need.metric.name, need.metric.dimension))


def _beside(fleet: Fleet, ask: Ask) -> Iterator[tuple[Metric, str, int, int]]:
    """(metric, unit, at least, at most) of the nodes of one source."""
    machine, family = ask.machine, ask.machine.family
    if ask.kind in HELD or not machine.chips:
        return
    least, most = (-(-chips // machine.chips) for chips in (ask.least, ask.most))
    vcpus, ssd = fleet.catalogue.default("quota.vcpus"), fleet.catalogue.default("quota.localSsd")
    if family in vcpus and ask.kind not in PREEMPTIBLE:
        yield Metric(vcpus[family]), VCPU, least * machine.vcpu, most * machine.vcpu
    size = ask.local_ssds * ssd["gb"].get(family, 0)
    if size and ask.kind in PREEMPTIBLE:
        yield Metric(ssd["preemptible"]), GB, least * size, most * size
    elif size:
        yield Metric(ssd["metric"], f"vm_family={family.upper()}", True), GB, least * size, most * size
