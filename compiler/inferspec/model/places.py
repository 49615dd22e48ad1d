"""Where a platform runs and who uses it: projects, teams, regions, clusters, secrets."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from .base import (
    Bucket,
    Cidr,
    GkeVersion,
    Group,
    IsoDate,
    KmsKey,
    LabelKey,
    LabelValue,
    Name,
    ProjectId,
    Region,
    ResourceName,
    Revision,
    SecretResource,
    Shape,
    ZoneLetter,
)
from .forms import Closed, Items
from .nodes import Taint

AddOn = Literal[
    "custom-metrics-adapter",
    "inference-objective",
    "leader-worker-set",
    "kueue",
    "kuberay",
    "jobset",
    "keda",
    "config-connector",
    "lustre-csi-driver",
    "managed-opentelemetry",
]


ADAPTER = "custom-metrics-adapter"


class ProjectNetwork(Closed):
    """The VPC network of a project's clusters."""

    name: ResourceName = "default"
    """Name of the network."""
    create: bool = False
    """Terraform of the project's first cluster makes it, and that of each region's first its proxy-only subnet; otherwise they stand."""


class Project(Closed):
    """A Google Cloud project. Workload Identity principals are made of its number."""

    id: ProjectId
    """Project id."""
    number: Annotated[int, Field(ge=1, le=999_999_999_999_999)]
    """Project number, as ``gcloud projects describe`` prints it."""
    network: ProjectNetwork = ProjectNetwork.model_construct()
    """Network of its clusters; ``default`` without it."""
    config_cluster: Name | None = None
    """Cluster of the project that holds the gateways of its fleet: those of class cross-regional-internal. A fleet has one."""


class Team(Closed):
    """A model team: its namespace, its sync, its people."""

    namespace: Name
    """Namespace of everything this team serves."""
    group: Group | None = None
    """Google group that may read the namespace."""
    max_chips: dict[Name, Annotated[int, Field(ge=0)]] = {}
    """Chips the team may hold at maximum scale, by accelerator."""


class Reservation(Closed):
    """A Compute Engine reservation in its region."""

    name: ResourceName
    """Name of the reservation."""
    zone: ZoneLetter
    """Zone, by its suffix."""
    shape: Shape
    """Machine type."""
    nodes: Annotated[int, Field(ge=1, le=10_000)]
    """How many machines it holds."""
    project: Name | None = None
    """Project that owns it, if it is a shared reservation."""
    block: ResourceName | None = None
    """Block inside the reservation (A3 Ultra, A4), never the reservation's own name."""
    sub_block: ResourceName | None = None
    """Sub-block of the block (A4X)."""
    starts: IsoDate | None = None
    """First day of a future reservation; until then nothing is to be had of it."""
    ends: IsoDate | None = None
    """Day on which a future reservation ends."""
    calendar: bool = False
    """Bought in calendar mode: for 1 to 90 days, and its machines go when it ends."""


class QuotaLimit(Closed):
    """Chips of an accelerator that a project may have in a region."""

    on_demand: Annotated[int, Field(ge=0)] | None = None
    """By the quota of machines on demand."""
    spot: Annotated[int, Field(ge=0)] | None = None
    """By the preemptible quota, of Spot and flex-start."""


class Gke(Closed):
    """What the cluster promises about its GKE version."""

    channel: Literal["rapid", "regular", "stable", "extended"] = "regular"
    """Release channel."""
    min_version: GkeVersion | None = None
    """Lowest version the cluster may run; what is emitted may rely on it."""


class NodePool(Closed):
    """A node pool that somebody else made, as far as a class needs to know it."""

    shape: Shape
    """Machine type."""
    labels: dict[LabelKey, LabelValue] = {}
    """Labels of its nodes; cloud.google.com/compute-class names the class."""
    taints: Items[Taint] = ()
    """Taints of its nodes; one has the key and the value of that label."""
    max_nodes: Annotated[int, Field(ge=0, le=15_000)]
    """Most nodes the autoscaler may make; 0 where it does not scale."""


