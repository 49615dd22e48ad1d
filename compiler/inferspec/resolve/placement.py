"""Where everything is: clusters, layers, and which workload, class and gateway stands in which cluster."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from ..catalog import Catalogue
from ..model.base import Selector
from ..model.platform import Platform
from .layers import Layer, Subject, cluster_subjects, fleet_subject, layers
from .order import ordered
from .places import Place, places, selects
from .settings import WorkloadKey, canary_of, capacity_of, owner, variants
from .workload import Workload


@dataclass(eq=False)
class Placement:
    """Answers are cached: a fleet of a thousand clusters has few distinct ones."""

    platform: Platform
    catalogue: Catalogue
    _workloads: dict[tuple[WorkloadKey, Subject], Workload] = field(default_factory=dict)
    _selected: dict[int, tuple[Selector, tuple[Place, ...]]] = field(default_factory=dict)
    _workloads_at: dict[tuple[WorkloadKey, Place], Workload] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.platform = ordered(self.platform)

    @cached_property
    def places(self) -> tuple[Place, ...]:
        return places(self.platform)

    @cached_property
    def layers(self) -> tuple[Layer, ...]:
        return layers(self.platform)

    def selected(self, selector: Selector) -> tuple[Place, ...]:
        """The clusters that a selector of the spec means."""
        known, found = self._selected.get(id(selector), (None, ()))
        if known is not selector:
            everywhere = range(len(self.places))
            named = everywhere if selector.cluster is None else sorted({self._at[n] for n in selector.cluster if n in self._at})
            found = tuple([place for i in named if selects(selector, place := self.places[i])])
            self._selected[id(selector)] = selector, found
        return found

    @cached_property
    def _at(self) -> dict[str, int]:
        return {place.name: i for i, place in enumerate(self.places)}

    @cached_property
    def _applying(self) -> dict[Place, tuple[Layer, ...]]:
        return {place: tuple(x for x in self.layers if selects(x.selector, place)) for place in self.places}

    def layers_of(self, place: Place) -> tuple[Layer, ...]:
        """Layers that match the cluster, least specific first."""
        return self._applying[place]

    @cached_property
    def workload_keys(self) -> tuple[WorkloadKey, ...]:
        """Every workload; what reads prompts for another, or is its canary, comes right after it."""
        found = []
        for name, service in self.platform.serving.items():
            for variant in variants(service):
                key = WorkloadKey(name, variant)
                found.append(key)
                if owner(self.platform, key).prefill is not None:
                    found.append(key._replace(prefill=True))
                if canary_of(self.platform, key) is not None:
                    found.append(key._replace(canary=True))
        return tuple(found)

    @cached_property
    def front_keys(self) -> tuple[WorkloadKey, ...]:
        """Workloads that requests come to; a canary gets its share of theirs."""
        return tuple(key for key in self.workload_keys if not key.beside)

    def workload(self, key: WorkloadKey, subject: Subject) -> Workload:
        """Settled for the subject; entries of other services, and patches, do not make another one."""
        narrowed = Subject(subject.region, tuple(e for e in subject.entries if e[0] == key.service and e[1] != "patches"))
        if (key, narrowed) not in self._workloads:
            self._workloads[key, narrowed] = Workload(self.platform, self.catalogue, key, narrowed)
        return self._workloads[key, narrowed]

    def workload_at(self, key: WorkloadKey, place: Place) -> Workload:
        found = self._workloads_at.get((key, place))
        if found is None:
            found = self._workloads_at[key, place] = self.workload(key, self.subject(place))
        return found

    def subject(self, place: Place) -> Subject:
        return self._subjects[place]

    @cached_property
    def base(self) -> Subject:
        """The fleet as such: no cluster, and the overrides that are for all."""
        return fleet_subject(self.platform)

    @cached_property
    def _subjects(self) -> dict[Place, Subject]:
        return cluster_subjects(self.platform, self._applying)

    # -- placement -----------------------------------------------------------------------------------------------------

    def where(self, key: WorkloadKey) -> list[Selector]:
        """All of them must select a cluster."""
        own, canary = owner(self.platform, key).where, canary_of(self.platform, key) if key.canary else None
        return [where for where in (own, canary.where if canary is not None else None) if where is not None]

    @cached_property
    def _placed(self) -> dict[WorkloadKey, frozenset[Place]]:
        wheres = {key: self.where(key) for key in self.workload_keys}
        return {
            key: frozenset(self.selected(said[0])).intersection(*map(self.selected, said[1:])) if said else frozenset()
            for key, said in wheres.items()
        }

    def has_canary(self, key: WorkloadKey, place: Place) -> bool:
        """Whether a canary takes its share of the requests there."""
        return place in self._placed.get(key._replace(canary=True), ())

    def is_placed(self, key: WorkloadKey, place: Place) -> bool:
        return place in self._placed[key]

    def places_of(self, key: WorkloadKey) -> tuple[Place, ...]:
        return tuple(p for p in self.places if p in self._placed[key])

    def uses_class(self, name: str, place: Place) -> bool:
        """Whether the cluster has the class: for a workload there, or because the class says so."""
        return place in self._users.get(name, ())

    @cached_property
    def _users(self) -> dict[str | None, set[Place]]:
        found: dict[str | None, set[Place]] = {}
        for key in self.workload_keys:
            found.setdefault(capacity_of(self.platform, key), set()).update(self._placed[key])
        for name, spec in self.platform.capacity_classes.items():
            if spec.where is not None:
                found.setdefault(name, set()).update(self.selected(spec.where))
        return found

    def has_gateway(self, name: str, place: Place) -> bool:
        """Whether the gateway leads to the cluster; but for a cross-regional one it also stands there."""
        return place in self._gated[name]

    @cached_property
    def _gated(self) -> dict[str, frozenset[Place]]:
        return {name: frozenset(self.selected(g.where)) for name, g in self.platform.gateways.items()}

    def is_exposed(self, key: WorkloadKey, gateway: str, place: Place) -> bool:
        return self.is_placed(key, place) and self.has_gateway(gateway, place)
