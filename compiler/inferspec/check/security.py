"""Keys and image policies of clusters: a key stands where what it encrypts stands, and what a policy admits is known by its digest."""

from __future__ import annotations

from collections.abc import Iterator

from ..diagnostics import Diagnostic, Severity, SpecPath
from ..resolve.images import images_of
from ..resolve.keys import keys
from .context import Context, agreeing


def located(context: Context) -> Iterator[Diagnostic]:
    """A key of another location is refused; Secrets want one of the cluster's own region, disks take a wider one."""
    told: set[tuple[SpecPath, str]] = set()
    for place in context.fleet.places:
        for key in keys(context.fleet, place):
            root = key.path[0]
            refused = key.location in context.catalogue.regions or root == "storage"
            if key.location == key.stands or (key.path, key.stands) in told or not (refused or key.path[-1] == "secretsKey"):
                continue
            told.add((key.path, key.stands))
            why = "a key does not leave its location, and encrypts what stands there" if refused else _WIDE
            yield context.finding(
                "SEC115",
                f"the key of {key.of}, in {key.stands}, is in {key.location}",
                key.path,
                severity=Severity.ERROR if refused else Severity.WARNING,
                notes=(why,),
                help=f"a key in projects/PROJECT/locations/{key.stands}"
                + (", in a class of its own for each region" if root == "capacityClasses" else ""),
            )


_WIDE = "each read of a Secret then depends on a second failure domain"


def unused(context: Context) -> Iterator[Diagnostic]:
    """A key of a bucket that stands is set by nobody: neither Terraform nor Config Connector touches it."""
    for name, store in context.platform.storage.items():
        for location in store.keys:
            bucket, at = store.buckets.get(location), ("storage", name, "keys", location)
            if bucket is None:
                message = f"storage {name} has no bucket in {location}, so its key encrypts nothing"
                yield context.finding("SPC026", message, at, key=True, help=f"it has {', '.join(store.buckets)}")
            elif context.platform.imports.buckets.get(bucket, "observe") == "observe":
                yield context.finding(
                    "SPC026",
                    f"bucket {bucket} stands, so nobody sets its key",
                    at,
                    key=True,
                    help=f"imports: {{buckets: {{{bucket}: adopt}}}}, or set the key where the bucket is made and remove this one",
                )


def admitted(context: Context) -> Iterator[Diagnostic]:
    """Attestations are found by digest: an image by tag has none. With a lock, its gaps are told by the lock's own rule."""
    held = [p for p in context.fleet.places if p.cluster.security.binary_authorization is not None]
    if not held or context.catalogue.digests:
        return
    loose = {str(image.v): use for place in held for image, use in images_of(context.fleet, place) if "@sha256:" not in str(image.v)}
    if loose:
        first, use = next(iter(loose.items()))
        whose, have = "its" if len(held) == 1 else "their", "has" if len(loose) == 1 else "have"
        yield context.finding(
            "SEC116",
            f"{agreeing(held, 'admits', 'admit')} images by Binary Authorization, and {len(loose)} of {whose} images {have} no digest",
            (*held[0].path, "security", "binaryAuthorization"),
            severity=Severity.WARNING,
            notes=(f"such as {first}, pulled for {use}", "attestations are found by digest; a policy that asks for one refuses these"),
            help="run 'inferspec lock', or let the policy exempt the repositories they come from",
        )
