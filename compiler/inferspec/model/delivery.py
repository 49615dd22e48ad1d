"""Gateways and delivery: how requests come in and how manifests go out."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from .base import (
    Bucket,
    Duration,
    GitRepo,
    Host,
    KindAndName,
    LabelKey,
    Name,
    OauthClient,
    PinnedImage,
    ProjectId,
    Reason,
    ResourceName,
    Revision,
    ServiceAccount,
    Where,
)
from .forms import Closed, Items


class Tls(Closed):
    """The certificate, in the form the gateway class takes: one or the other."""

    certificate: ResourceName | None = None
    """Regional classes: a Certificate Manager certificate of the gateway's region, by name."""
    certificate_map: ResourceName | None = None
    """global-external: a certificate map of Certificate Manager, by name."""
    redirect: bool = True
    """Port 80 answers with a redirect to HTTPS; false, and nothing listens there."""


class ModelArmor(Closed):
    template: Name
    """Template of the gateway's project and region."""


class Dns(Closed):
    """Records of a gateway's host in Cloud DNS: clients come to the nearest region, and to the next one where that one is lost."""

    zone: ResourceName
    """Managed zone, by name: it stands."""
    project: Name | None = None
    """Key in ``projects``: the zone's; that of the first cluster without it."""
    where: Where | None = None
    """Clusters that the host leads to; all that have the gateway without it."""
    ttl: Duration = "30s"
    """How long clients keep an answer: the least time that a lost region is still asked."""
    residency: LabelKey | None = None
    """Label of clusters that requests do not leave: the host fails over to no other value of it, and VALUE.HOST leads to one alone."""
    cluster_hosts: bool = False
    """CLUSTER.HOST leads to one cluster, for those who look for a fault."""


class Iap(Closed):
    """Identity-Aware Proxy: people sign in, and IAM says who may."""

    client_id: OauthClient
    """OAuth client."""
    secret: Name
    """Secret with the client's secret, by name; it stands in the namespace of each service behind the gateway."""


class Balancing(Closed):
    """How full a server may be before a cross-regional gateway prefers others, and then other regions: one of the two."""

    in_flight: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    """Requests that one server may have at once; without it the least ``max-num-seqs`` of the servers."""
    kv_cache: Annotated[int, Field(ge=1, le=100)] | None = None
    """Percent of the KV cache in use; an AutoscalingMetric of yours shows it in each cluster (``extraResources``)."""


class Gateway(Closed):
    """A front door in each cluster it is for; cross-regional-internal: one for all of them, in the config cluster of their project."""

    class_: Annotated[Literal["regional-external", "regional-internal", "global-external", "cross-regional-internal"], Field(alias="class")]
    """Load balancer."""
    where: Where
    """Clusters that have it; cross-regional-internal: those whose servers it leads to."""
    host: Host
    """Host name clients use."""
    tls: Tls | None = None
    """Without it the gateway serves plain HTTP."""
    timeout: Duration | None = None
    """Longest request; covers the longest generation."""
    address: Name | None = None
    """Reserved address, by name, global as the gateway; with ``dns`` each cluster has one of its own without it, CLUSTER-GATEWAY."""
    default: Name | None = None
    """Service that gets requests without a model's name, where several stand behind the gateway; without it they get 404."""
    model_armor: ModelArmor | None = None
    """Screens prompts and answers; a request that cannot be screened fails."""
    dns: Dns | None = None
    """Records of the host, for what stands in several regions."""
    cloud_armor: ResourceName | None = None
    """Cloud Armor security policy, of the region or global as the gateway is, by name: a key of ``cloudArmor``, or one that stands."""
    iap: Iap | None = None
    """Identity-Aware Proxy before the ordinary Services of an external gateway."""
    balancing: Balancing | None = None
    """Of a cross-regional gateway: how full a server may be; by requests in flight without it."""
    residency: LabelKey | None = None
    """Of a cross-regional gateway: label of clusters that requests do not leave; all that it leads to have one value of it."""


class ConfigSync(Closed):
    """Where Config Sync reads from."""

    repo: GitRepo | None = None
    """URL of the repository that holds overlays/."""
    branch: Revision | None = None
    """Branch that waves without a revision follow."""
    auth: Literal["none", "ssh", "cookiefile", "token", "githubapp", "gcenode", "gcpserviceaccount", "k8sserviceaccount"] = "none"
    """How Config Sync proves who it is."""
    secret_ref: Name | None = None
    """Secret in config-management-system, for ssh, cookiefile, token and githubapp."""
    service_account: ServiceAccount | None = None
    """For gcpserviceaccount."""
    image: PinnedImage | None = None
    """OCI artefact, by digest, for source oci."""


class Wave(Closed):
    """Clusters that move together, at one revision. The first wave that matches a cluster is its wave."""

    where: Where
    """Clusters of the wave."""
    revision: Revision | None = None
    """Tag or commit. Only clusters of stage dev and a platform of one cluster may follow the branch instead."""


class AcknowledgedDeletion(Closed):
    object: KindAndName
    """'Kind namespace/name' or 'Kind name', as the message prints it."""
    reason: Reason


class Deletions(Closed):
    """How many objects one change may remove."""

    budget: Annotated[int, Field(ge=0)] | None = None
    """Most objects that one change may remove."""
    acknowledge: Items[AcknowledgedDeletion] = ()
    """Removals that are meant, one by one."""


class Delivery(Closed):
    source: Literal["git", "oci"] = "git"
    """Where Config Sync reads from: a git repository or an OCI artefact."""
    render: Literal["in-cluster", "ahead"] = "in-cluster"
    """Config Sync renders the overlay, or reads final manifests."""
    config_sync: ConfigSync
    """Repository and credentials."""
    waves: Annotated[Items[Wave], Field(min_length=1)]
    """In order: the first that matches a cluster is its wave."""
    deletions: Deletions = Deletions.model_construct()
    """Guard against removing too much at once."""


Intent = Literal["observe", "adopt", "create"]


class Imports(Closed):
    """Cloud resources the spec names: what exists is observed, and nothing is made of it; adopt takes it over, create makes it."""

    buckets: dict[Bucket, Intent] = {}
    """By name; observe without an entry."""
    addresses: dict[Name, Intent] = {}
    """By name; observe without an entry."""
    secrets: dict[Name, Intent] = {}
    """Key in ``secrets``; observe without an entry. A value is never written."""
    model_armor: dict[Name, Intent] = {}
    """Templates of Model Armor, by name; observe without an entry."""
    cloud_armor: dict[ResourceName, Literal["adopt", "create"]] = {}
    """Keys of ``cloudArmor``; create without an entry."""


class ExtraResource(Closed):
    """A manifest of your own, synced with a team's part."""

    team: Name
    """Key in ``teams``."""
    where: Where
    """Clusters that get it."""
    reason: Reason
    manifest: dict[str, Any]
    """One object of the team's namespace."""


__all__ = ["ConfigSync", "Delivery", "ExtraResource", "Gateway", "Imports", "ProjectId", "Wave"]
