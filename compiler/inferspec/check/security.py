"""Keys and image policies of clusters: a key stands where what it encrypts stands, and what a policy admits is known by its digest."""

from __future__ import annotations

from collections.abc import Iterator

from ..diagnostics import Diagnostic, Severity, SpecPath
from ..resolve.images import images_of
from ..resolve.keys import GKE_AGENT, keys
from .context import Context, clusters


def located(context: Context) -> Iterator[Diagnostic]:
    """A key of another region is refused; Secrets want one of the cluster's own region, disks take a wider one."""
    told: set[tuple[SpecPath, str]] = set()
    for place in context.fleet.places:
        for key in keys(context.fleet, place):
            region = key.location in context.catalogue.regions
            if key.location == place.region or (key.path, place.region) in told or not (region or key.agent == GKE_AGENT):
                continue
            told.add((key.path, place.region))
            yield context.finding(
                "SEC115",
                f"the key of {key.of} of {place.name} is in {key.location}, the cluster in {place.region}",
                key.path,
                severity=Severity.ERROR if region else Severity.WARNING,
                notes=("a key does not leave its location, and what it encrypts is in reach of that location alone",)
                if region
                else ("each read of a Secret then depends on a second failure domain",),
                help=f"a key in projects/PROJECT/locations/{place.region}"
                + ("" if key.path[0] == "regions" else ", in a class of its own for each region"),
            )


def admitted(context: Context) -> Iterator[Diagnostic]:
    """Attestations are found by digest: an image by tag has none. With a lock, its gaps are told by the lock's own rule."""
    held = [p for p in context.fleet.places if p.cluster.security.binary_authorization is not None]
    if not held or context.catalogue.digests:
        return
    loose = {str(image.v): use for place in held for image, use in images_of(context.fleet, place) if "@sha256:" not in str(image.v)}
    if loose:
        first, use = next(iter(loose.items()))
        yield context.finding(
            "SEC116",
            f"{clusters(held)} admits images by Binary Authorization, and {len(loose)} of its images have no digest",
            (*held[0].path, "security", "binaryAuthorization"),
            severity=Severity.WARNING,
            notes=(f"such as {first}, pulled for {use}", "attestations are found by digest; a policy that asks for one refuses these"),
            help="run 'inferspec lock', or let the policy exempt the repositories they come from",
        )
