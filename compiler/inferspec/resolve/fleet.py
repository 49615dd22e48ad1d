"""The settled platform: places, layers, workloads, who writes which bucket."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from ..catalog import Catalogue
from ..model.base import Selector
from ..model.platform import Platform
from .layers import Layer, Subject, cluster_subjects, fleet_subject, layers
from .order import ordered
from .places import Place, places, selects
from .settings import WorkloadKey, capacity_of, owner, variants
from .weights import Artefact, bucket_location
from .workload import Workload


@dataclass(frozen=True, slots=True, eq=False)
class Download:
    """One version of a model or adapter into one bucket, by one cluster."""

    artefact: Artefact
    bucket: str
    team: str
    namespace: str
    writer: Place


@dataclass(eq=False)
class Fleet:
    """Everything the later stages ask. Answers are cached: a fleet of a thousand clusters has few distinct ones."""

    platform: Platform
    catalogue: Catalogue
    _workloads: dict[tuple[WorkloadKey, Subject], Workload] = field(default_factory=dict)
    _workloads_at: dict[tuple[WorkloadKey, Place], Workload] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.platform = ordered(self.platform)

    @cached_property
    def places(self) -> tuple[Place, ...]:
        return places(self.platform)

    @cached_property
    def layers(self) -> tuple[Layer, ...]:
        return layers(self.platform)

    @cached_property
    def _applying(self) -> dict[Place, tuple[Layer, ...]]:
        return {place: tuple(x for x in self.layers if selects(x.selector, place)) for place in self.places}

    def layers_of(self, place: Place) -> tuple[Layer, ...]:
        """Layers that match the cluster, least specific first."""
        return self._applying[place]

    @cached_property
    def workload_keys(self) -> tuple[WorkloadKey, ...]:
        """Every workload; what reads prompts for another comes right after it."""
        found = []
        for name, service in self.platform.serving.items():
            for variant in variants(service):
                key = WorkloadKey(name, variant)
                found.append(key)
                if owner(self.platform, key).prefill is not None:
                    found.append(key._replace(prefill=True))
        return tuple(found)

    @cached_property
    def front_keys(self) -> tuple[WorkloadKey, ...]:
        """Workloads that requests come to."""
        return tuple(key for key in self.workload_keys if not key.prefill)

    def workload(self, key: WorkloadKey, subject: Subject) -> Workload:
        """Settled for the subject; entries of other services, and patches, do not make another one."""
        narrowed = Subject(subject.region, tuple(e for e in subject.entries if e[:2] == (key.service, "overrides")))
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

    def where(self, key: WorkloadKey) -> Selector | None:
        return owner(self.platform, key).where

    @cached_property
    def _placed(self) -> dict[WorkloadKey, frozenset[Place]]:
        wheres = {key: self.where(key) for key in self.workload_keys}
        return {key: frozenset(p for p in self.places if selects(where, p)) if where else frozenset() for key, where in wheres.items()}

    def is_placed(self, key: WorkloadKey, place: Place) -> bool:
        return place in self._placed[key]

    def places_of(self, key: WorkloadKey) -> tuple[Place, ...]:
        return tuple(p for p in self.places if p in self._placed[key])

    def serves_team(self, team: str, place: Place) -> bool:
        """Whether the cluster holds anything of the team: a server, or the writer of a bucket its models go to."""
        return place in self._teams.get(team, ())

    @cached_property
    def _teams(self) -> dict[str, set[Place]]:
        found: dict[str, set[Place]] = {}
        for key in self.workload_keys:
            found.setdefault(self.platform.serving[key.service].team, set()).update(self._placed[key])
        for download in self.downloads:
            found.setdefault(download.team, set()).add(download.writer)
        return found

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
                found.setdefault(name, set()).update(p for p in self.places if selects(spec.where, p))
        return found

    def has_gateway(self, name: str, place: Place) -> bool:
        return place in self._gated[name]

    @cached_property
    def _gated(self) -> dict[str, frozenset[Place]]:
        return {name: frozenset(p for p in self.places if selects(g.where, p)) for name, g in self.platform.gateways.items()}

    def is_exposed(self, key: WorkloadKey, gateway: str, place: Place) -> bool:
        return self.is_placed(key, place) and self.has_gateway(gateway, place)

    def is_autoscaled(self, key: WorkloadKey, place: Place) -> bool:
        return self.is_placed(key, place) and self.workload_at(key, place).autoscaled

    def ever_autoscaled(self, key: WorkloadKey) -> bool:
        return any(self.is_autoscaled(key, place) for place in self.places) or self.workload(key, self.base).autoscaled

    # -- weights -------------------------------------------------------------------------------------------------------

    def location(self, store: str, place: Place) -> str | None:
        """The bucket key that the cluster reads."""
        return bucket_location(self.platform, self.catalogue, store, place.region)

    @cached_property
    def downloads(self) -> tuple[Download, ...]:
        """Versions in use, each with the one cluster that writes its bucket: the first by region and name that reads it.

        Where a store copies between buckets, only its first bucket is downloaded to.
        """
        found: dict[tuple[str, str, str], Download] = {}
        writers: dict[str, Place] = {}
        for key in self.workload_keys:
            for place in self.places_of(key):
                workload = self.workload_at(key, place)
                for artefact in workload.mounts.artefacts:
                    location = self.location(artefact.store, place)
                    if location is None or not artefact.published:
                        continue
                    store = self.platform.storage[artefact.store]
                    bucket = store.buckets[location]
                    if store.copy_by == "storage-transfer" and bucket != next(iter(store.buckets.values())):
                        continue
                    job = (artefact.key, artefact.version, bucket)
                    if job not in found:
                        writer = writers.setdefault(bucket, place)
                        found[job] = Download(artefact, bucket, workload.team, workload.namespace, writer)
        return tuple(found.values())

    @cached_property
    def written(self) -> tuple[tuple[str, str | None, str, str], ...]:
        """(artefact, secret, team, namespace) of everything somebody downloads."""
        return tuple(dict.fromkeys((d.artefact.key, d.artefact.secret, d.team, d.namespace) for d in self.downloads))

    def writes(self, artefact: str, team: str, place: Place) -> bool:
        return any(d.artefact.key == artefact and d.team == team and d.writer is place for d in self.downloads)
