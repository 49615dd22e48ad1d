"""The settled platform: places, layers, workloads, who writes which bucket."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property

from ..catalog import Catalogue
from ..model.base import Selector
from ..model.platform import Platform
from ..values import Value
from .cloud import Cloud
from .ladder import named
from .layers import Layer, Subject, cluster_subjects, fleet_subject, layers
from .naming import workload_name
from .order import ordered
from .places import Place, places, selects
from .settings import WorkloadKey, canary_of, capacity_of, owner, variants
from .volumes import Volume
from .weights import Artefact, bucket_location
from .workload import Workload


@dataclass(frozen=True, slots=True, eq=False)
class Download:
    """One version of a model or adapter into one bucket, by one cluster."""

    artefact: Artefact
    location: str
    bucket: str
    team: str
    namespace: str
    writer: Place


@dataclass(frozen=True, slots=True, eq=False)
class Filling:
    """One version of a model or adapter onto one volume, by one cluster."""

    artefact: Artefact
    volume: Volume
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

    def where(self, key: WorkloadKey) -> list[Selector]:
        """All of them must select a cluster."""
        own, canary = owner(self.platform, key).where, canary_of(self.platform, key) if key.canary else None
        return [where for where in (own, canary.where if canary is not None else None) if where is not None]

    @cached_property
    def _placed(self) -> dict[WorkloadKey, frozenset[Place]]:
        wheres = {key: self.where(key) for key in self.workload_keys}
        return {
            key: frozenset(p for p in self.places if all(selects(where, p) for where in said)) if said else frozenset()
            for key, said in wheres.items()
        }

    def has_canary(self, key: WorkloadKey, place: Place) -> bool:
        """Whether a canary takes its share of the requests there."""
        return place in self._placed.get(key._replace(canary=True), ())

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
        for filling in self.fillings:
            found.setdefault(filling.volume.team, set()).add(filling.writer)
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

    def watches_reservations(self, place: Place) -> bool:
        """Whether a class of the cluster names a reservation of its own project: another's series stand in that project."""
        held = self.platform.regions[place.region].reservations
        own = {key for key, one in held.items() if one.project in (None, place.cluster.project)}
        classes = self.platform.capacity_classes
        return bool(own) and any(named(spec) & own and self.uses_class(name, place) for name, spec in classes.items())

    def has_gateway(self, name: str, place: Place) -> bool:
        return place in self._gated[name]

    @cached_property
    def _gated(self) -> dict[str, frozenset[Place]]:
        return {name: frozenset(p for p in self.places if selects(g.where, p)) for name, g in self.platform.gateways.items()}

    def is_exposed(self, key: WorkloadKey, gateway: str, place: Place) -> bool:
        return self.is_placed(key, place) and self.has_gateway(gateway, place)

    def led_names(self, gateway: str, place: Place) -> list[Value]:
        """Names of the models that the gateway leads to in the cluster."""
        shown = [k for k in self.front_keys if any(e.gateway == gateway for e in self.platform.serving[k.service].expose)]
        found = [name for k in shown if self.is_exposed(k, gateway, place) for name in self.workload_at(k, place).answers_to()]
        return list({name.v: name for name in found}.values())

    def leads_by_model(self, gateway: str) -> bool:
        """Whether several services stand behind the gateway in one cluster: then the name of the model in a request chooses."""
        return gateway in self._by_model

    @cached_property
    def _by_model(self) -> frozenset[str]:
        found = set()
        for name in self.platform.gateways:
            exposed = [k for k in self.front_keys if any(e.gateway == name for e in self.platform.serving[k.service].expose)]
            if any(sum(self.is_exposed(k, name, place) for k in exposed) > 1 for place in self.places):
                found.add(name)
        return frozenset(found)

    def called(self, key: WorkloadKey) -> str:
        """What names of the objectives of a pool begin with: the service, so that clients send one name in every region; its own name
        where a cluster has two pools of the service."""
        w = self.workload(key, self.base)
        return workload_name(key.service, None) if not key.canary and key.service not in self._crowded else w.name

    @cached_property
    def _crowded(self) -> frozenset[str]:
        """Services with two variants in one cluster."""
        seen = Counter((key.service, place) for key in self.front_keys for place in self._placed[key])
        return frozenset(service for (service, _), pools in seen.items() if pools > 1)

    def is_scaled_by(self, by: str, key: WorkloadKey, place: Place) -> bool:
        """Whether ``hpa`` or ``keda`` moves the workload's replicas in the cluster."""
        return self.is_placed(key, place) and self.workload_at(key, place).scaled_by == by

    def ever_scaled_by(self, by: str, key: WorkloadKey) -> bool:
        return any(self.is_scaled_by(by, key, place) for place in self.places) or self.workload(key, self.base).scaled_by == by

    def is_buffered(self, key: WorkloadKey, place: Place) -> bool:
        """Whether the cluster keeps nodes ready for the workload."""
        return self.is_placed(key, place) and self.workload_at(key, place).buffer is not None

    @cached_property
    def with_placeholders(self) -> dict[WorkloadKey, set[Place]]:
        """Workloads for whose further servers Pods hold room, with the clusters where they do."""
        held = {key: {p for p in self.places_of(key) if self.workload_at(key, p).placeholders is not None} for key in self.workload_keys}
        return {key: places for key, places in held.items() if places}

    def holds_room(self, place: Place) -> bool:
        """Whether any workload has such Pods there."""
        return any(place in places for places in self.with_placeholders.values())

    def ever_buffered(self, key: WorkloadKey) -> bool:
        return any(self.is_buffered(key, place) for place in self.places)

    # -- weights -------------------------------------------------------------------------------------------------------

    def location(self, store: str, place: Place) -> str | None:
        """The bucket key that the cluster reads."""
        return bucket_location(self.platform, self.catalogue, store, place.region)

    @cached_property
    def downloads(self) -> tuple[Download, ...]:
        """Versions in use, each with the one cluster that writes its bucket: as the store says, else its first reader by region and name.

        Where a store copies between buckets, only the one that is copied from is downloaded to.
        """
        found: dict[tuple[str, str, str], Download] = {}
        writers = dict(self._named_writers)
        for key in self.workload_keys:
            for place in self.places_of(key):
                workload = self.workload_at(key, place)
                for artefact in workload.mounts.artefacts:
                    location = self.location(artefact.store, place)
                    if location is None or not artefact.published:
                        continue
                    store = self.platform.storage[artefact.store]
                    at = store.copied_from or location
                    bucket = store.buckets[at]
                    job = (artefact.key, artefact.version, bucket)
                    writer = writers.get(bucket) or (place if at == location else self._first_reader(artefact.store, at))
                    if job not in found and writer is not None:
                        writers.setdefault(bucket, writer)
                        found[job] = Download(artefact, at, bucket, workload.team, workload.namespace, writer)
        return tuple(found.values())

    def _first_reader(self, store: str, location: str) -> Place | None:
        return next((place for place in self.places if self.location(store, place) == location), None)

    @cached_property
    def _named_writers(self) -> dict[str, Place]:
        """Bucket -> the cluster that a store names for it; it is the bucket's, whatever store it is read by."""
        places = {place.name: place for place in self.places}
        named = [(store.buckets.get(at, ""), name) for store in self.platform.storage.values() for at, name in store.writers.items()]
        return {bucket: places[name] for bucket, name in named if bucket and name in places}

    @cached_property
    def volumes(self) -> dict[str, tuple[Volume, frozenset[Place]]]:
        """Claims by namespace and name, each with the clusters that have it."""
        found: dict[str, tuple[Volume, set[Place]]] = {}
        for key in self.workload_keys:
            for place in self.places_of(key):
                for volume in self.workload_at(key, place).mounts.volumes:
                    found.setdefault(f"{volume.namespace}/{volume.name}", (volume, set()))[1].add(place)
        return {name: (volume, frozenset(places)) for name, (volume, places) in found.items()}

    @cached_property
    def fillings(self) -> tuple[Filling, ...]:
        """What is copied onto volumes. A Lustre instance that exists is filled by the first cluster of its region, others by their own."""
        found: dict[tuple[str, str, str, str], Filling] = {}
        for key in self.workload_keys:
            for place in self.places_of(key):
                for mount in self.workload_at(key, place).mounts.mounted:
                    if mount.volume is None or mount.artefact is None or not mount.volume.filled:
                        continue
                    instance = self.platform.storage[mount.volume.store].lustre.get(place.region)
                    shared = mount.volume.read == "lustre" and instance is not None and instance.instance is not None
                    whose = place.region if shared else f"{place.name} {mount.volume.namespace}"
                    once = (mount.volume.name, mount.artefact.key, mount.artefact.version, whose)
                    found.setdefault(once, Filling(mount.artefact, mount.volume, place))
        return tuple(found.values())

    @cached_property
    def cloud(self) -> Cloud:
        """What the fleet uses of Google Cloud, and who makes it."""
        return Cloud(self)

    @cached_property
    def written(self) -> tuple[tuple[str, str | None, str, str], ...]:
        """(artefact, secret, team, namespace) of everything somebody downloads or fills a volume with."""
        moved = [(d.artefact.key, d.artefact.secret, d.team, d.namespace) for d in self.downloads]
        filled = [(f.artefact.key, f.artefact.secret, f.volume.team, f.volume.namespace) for f in self.fillings]
        return tuple(dict.fromkeys([*moved, *filled]))

    def writes(self, artefact: str, team: str, place: Place) -> bool:
        return place in self._writers.get((artefact, team), ())

    @cached_property
    def _writers(self) -> dict[tuple[str, str], set[Place]]:
        found: dict[tuple[str, str], set[Place]] = {}
        for d in self.downloads:
            found.setdefault((d.artefact.key, d.team), set()).add(d.writer)
        for f in self.fillings:
            found.setdefault((f.artefact.key, f.volume.team), set()).add(f.writer)
        return found
