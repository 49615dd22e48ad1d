"""What a platform uses of Google Cloud beside its clusters: what each thing is, who reads it, and the one that makes it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..diagnostics import SpecPath
from ..model.delivery import Intent
from ..model.places import ADAPTER
from ..values import SpecAt, Value
from .dns import address_of, has_own_address
from .naming import writer_name
from .scaling import HPA, READER
from .scaling import VIEWER as METRICS_VIEWER
from .volumes import PROFILE
from .weights import bucket_holding

if TYPE_CHECKING:
    from .fleet import Fleet
    from .places import Place

VIEWER = "roles/storage.objectViewer"
USER = "roles/storage.objectUser"
ACCESSOR = "roles/secretmanager.secretAccessor"

CONNECTOR = "config-connector"
OBSERVED = "observed"
"""Nobody makes it: it stands."""

OF_A_PLACE = ("addresses", "modelArmor", "cloudArmor")
"""Kinds with one name in several regions and projects; a bucket and a secret have theirs for themselves."""

FUSE_CONTROLLER = ("gcs-fuse-csi-driver", "gcs-fuse-csi-controller-sa")
"""Namespace and service account of the FUSE driver's controller, which scans buckets for its profiles
(GoogleCloudPlatform/gcs-fuse-csi-driver@5fcdc04a examples/gcsfuse-profiles)."""


@dataclass(frozen=True, slots=True)
class Resource:
    """A bucket, address, secret, template or security policy.

    ``kind`` is its section of ``imports``; ``first`` the first cluster that uses it;
    ``location`` is the bucket's location, the region or ``global``;
    ``project`` a key of ``projects``, or an id for a secret; ``key`` a bucket's.
    """

    kind: str
    name: str
    location: str
    project: str
    intent: Intent
    path: SpecPath
    first: str
    internal: bool = False
    key: Value | None = None


@dataclass(frozen=True, slots=True)
class Grant:
    """A role for a Kubernetes service account. ``on`` is a bucket's name, a secret's resource, or ``projects/ID``."""

    on: str
    role: str
    project: str
    namespace: str
    account: str

    @property
    def kind(self) -> str:
        """``bucket``, ``secret`` or ``project``."""
        return "bucket" if not self.on.startswith("projects/") else "secret" if "/secrets/" in self.on else "project"


@dataclass(frozen=True, slots=True)
class Cache:
    """An Anywhere Cache. ``ttl`` as the spec has it."""

    store: str
    bucket: str
    region: str
    letter: str

    @property
    def zone(self) -> str:
        return f"{self.region}-{self.letter}"


@dataclass(frozen=True, slots=True)
class Transfer:
    """A job that copies the bucket that a store's others come from into one of them."""

    store: str
    source: str
    sink: str
    location: str


