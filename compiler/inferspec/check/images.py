"""Images: reachable from each cluster's nodes, and pinned once there is a lock."""

from __future__ import annotations

from collections.abc import Iterator

from ..diagnostics import Diagnostic, Severity
from ..nearest import nearest
from ..resolve.images import images_of
from ..resolve.places import Place
from ..values import Derived, SpecAt, Value
from .context import Context, clusters

OWN_REGISTRIES = (".pkg.dev", "gcr.io")
"""Artifact Registry and its older name: reached over Private Google Access (Artifact Registry documentation, "Private Google Access")."""


def reached(context: Context) -> Iterator[Diagnostic]:
    """A node without a way to the internet pulls from Google's registries alone."""
    lacking: dict[str, tuple[str, list[Place]]] = {}
    offline = [place for place in context.fleet.places if not place.cluster.internet]
    for place in offline:
        for image, use in images_of(context.fleet, place):
            host = str(image.v).partition("/")[0]
            if not host.endswith(OWN_REGISTRIES):
                lacking.setdefault(str(image.v).partition("@")[0], (use, []))[1].append(place)
    for name, (use, places) in lacking.items():
        here = list(dict.fromkeys(places))
        prefix = name.rpartition("/")[0]
        yield context.finding(
            "SEC113",
            f"nodes of {clusters(here)} do not reach {name.partition('/')[0]}",
            (*here[0].path, "internet"),
            notes=(f"{name} is pulled for {use}",),
            help=f"images.mirrors: {{{prefix}: REGION-docker.pkg.dev/PROJECT/REPOSITORY}}, and copy the image there",
        )
    for download in context.fleet.downloads:
        if download.writer in offline:
            yield context.finding(
                "STO116",
                f"cluster {download.writer.name} fills {download.bucket} and does not reach the source of {download.artefact.key}",
                (*download.writer.path, "internet"),
                notes=(f"{download.artefact.source.v} is downloaded by a Job of this cluster",),
                help="storage.NAME.writers names a cluster that reaches it",
            )
            return


def unused(context: Context) -> Iterator[Diagnostic]:
    """A mirror that no image comes from is a prefix with a mistake."""
    if not context.platform.images.mirrors or context.services_left_out:
        return
    published = {str(_source(image).v).partition("/")[0] for place in context.fleet.places for image, _ in images_of(context.fleet, place)}
    used = {prefix for place in context.fleet.places for image, _ in images_of(context.fleet, place) for prefix in _prefixes(image)}
    for prefix in context.platform.images.mirrors:
        if prefix not in used:
            yield context.finding(
                "SPC023",
                f"no image comes from {prefix}",
                ("images", "mirrors", prefix),
                key=True,
                severity=Severity.WARNING,
                help=_registry(prefix, published),
            )


def _registry(prefix: str, published: set[str]) -> str:
    near = nearest(prefix.partition("/")[0], sorted(published))
    if near and near[0] != prefix.partition("/")[0]:
        return f"did you mean {near[0]}?"
    return f"images are written with their registry, such as docker.io/vllm; they come from {', '.join(sorted(published))}"


def _source(image: Value) -> Value:
    """The image as it is published."""
    while isinstance(image.origin, Derived) and image.origin.rule.startswith(("mirror of ", "digest of ")):
        image = image.origin.inputs[0]
    return image


def _prefixes(image: Value) -> Iterator[str]:
    """Mirrors that an image went through."""
    origin = image.origin
    for value in getattr(origin, "inputs", ()):
        if isinstance(value.origin, SpecAt) and value.origin.path[:2] == ("images", "mirrors"):
            yield str(value.origin.path[2])
        yield from _prefixes(value)


def pinned(context: Context) -> Iterator[Diagnostic]:
    """Where there is a lock, it has every image."""
    if not context.catalogue.digests:
        return
    found: dict[str, str] = {}
    for place in context.fleet.places:
        for image, use in images_of(context.fleet, place):
            if "@sha256:" not in str(image.v):
                found.setdefault(str(image.v), use)
    if found:
        first, use = next(iter(found.items()))
        more = f" and {len(found) - 1} more" if len(found) > 1 else ""
        yield context.finding(
            "SEC114",
            f"the lock has no digest of {first}{more}",
            ("name",),
            severity=Severity.WARNING,
            notes=(f"pulled for {use}",),
            help="run 'inferspec lock'",
        )
