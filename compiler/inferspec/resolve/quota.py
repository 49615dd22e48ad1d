"""What a fleet asks of the quotas of its projects: chips at least and at most scale, down the ladder of each class.

Least is what must be there if the reservations hold: they are filled first, and the next source takes the rest. Most is every replica of
every service; each source may be asked for all of them, because those before it can fail. Quota for the machines of a reservation is taken
when the reservation is made (Compute Engine documentation, "Reservations of zonal resources"), so nodes in it ask for none. Flex-start
takes the quota of preemptible machines, as Spot does (GKE documentation, "About flex-start").
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from ..catalog import Accelerator, Machine
from .fleet import Fleet
from .ladder import Rung, reserved, rungs
from .places import Place
from .settings import WorkloadKey

ALL_REGIONS = "GPUS_ALL_REGIONS"
"""GPUs of a project in all regions together, beside the quota of each region (Compute Engine documentation, "Allocation quotas")."""
PREEMPTIBLE = ("spot", "flex-start")
HELD = ("reservation", "any-reservation")


@dataclass(frozen=True, slots=True)
class Metric:
    """A quota: ``dimension`` is empty for those that have a name for each accelerator. ``inferred``: no source shows the name."""

    name: str
    dimension: str = ""
    inferred: bool = False


@dataclass(frozen=True, slots=True)
class Ask:
    """Chips that one rung is asked for; ``metric`` is None where no quota is needed. ``name`` is a reservation's, or the machine's.

    ``local_ssds`` are those of one node.
    """

    kind: str
    name: str
    machine: Machine
    metric: Metric | None
    least: int
    most: int
    local_ssds: int = 0

    @property
    def accelerator(self) -> str:
        return self.machine.accelerator


@dataclass(frozen=True, slots=True, eq=False)
class Demand:
    """What one workload needs in one cluster. ``arithmetic`` says how the chips come about."""

    workload: str
    service: str
    place: Place
    capacity: str
    least: int
    most: int
    arithmetic: str
    asks: tuple[Ask, ...]

    @property
    def unmet(self) -> int:
        """Chips of the least that no source is there for: reservations alone, and too small."""
        return self.least - sum(ask.least for ask in self.asks)


@dataclass(slots=True)
class Need:
    """All that is asked of one quota, in ``unit``: chips, vCPU or GB."""

    project: str
    region: str
    metric: Metric
    accelerator: str
    unit: str = "chips"
    least: int = 0
    most: int = 0
    kinds: list[str] = field(default_factory=list)
    by: list[str] = field(default_factory=list)


def metric_of(accelerator: Accelerator, kind: str) -> Metric | None:
    """The quota that a machine bought so counts against; None for what is in a reservation."""
    quota = accelerator.quota
    if kind in HELD:
        return None
    if kind in PREEMPTIBLE:
        if quota.spot:
            return Metric(quota.spot, "", quota.inferred)
        # The metric of GPU families is among Cloud Monitoring's; that of TPU families follows its pattern.
        return Metric(quota.metric.replace(".com/", ".com/preemptible_"), quota.dimension, True)
    return Metric(quota.on_demand) if quota.on_demand else Metric(quota.metric, quota.dimension, quota.inferred)


def demands(fleet: Fleet) -> list[Demand]:
    """Of every workload in every cluster, in the order of the spec; reservations are filled in that order."""
    left: dict[tuple[str, str], int] = {}
    found = []
    for key in fleet.workload_keys:
        for place in fleet.places_of(key):
            found.append(_of_workload(fleet, key, place, left))
    for name, spec in fleet.platform.capacity_classes.items():
        for place in fleet.places:
            if spec.minimum_nodes is not None and fleet.uses_class(name, place):
                found += _of_floor(fleet, name, place, spec.minimum_nodes, found, left)
    return found


def _of_workload(fleet: Fleet, key: WorkloadKey, place: Place, left: dict[tuple[str, str], int]) -> Demand:
    w = fleet.workload_at(key, place)
    replicas = int(w.scale("min").v) + w.kept, int(w.scale("max").v) + w.kept
    chips, nodes = w.machine.chips, w.layout.nodes
    if w.layout.spans_nodes:
        least, most = (n * nodes * chips for n in replicas)
        arithmetic = f"{replicas[0]} to {replicas[1]} replicas x {nodes} nodes x {chips} chips"
    else:  # servers that use a part of a machine share it
        least, most = (-(-n * w.layout.total // chips) * chips for n in replicas)
        arithmetic = f"{replicas[0]} to {replicas[1]} replicas x {w.layout.total} chips, in whole machines of {chips}"
    if w.kept:
        arithmetic += f", {w.kept} of them kept ready"
    asks = _asks(fleet, w.capacity_name, place, least, most, left)
    return Demand(w.name, w.service_name, place, w.capacity_name, least, most, arithmetic, tuple(asks))


def _of_floor(
    fleet: Fleet, name: str, place: Place, nodes: int, so_far: list[Demand], left: dict[tuple[str, str], int]
) -> Iterator[Demand]:
    """Nodes of ``minimumNodes`` that no replica fills."""
    first = next((r.machine for r in rungs(fleet.platform.capacity_classes[name], fleet.catalogue) if r.machine is not None), None)
    if first is None or not first.accelerator:
        return
    served = [d for d in so_far if d.capacity == name and d.place is place]
    least, most = (max(0, nodes * first.chips - sum(getattr(d, which) for d in served)) for which in ("least", "most"))
    if least or most:
        asks = tuple(_asks(fleet, name, place, least, most, left))
        arithmetic = f"{nodes} {'node' if nodes == 1 else 'nodes'} x {first.chips} chips, less those of servers"
        yield Demand(f"class {name}", "", place, name, least, most, arithmetic, asks)


def _asks(fleet: Fleet, name: str, place: Place, least: int, most: int, left: dict[tuple[str, str], int]) -> Iterator[Ask]:
    spec = fleet.platform.capacity_classes[name]
    for rung in rungs(spec, fleet.catalogue):
        machine = rung.machine or _pool_machine(fleet, rung, place)
        if machine is None or not machine.accelerator:
            continue
        accelerator = fleet.catalogue.accelerators[machine.accelerator]
        kind = rung.source.kind
        if kind == "reservation":
            taken = most_taken = 0
            for key in reserved(fleet.platform, rung.source, place.region, machine):
                held = fleet.platform.regions[place.region].reservations[key].nodes * machine.chips
                here = min(least - taken, left.setdefault((place.region, key), held))
                left[place.region, key] -= here
                taken, most_taken = taken + here, most_taken + held
            if most_taken:
                names = ", ".join(reserved(fleet.platform, rung.source, place.region, machine))
                yield Ask(kind, names, machine, None, taken, min(most, most_taken))
            least -= taken
            continue
        said = rung.source.local_ssd if rung.source.local_ssd is not None else spec.local_ssd
        ssds = machine.local_ssd if said is None else said
        yield Ask(kind, machine.type, machine, metric_of(accelerator, kind), least, most, ssds)
        if rung.source.any_reservation == "best-effort":
            yield Ask("on-demand", machine.type, machine, metric_of(accelerator, "on-demand"), 0, most, ssds)
        least = 0


def _pool_machine(fleet: Fleet, rung: Rung, place: Place) -> Machine | None:
    """The machine of the first pool that the cluster has of those named."""
    shapes = [place.cluster.node_pools[p].shape for p in rung.source.node_pools or () if p in place.cluster.node_pools]
    return fleet.catalogue.machines.get(shapes[0]) if shapes else None


def needs(fleet: Fleet, found: list[Demand]) -> list[Need]:
    """Summed by project, region and quota, then the GPUs of each project in all regions."""
    summed: dict[tuple[str, str, Metric], Need] = {}
    everywhere: dict[str, Need] = {}
    for demand in found:
        project = demand.place.cluster.project
        asked: dict[Metric, int] = {}
        for ask in demand.asks:
            if ask.metric is None:
                continue
            need = summed.setdefault(
                (project, demand.place.region, ask.metric), Need(project, demand.place.region, ask.metric, ask.accelerator)
            )
            need.least += ask.least
            asked[ask.metric] = max(asked.get(ask.metric, 0), ask.most)
            if ask.kind not in need.kinds:
                need.kinds.append(ask.kind)
        for metric, most in asked.items():
            need = summed[project, demand.place.region, metric]
            need.most += most
            need.by.append(f"{demand.workload} in {demand.place.name}: {demand.arithmetic} = {demand.least:,} to {demand.most:,}")
        gpus = [a for a in demand.asks if a.metric is not None and fleet.catalogue.accelerators[a.accelerator].kind == "gpu"]
        if gpus:
            total = everywhere.setdefault(project, Need(project, "global", Metric(ALL_REGIONS), "", kinds=["all"]))
            total.least += sum(a.least for a in gpus)
            total.most += max(a.most for a in gpus)
            total.by.append(f"{demand.workload} in {demand.place.name}: {demand.least:,} to {demand.most:,}")
    ordered = sorted(summed.values(), key=lambda need: (need.project, need.region, need.metric.name, need.metric.dimension))
    return [*ordered, *(everywhere[project] for project in sorted(everywhere))]
