"""Buckets: there, in the right place, closed to the public, made for many readers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from ..check.context import Context, by_region, clusters
from ..diagnostics import Diagnostic, Severity
from .cloud import Cloud, unseen
from .needs import BucketNeed


def buckets(context: Context, cloud: Cloud, need: BucketNeed) -> Iterator[Diagnostic]:
    """Fields as the Cloud Storage JSON API has them ("Buckets")."""
    status, said = cloud.get("storage", f"/storage/v1/b/{quote(need.name, safe='')}?projection=noAcl")
    if status != 200:
        yield context.finding(
            "STO201",
            f"bucket {need.name} cannot be read",
            need.path,
            notes=(unseen(status), f"needed by {clusters(need.places)}"),
            help="create it before the pods start: the clusters' terraform.tfvars.json names it; or let this identity see it",
        )
        return
    yield from _location(context, need, said)
    yield from _access(context, need, said)
    yield from _layout(context, need, said)


def _location(context: Context, need: BucketNeed, said: Any) -> Iterator[Diagnostic]:
    """A dual-region of one's own choice tells its regions, any other location is in the catalogue.

    A source that stands in a bucket already (an adapter's) is one for all regions, and small: a warning.
    """
    told = str(said.get("location", "")).lower()
    row = context.catalogue.storage_locations.get(told)
    chosen = [region.lower() for region in said.get("customPlacementConfig", {}).get("dataLocations", [])]
    regions = chosen or (list(row.regions) if row is not None else [told])
    for region, places in by_region(need.places).items():
        if region not in regions:
            yield context.finding(
                "STO202",
                f"bucket {need.name} is in {told}, {region} reads it",
                need.path,
                severity=Severity.ERROR if need.location is not None else Severity.WARNING,
                notes=(f"{told} has {', '.join(regions)}", f"{clusters(places)} would load weights between regions, billed as egress"),
                help="a bucket's location cannot be changed: publish to one in the region and name it here",
            )
    key = need.location and context.catalogue.storage_locations.get(need.location)
    codes = {need.location, key.code.lower() if key else ""}
    if need.location is not None and told not in codes and all(region in regions for region in by_region(need.places)):
        yield context.finding(
            "STO202",
            f"bucket {need.name} is in {told}, the spec says {need.location}",
            need.path,
            help=f"write {told}: {need.name}, or name the bucket that is in {need.location}",
        )


def _access(context: Context, need: BucketNeed, said: Any) -> Iterator[Diagnostic]:
    rights = said.get("iamConfiguration", {})
    if not rights.get("uniformBucketLevelAccess", {}).get("enabled"):
        yield context.finding(
            "STO203",
            f"bucket {need.name} takes access lists on single objects",
            need.path,
            notes=("uniform bucket-level access is off: an object can be shared past the bucket's grants",),
            help=f"gcloud storage buckets update gs://{need.name} --uniform-bucket-level-access",
        )
    if rights.get("publicAccessPrevention") != "enforced":
        yield context.finding(
            "STO204",
            f"bucket {need.name} could be made public",
            need.path,
            severity=Severity.WARNING,
            notes=("public access prevention is inherited: the organisation's policy may or may not enforce it",),
            help=f"gcloud storage buckets update gs://{need.name} --public-access-prevention",
        )


def _layout(context: Context, need: BucketNeed, said: Any) -> Iterator[Diagnostic]:
    if not said.get("hierarchicalNamespace", {}).get("enabled"):
        yield context.finding(
            "STO205",
            f"bucket {need.name} has a flat namespace",
            need.path,
            severity=Severity.INFO,
            notes=("Cloud Storage FUSE lists and opens folders faster with a hierarchical one",),
            help="it is chosen when a bucket is made: --enable-hierarchical-namespace with --uniform-bucket-level-access",
        )
    kept = int(said.get("softDeletePolicy", {}).get("retentionDurationSeconds", 0))
    if kept:
        yield context.finding(
            "STO206",
            f"bucket {need.name} keeps deleted objects for {kept / 86400:g} days",
            need.path,
            severity=Severity.WARNING,
            notes=("old revisions are large, and what is deleted is billed until then",),
            help=f"gcloud storage buckets update gs://{need.name} --clear-soft-delete, if the source can be downloaded again",
        )