class Security(Closed):
    """What Terraform sets of the cluster: who says which images run, and keys of one's own."""

    binary_authorization: Literal["project-policy"] | None = None
    """Pods are admitted by the Binary Authorization policy of the cluster's project, which stands; off without it."""
    secrets_key: KmsKey | None = None
    """Cloud KMS key that Secrets are encrypted with in the cluster's state, of the cluster's region."""
    disk_key: KmsKey | None = None
    """Cloud KMS key of the boot disks of nodes that no class speaks of; a class has its own, ``bootDisk.kmsKey``."""


class Cluster(Closed):
    """A GKE cluster that Config Sync reconciles."""

    project: Name
    """Key in ``projects``."""
    mode: Literal["autopilot", "standard"]
    """Who manages the nodes."""
    stage: Name
    """Stage for selectors and waves: dev, canary, prod, ..."""
    zones: Annotated[Items[ZoneLetter], Field(min_length=1)] | None = None
    """Zones of its nodes, by suffix; all of the region without it."""
    zonal: bool = False
    """The control plane stands in the one zone too: a standard cluster with one entry in ``zones``; regional without it."""
    subnetwork: ResourceName | None = None
    """Subnetwork of its nodes; without it the cluster's own where ``nodeRange`` is given, else the one that has the network's name."""
    node_range: Cidr | None = None
    """Range of a subnetwork that Terraform makes for its nodes; without it the subnetwork stands."""
    labels: dict[LabelKey, LabelValue] = {}
    """Labels for selectors."""
    internet: bool = True
    """Its nodes reach the internet, by Cloud NAT or addresses of their own; without it every image comes from a mirror."""
    gke: Gke = Gke.model_construct()
    """Version floor and channel."""
    security: Security = Security.model_construct()
    """Binary Authorization and Cloud KMS keys."""
    addons: Items[AddOn] = ()
    """What is installed there beside GKE itself."""
    install: Items[Literal["custom-metrics-adapter"]] = ()
    """Add-ons that the platform writes and Config Sync applies, in the catalogue's version; they count as ``addons``."""
    node_pools: dict[ResourceName, NodePool] = {}
    """Node pools made outside this spec that classes name (Standard clusters)."""


    @property
    def provided(self) -> tuple[str, ...]:
        """Add-ons, whoever installs them."""
        return (*self.addons, *self.install)


class RegionPlaces(Closed):
    """Everything that is a fact of one region."""

    proxy_subnet: Cidr | None = None
    """Range of the region's proxy-only subnet: where requests of a regional or cross-regional gateway come from."""
    reservations: dict[Name, Reservation] = {}
    """Reservations that capacity classes name in ``baseline`` or ``burst``."""
    quotas: dict[Name, dict[Name, Annotated[int, Field(ge=0)] | QuotaLimit]] = {}
    """Quota of each project here, by accelerator of the catalogue (h100-80gb, or h100 for each of its kinds): chips on demand, or
    onDemand and spot."""
    clusters: dict[Name, Cluster] = {}
    """Clusters of the region."""


class Deletable(Closed):
    """What is deleted with its object; without an entry it is left standing (``deletion-policy: abandon``)."""

    buckets: Items[Bucket] = ()
    """Buckets, by name."""
    addresses: Items[Name] = ()
    """Addresses, by name."""
    secrets: Items[Name] = ()
    """Keys in ``secrets``."""
    model_armor: Items[Name] = ()
    """Templates, by name."""
    cloud_armor: Items[ResourceName] = ()
    """Keys of ``cloudArmor``."""
    caches: bool = False
    """Anywhere Caches."""
    transfers: bool = False
    """Transfer jobs."""
    grants: bool = False
    """Grants: a workload that goes away loses its access."""


class Management(Closed):
    """The cluster where Config Connector runs: it makes what Terraform of the clusters would."""

    cluster: Name
    """Name of the management cluster."""
    region: Region
    """Its region."""
    project: Name
    """Key in ``projects``."""
    namespace: Name = "cloud-resources"
    """Namespace of the Config Connector objects."""
    revision: Revision | None = None
    """Tag or commit that the cluster reads its overlay at; that of the last wave without it."""
    deletable: Deletable = Deletable.model_construct()
    """What is deleted with its object; nothing without it."""


class Secret(Closed):
    """A secret by reference; a value never stands in a spec."""

    secret_manager: SecretResource
    """Secret Manager resource."""
    version: Annotated[int, Field(ge=1)]
    """Pinned version: 'latest' would change under a running fleet."""
