"""What the settled platform relies on and does not make itself, by cluster. Offline."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from ..diagnostics import SpecPath
from ..model.places import Reservation
from ..resolve.fleet import Fleet
from ..resolve.ladder import sources
from ..resolve.places import Place
from ..resolve.settings import capacity_of
from ..resolve.weights import Artefact
from ..values import Derived, SpecAt, Value


@dataclass(slots=True)
class BucketNeed:
    """A bucket that clusters read or write. ``location`` is its key in the spec, None for a source that stands there already."""

    name: str
    path: SpecPath
    location: str | None
    places: list[Place] = field(default_factory=list)


@dataclass(slots=True)
class ModelNeed:
    """A version of a model or adapter in a bucket that should hold it."""

    artefact: Artefact
    bucket: str
    places: list[Place] = field(default_factory=list)

    @property
    def path(self) -> SpecPath:
        return written_at(self.artefact.revision)

    @property
    def target(self) -> str:
        return f"gs://{self.bucket}/{self.artefact.folder.v}"


@dataclass(slots=True)
class SecretNeed:
    """A pinned version of a secret. ``key`` is its key in the spec."""

    key: str
    resource: str
    version: int
    places: list[Place] = field(default_factory=list)


@dataclass(slots=True)
class ReservationNeed:
    """Machines that are paid for: ``owner`` is the id of the project that has them, ``users`` are keys of projects with clusters."""

    region: str
    key: str
    spec: Reservation
    owner: str
    users: set[str] = field(default_factory=set)
    places: list[Place] = field(default_factory=list)

    @property
    def path(self) -> SpecPath:
        return ("regions", self.region, "reservations", self.key)

    @property
    def zone(self) -> str:
        return f"{self.region}-{self.spec.zone}"


@dataclass(slots=True)
class DiskImageNeed:
    """An image that secondary boot disks are made of. ``project`` is an id; ``path`` is the first place that names it."""

    name: str
    project: str
    path: SpecPath
    places: list[Place] = field(default_factory=list)

    @property
    def resource(self) -> str:
        return f"projects/{self.project}/global/images/{self.name}"


@dataclass(slots=True)
class Needs:
    """Each thing once, with the clusters that need it, in the order of the spec."""

    buckets: dict[str, BucketNeed] = field(default_factory=dict)
    models: dict[tuple[str, str], ModelNeed] = field(default_factory=dict)
    secrets: dict[str, SecretNeed] = field(default_factory=dict)
    reservations: dict[tuple[str, str, str], ReservationNeed] = field(default_factory=dict)
    disk_images: dict[tuple[str, str], DiskImageNeed] = field(default_factory=dict)


def needs(fleet: Fleet, places: Iterable[Place]) -> Needs:
    """What these clusters need."""
    found = Needs()
    for place in places:
        for key in fleet.workload_keys:
            if fleet.is_placed(key, place):
                mounts = fleet.workload_at(key, place).mounts
                for artefact in mounts.artefacts:
                    _stored(found, fleet, artefact, place)
                for mount in mounts.mounted:
                    _bucket(found, str(mount.bucket.v), written_at(mount.bucket), None, place)
                _reserved(found, fleet, capacity_of(fleet.platform, key), place)
        _imaged(found, fleet, place)
        for job in fleet.downloads:
            if job.writer is place:
                _model(found, job.artefact, job.bucket, place)
                _secret(found, fleet, job.artefact.secret, place)
    return found


def _stored(found: Needs, fleet: Fleet, artefact: Artefact, place: Place) -> None:
    location = fleet.location(artefact.store, place)
    if location is None:
        return
    bucket = fleet.platform.storage[artefact.store].buckets[location]
    _bucket(found, bucket, ("storage", artefact.store, "buckets", location), location, place)
    if artefact.published:
        _model(found, artefact, bucket, place)


def _bucket(found: Needs, name: str, path: SpecPath, location: str | None, place: Place) -> None:
    _once(found.buckets.setdefault(name, BucketNeed(name, path, location)).places, place)


def _model(found: Needs, artefact: Artefact, bucket: str, place: Place) -> None:
    _once(found.models.setdefault((str(artefact.folder.v), bucket), ModelNeed(artefact, bucket)).places, place)


def _secret(found: Needs, fleet: Fleet, key: str | None, place: Place) -> None:
    if key is not None:
        secret = fleet.platform.secrets[key]
        _once(found.secrets.setdefault(key, SecretNeed(key, secret.secret_manager, secret.version)).places, place)


def _reserved(found: Needs, fleet: Fleet, name: str | None, place: Place) -> None:
    if name is None:
        return
    """A future reservation is none before its first day, and nobody waits for it: the ladder goes on."""
    platform, spec = fleet.platform, fleet.platform.capacity_classes[name]
    for key in dict.fromkeys(key for source in (*spec.baseline, *spec.burst) for key in source.reservation or ()):
        held = platform.regions[place.region].reservations.get(key)
        if held is not None and held.starts is None:
            owner = platform.projects[held.project or place.cluster.project].id
            need = found.reservations.setdefault((place.region, key, owner), ReservationNeed(place.region, key, held, owner))
            need.users.add(place.cluster.project)
            _once(need.places, place)


def _imaged(found: Needs, fleet: Fleet, place: Place) -> None:
    for name, spec in fleet.platform.capacity_classes.items():
        if not fleet.uses_class(name, place):
            continue
        root: SpecPath = ("capacityClasses", name)
        for at, options in ((root, spec), *(((*root, *below), source) for below, source in sources(spec))):
            for i, disk in enumerate(options.secondary_boot_disks or ()):
                project = disk.project or fleet.platform.projects[place.cluster.project].id
                path = (*at, "secondaryBootDisks", i, "image")
                _once(found.disk_images.setdefault((project, disk.image), DiskImageNeed(disk.image, project, path)).places, place)


def _once(places: list[Place], place: Place) -> None:
    if place not in places:
        places.append(place)


def written_at(value: Value) -> SpecPath:
    """Where a value, or the first thing it was made from, stands in the spec; empty where nothing does."""
    if isinstance(value.origin, SpecAt):
        return value.origin.path
    if isinstance(value.origin, Derived):
        return next((path for given in value.origin.inputs if (path := written_at(given))), ())
    return ()
