"""Gateways and delivery: how requests come in and how manifests go out."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from .base import Closed, Duration, GitRepo, Host, Name, ProjectId, Reason, Revision, Where, items


class Tls(Closed):
    """The certificate, in the form the gateway class takes: a Certificate Manager certificate of the gateway's region."""

    certificate: Annotated[str, Field(pattern=r"^[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?$")]


class ModelArmor(Closed):
    template: Name


class Gateway(Closed):
    """A front door in each cluster it is for."""

    class_: Annotated[Literal["regional-external", "regional-internal", "global-external", "cross-regional-internal"], Field(alias="class")]
    """Load balancer."""
    where: Where
    host: Host
    """Host name clients use."""
    tls: Tls | None = None
    """Without it the gateway serves plain HTTP."""
    timeout: Duration | None = None
    """Longest request; covers the longest generation."""
    address: Name | None = None
    """Reserved address, by name."""
    model_armor: ModelArmor | None = None


class ConfigSync(Closed):
    """Where Config Sync reads from."""

    repo: GitRepo | None = None
    branch: Revision | None = None
    auth: Literal["none", "ssh", "cookiefile", "token", "githubapp", "gcenode", "gcpserviceaccount", "k8sserviceaccount"] = "none"
    secret_ref: Name | None = None
    """Secret in config-management-system, for ssh, cookiefile, token and githubapp."""
    service_account: Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+\.iam\.gserviceaccount\.com$")] | None = None
    """For gcpserviceaccount."""
    image: Annotated[str, Field(pattern=r"^\S+@sha256:[0-9a-f]{64}$")] | None = None
    """OCI artefact, by digest, for source oci."""


class Wave(Closed):
    """Clusters that move together, at one revision. The first wave that matches a cluster is its wave."""

    where: Where
    revision: Revision | None = None
    """Tag or commit. Only clusters of stage dev and a platform of one cluster may follow the branch instead."""


class AcknowledgedDeletion(Closed):
    object: Annotated[str, Field(pattern=r"^[A-Z][A-Za-z]+ \S+$")]
    """'Kind namespace/name' or 'Kind name', as the message prints it."""
    reason: Reason


class Deletions(Closed):
    """How many objects one change may remove."""

    budget: Annotated[int, Field(ge=0)] | None = None
    acknowledge: items(AcknowledgedDeletion) = ()
    """Removals that are meant, one by one."""


class Delivery(Closed):
    source: Literal["git", "oci"] = "git"
    render: Literal["in-cluster", "ahead"] = "in-cluster"
    """Config Sync renders the overlay, or reads final manifests."""
    config_sync: ConfigSync
    waves: items(Wave, min_length=1)
    deletions: Deletions = Deletions()


class Imports(Closed):
    """Cloud resources that exist already."""

    buckets: dict[str, Literal["observe", "adopt", "create"]] = {}
    addresses: dict[str, Literal["observe", "adopt", "create"]] = {}


class ExtraResource(Closed):
    """A manifest of your own, synced with a team's part."""

    team: Name
    where: Where
    reason: Reason
    manifest: dict[str, Any]


__all__ = ["ConfigSync", "Delivery", "ExtraResource", "Gateway", "Imports", "ProjectId", "Wave"]
