"""Delivery that Config Sync will accept."""

from __future__ import annotations

from collections.abc import Iterator

from ..diagnostics import Diagnostic
from ..resolve.naming import ROOT_SYNC_NAME_LIMIT
from .context import Context

WITH_SECRET = ("ssh", "cookiefile", "token", "githubapp")
"""Ways to authenticate to git that need a Secret (Config Sync, RootSync validation)."""


def sources(context: Context) -> Iterator[Diagnostic]:
    sync = context.platform.delivery.config_sync
    at = ("delivery", "configSync")
    if context.platform.delivery.source == "git" and sync.repo is None:
        yield context.finding(
            "SPC002", "delivery.configSync has no repo", at, key=True, help="repo: URL of the repository that holds overlays/"
        )
    if sync.auth in WITH_SECRET and sync.secret_ref is None:
        yield context.finding(
            "SYNC101", f"auth {sync.auth} needs a secretRef", (*at, "auth"), help="secretRef: a Secret in config-management-system"
        )
    if sync.auth not in WITH_SECRET and sync.secret_ref is not None:
        yield context.finding(
            "SYNC101", f"auth {sync.auth} takes no secretRef", (*at, "secretRef"), key=True, help="remove it, or change auth"
        )
    if sync.auth == "k8sserviceaccount" and context.platform.delivery.source == "git":
        yield context.finding(
            "SYNC101", "k8sserviceaccount is for OCI sources only", (*at, "auth"), help="token, gcenode or gcpserviceaccount"
        )
    if sync.auth == "gcpserviceaccount" and sync.service_account is None:
        yield context.finding(
            "SYNC101",
            "auth gcpserviceaccount needs a serviceAccount",
            (*at, "auth"),
            help="serviceAccount: NAME@PROJECT.iam.gserviceaccount.com",
        )
    if sync.auth != "gcpserviceaccount" and sync.service_account is not None:
        yield context.finding(
            "SYNC101", f"auth {sync.auth} takes no serviceAccount", (*at, "serviceAccount"), key=True, help="remove it, or change auth"
        )


def transport(context: Context) -> Iterator[Diagnostic]:
    """A key pair is for an SSH URL, every other credential for an HTTPS one."""
    sync = context.platform.delivery.config_sync
    if sync.repo is None or sync.auth == "k8sserviceaccount":  # which git takes by neither
        return
    by_ssh = not sync.repo.startswith("https://")
    if by_ssh != (sync.auth == "ssh"):
        said = "auth" if sync.auth != "none" else "repo"
        yield context.finding(
            "SYNC120",
            f"auth {sync.auth} does not go with {sync.repo}: git asks for " + ("a key pair by SSH" if by_ssh else "no key pair by HTTPS"),
            ("delivery", "configSync", said),
            help="auth: ssh with a secretRef that has the key, or the https:// URL of the repository"
            if by_ssh
            else "repo: git@HOST:PATH or ssh://HOST/PATH, or auth: token with a secretRef that has the token",
        )


def waves(context: Context) -> Iterator[Diagnostic]:
    """Every cluster belongs to a wave; a cluster without one would never sync."""
    for place in context.fleet.places:
        if place.wave < 0:
            yield context.finding(
                "SYNC102",
                f"no wave selects cluster {place.name}",
                place.path,
                key=True,
                related=(context.span(("delivery", "waves"), "the waves", key=True),),
                help="add a wave for it; 'where: all' last catches the rest",
            )


def names(context: Context) -> Iterator[Diagnostic]:
    for team in context.platform.teams:
        if len(team) > ROOT_SYNC_NAME_LIMIT:
            yield context.finding(
                "SYNC104",
                f"team {team}: a RootSync has its name, and that has at most {ROOT_SYNC_NAME_LIMIT} characters, not {len(team)}",
                ("teams", team),
                key=True,
                notes=("Config Sync puts the name behind config-management-system_ into a label of 63 characters",),
                help="choose a shorter name for the team; its namespace may stay",
            )


def later(context: Context) -> Iterator[Diagnostic]:
    """What the language has and the compiler does not write yet is said, never silently dropped."""
    platform = context.platform
    if platform.delivery.source == "oci":
        yield context.finding("SPC013", "delivery.source: oci is not emitted yet", ("delivery", "source"), help="source: git")
    if platform.delivery.render == "ahead":
        yield context.finding("SPC013", "delivery.render: ahead is not emitted yet", ("delivery", "render"), help="render: in-cluster")
