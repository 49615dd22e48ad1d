"""Disk images of secondary boot disks: there, and ready."""

from __future__ import annotations

from collections.abc import Iterator

from ..check.context import Context, clusters
from ..diagnostics import Diagnostic
from .cloud import Cloud, unseen
from .needs import DiskImageNeed


def disk_images(context: Context, cloud: Cloud, need: DiskImageNeed) -> Iterator[Diagnostic]:
    """Fields as the Compute Engine API has them ("images")."""
    status, said = cloud.get("compute", f"/compute/v1/{need.resource}")
    if status != 200:
        yield context.finding(
            "CAP135",
            f"disk image {need.name} cannot be found",
            need.path,
            notes=(f"project {need.project}: {unseen(status)}", f"used by {clusters(need.places)}"),
            help=f"gcloud compute images list --project {need.project} --no-standard-images; docs/capacity.md says how one is made",
        )
    elif said.get("status") != "READY":
        yield context.finding(
            "CAP136",
            f"disk image {need.name} is {str(said.get('status', 'of unknown status')).lower()}",
            need.path,
            notes=("no disk is made of it before it is ready", f"used by {clusters(need.places)}"),
            help="wait until it is, or make it again where it failed",
        )
