"""The settled platform: what gateways lead to, who scales what, who writes which bucket; ``placement`` has what stands where."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property

from ..values import Value
from .cloud import Cloud
from .crossregion import config_cluster, cross_regional, targets
from .ladder import named
from .naming import workload_name
from .placement import Placement
from .places import Place, selects
from .settings import WorkloadKey
from .volumes import Volume
from .weights import Artefact, bucket_location


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


class Fleet(Placement):
    """Everything the later stages ask."""

    # -- teams and reservations ----------------------------------------------------------------------------------------

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

    def routes_team(self, team: str, place: Place) -> bool:
        """Whether the cluster has a route of the team to servers that stand in others."""
        if place not in self.config_clusters.values():
            return False
        served = [service for service in self.platform.serving.values() if service.team == team]
        return any(self.config_clusters.get(e.gateway) is place for service in served for e in service.expose)

    def watches_reservations(self, place: Place) -> bool:
        """Whether a class of the cluster names a reservation of its own project: another's series stand in that project."""
        held = self.platform.regions[place.region].reservations
        own = {key for key, one in held.items() if one.project in (None, place.cluster.project)}
        classes = self.platform.capacity_classes
        return bool(own) and any(named(spec) & own and self.uses_class(name, place) for name, spec in classes.items())

    def queues_class(self, name: str, place: Place) -> bool:
        """Whether a queue of the cluster has chips of the class."""
        return any(name in queue.quota and selects(queue.where, place) for queue in self.platform.queues.values())

    # -- what requests come to, and what moves replicas -----------------------------------------------------------------

    def carries(self, name: str, place: Place) -> bool:
        """Whether the Gateway itself stands in the cluster."""
        return self.config_clusters[name] is place if name in self.config_clusters else self.has_gateway(name, place)

    @cached_property
    def config_clusters(self) -> dict[str, Place | None]:
        """Cross-regional gateways, each with the cluster that has it; None where it leads to nothing or the spec does not say one."""
        return {name: config_cluster(self, name) if targets(self, name) else None for name in cross_regional(self.platform, self.catalogue)}

    def exports(self, key: WorkloadKey, place: Place) -> bool:
        """Whether a cross-regional gateway leads to the workload's pool in the cluster."""
        if not self.config_clusters:
            return False
        shown = [e.gateway for e in self.platform.serving[key.service].expose if e.gateway in self.config_clusters]
        return any(self.is_exposed(key, gateway, place) for gateway in shown)

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
        for name in self.platform.gateways.keys() - self.config_clusters.keys():  # those lead to one service (check.crossregion)
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
