"""Secrets: there, and the pinned version can be read by whoever is granted it."""

from __future__ import annotations

from collections.abc import Iterator

from ..check.context import Context, clusters
from ..diagnostics import Diagnostic
from .cloud import Cloud, unseen
from .needs import SecretNeed


def secrets(context: Context, cloud: Cloud, need: SecretNeed) -> Iterator[Diagnostic]:
    """The content is never read: ``versions.get`` tells the state alone (Secret Manager API v1)."""
    status, said = cloud.get("secrets", f"/v1/{need.resource}/versions/{need.version}")
    users = f"needed by {clusters(need.places)}"
    if status != 200:
        there, _ = cloud.get("secrets", f"/v1/{need.resource}")
        what, key = (f"version {need.version} of secret {need.key}", "version") if there == 200 else (f"secret {need.key}", "secretManager")
        yield context.finding(
            "SEC201",
            f"{what} cannot be found",
            ("secrets", need.key, key),
            notes=(f"{need.resource}: {unseen(status)}", users),
            help=f"gcloud secrets versions list {need.resource.rpartition('/')[2]} --project {need.resource.split('/')[1]}",
        )
    elif said.get("state") != "ENABLED":
        yield context.finding(
            "SEC202",
            f"version {need.version} of secret {need.key} is {str(said.get('state', 'unknown')).lower()}",
            ("secrets", need.key, "version"),
            notes=(f"{need.resource}: a pod that mounts it does not start", users),
            help="enable it, or pin a version that is enabled",
        )