@dataclass(eq=False)
class Cloud:
    """Everything of the fleet, each thing once, with its first user in the order of regions and clusters."""

    fleet: Fleet
    resources: dict[tuple[str, str, str], Resource] = field(default_factory=dict)
    grants: dict[Grant, str] = field(default_factory=dict)
    causes: dict[Grant, SpecPath] = field(default_factory=dict)
    caches: dict[Cache, str] = field(default_factory=dict)
    transfers: dict[Transfer, str] = field(default_factory=dict)
    used: dict[Place, dict[tuple[str, str, str], None]] = field(default_factory=dict)
    granted: dict[Place, dict[Grant, None]] = field(default_factory=dict)
    scanned: dict[Place, dict[str, None]] = field(default_factory=dict)
    scanners: dict[str, dict[str, str]] = field(default_factory=dict)
    """Project -> bucket -> the first cluster where the FUSE driver's controller scans it."""
    peers: dict[str, list[Place]] = field(default_factory=dict)
    """Clusters of a project; those of one region of it by ``PROJECT REGION``."""

    def __post_init__(self) -> None:
        for place in self.fleet.places:
            self.used[place], self.granted[place], self.scanned[place] = {}, {}, {}
            for group in (place.cluster.project, f"{place.cluster.project} {place.region}"):
                self.peers.setdefault(group, []).append(place)
            self._servers(place)
            self._writers(place)
            self._gateways(place)
            if ADAPTER in place.cluster.install:
                on = f"projects/{self.fleet.platform.projects[place.cluster.project].id}"
                self._grant(place, Grant(on, METRICS_VIEWER, place.cluster.project, *READER[HPA]), (*place.path, "install"))
        self._stores()

    # -- who makes it --------------------------------------------------------------------------------------------------

    @property
    def connector(self) -> bool:
        """Config Connector makes what Terraform of a cluster would."""
        return self.fleet.platform.management is not None

    def made_by(self, first: str, intent: Intent = "create") -> str:
        """``observed``, ``config-connector``, or the cluster whose Terraform makes it."""
        if intent == "observe":
            return OBSERVED
        return CONNECTOR if self.connector else first

    def of(self, kind: str, place: Place | None = None) -> list[Resource]:
        """Resources of a kind, by name; those that a cluster uses, or all."""
        keys = self.resources if place is None else self.used[place]
        return sorted((self.resources[key] for key in keys if key[0] == kind), key=lambda one: (one.name, one.location))

    # -- what is used --------------------------------------------------------------------------------------------------

    def _servers(self, place: Place) -> None:
        fleet = self.fleet
        for key in fleet.workload_keys:
            if not fleet.is_placed(key, place):
                continue
            w = fleet.workload_at(key, place)
            for artefact in w.mounts.artefacts:
                location = fleet.location(artefact.store, place)
                if artefact.published and location is None:
                    continue
                bucket = str(w.mounts.bucket_of(artefact).v)
                self._grant(place, Grant(bucket, VIEWER, place.cluster.project, w.namespace, w.name), w.path)
                if artefact.published and location is not None:
                    self._bucket(place, artefact.store, location)
            for mount in w.mounts.mounted:
                self._grant(place, Grant(str(mount.bucket.v), VIEWER, place.cluster.project, w.namespace, w.name), w.path)
                if mount.volume is not None and mount.volume.read == PROFILE:
                    self.scanned[place][str(mount.bucket.v)] = None
                    self.scanners.setdefault(place.cluster.project, {}).setdefault(str(mount.bucket.v), place.name)

    def _writers(self, place: Place) -> None:
        fleet, project = self.fleet, place.cluster.project
        for job in fleet.downloads:
            if job.writer is place:
                name = writer_name(job.artefact.key)
                self._bucket(place, job.artefact.store, job.location)
                self._grant(place, Grant(job.bucket, USER, project, job.namespace, name), job.artefact.path)
                secret = job.artefact.secret
                if secret is not None and secret in fleet.platform.secrets:  # check.references reports one that is not there
                    resource = fleet.platform.secrets[secret].secret_manager
                    intent = fleet.platform.imports.secrets.get(secret, "observe")
                    self._use(place, Resource("secrets", secret, "", resource.split("/")[1], intent, ("secrets", secret), place.name))
                    self._grant(place, Grant(resource, ACCESSOR, project, job.namespace, name), job.artefact.path)
        for filling in fleet.fillings:
            if filling.writer is place:
                source = bucket_holding(fleet.platform, fleet.catalogue, filling.artefact, place.region)
                reader = Grant(str(source.v), VIEWER, project, filling.volume.namespace, writer_name(filling.artefact.key))
                self._grant(place, reader, filling.artefact.path)

    def _gateways(self, place: Place) -> None:
        imports = self.fleet.platform.imports
        for name, gateway in self.fleet.platform.gateways.items():
            if not self.fleet.carries(name, place):
                continue
            at: SpecPath = ("gateways", name)
            project = place.cluster.project
            address = address_of(gateway, name, place)
            # A global address stands: what makes addresses makes regional ones.
            if address is not None and gateway.class_ != "global-external":
                # What is named by us is there for nobody else.
                own, inside = has_own_address(gateway), "internal" in gateway.class_
                intent = imports.addresses.get(address, "create" if own else "observe")
                path = (*at, "dns" if own else "address")
                self._use(place, Resource("addresses", address, place.region, project, intent, path, place.name, inside))
            if gateway.model_armor is not None:
                template = gateway.model_armor.template
                intent = imports.model_armor.get(template, "observe")
                path = (*at, "modelArmor", "template")
                self._use(place, Resource("modelArmor", template, place.region, project, intent, path, place.name))
            if gateway.cloud_armor is not None:
                policy = gateway.cloud_armor
                known = policy in self.fleet.platform.cloud_armor
                intent = imports.cloud_armor.get(policy, "create") if known else "observe"
                location = "global" if gateway.class_ == "global-external" else place.region
                path = ("cloudArmor", policy) if known else (*at, "cloudArmor")
                self._use(place, Resource("cloudArmor", policy, location, project, intent, path, place.name))

    def _bucket(self, place: Place, store: str, location: str) -> None:
        name = self.fleet.platform.storage[store].buckets[location]
        # A bucket is a thing of whoever fills it.
        owner = next((job.writer for job in self.fleet.downloads if job.bucket == name), place).cluster.project
        intent = self.fleet.platform.imports.buckets.get(name, "observe")
        path: SpecPath = ("storage", store, "buckets", location)
        self._use(place, Resource("buckets", name, location, owner, intent, path, place.name, key=self._key(name)))

    def _key(self, bucket: str) -> Value | None:
        """The first that a store says; several stores may have one bucket."""
        for name, store in self.fleet.platform.storage.items():
            for location, key in store.keys.items():
                if store.buckets.get(location) == bucket:
                    return Value(key, SpecAt(("storage", name, "keys", location)))
        return None

    def _use(self, place: Place, resource: Resource) -> None:
        mark = f"{resource.project} {resource.location}" if resource.kind in OF_A_PLACE else ""
        key = (resource.kind, resource.name, mark)
        self.resources.setdefault(key, resource)
        self.used[place][key] = None

    def _grant(self, place: Place, grant: Grant, cause: SpecPath) -> None:
        """``cause`` is what needs it."""
        self.grants.setdefault(grant, place.name)
        self.causes.setdefault(grant, cause)
        self.granted[place][grant] = None

    def _stores(self) -> None:
        """Caches and transfer jobs stand before buckets that some cluster reads."""
        for name, store in self.fleet.platform.storage.items():
            read = {at: self.resources[key] for at, bucket in store.buckets.items() if (key := ("buckets", bucket, "")) in self.resources}
            if store.copied_from is not None:
                source = store.buckets[store.copied_from]
                for at, sink in read.items():
                    if sink.name != source:
                        self.transfers[Transfer(name, source, sink.name, at)] = sink.first
            if store.anywhere_cache is None:
                continue
            for place in self.fleet.places:
                location = self.fleet.location(name, place)
                if location in read:
                    for letter in store.anywhere_cache.zones.get(place.region, ()):
                        self.caches.setdefault(Cache(name, read[location].name, place.region, letter), place.name)
