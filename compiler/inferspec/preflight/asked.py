"""Every need asked for, side by side: what was looked at, and what was found."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from ..check.context import Context
from ..diagnostics import Diagnostic, Severity
from ..resolve.places import Place
from .buckets import buckets
from .cloud import Cloud
from .disk_images import disk_images
from .models import models
from .needs import Needs
from .reservations import reservations
from .secrets import secrets

AT_ONCE = 8
"""Questions at a time: the connection pool has ten."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at. ``state`` is ok, the worst severity found, or why it was not asked."""

    kind: str
    what: str
    clusters: tuple[str, ...]
    state: str


Answer = tuple[Check, list[Diagnostic]]


def asked(context: Context, cloud: Cloud, needed: Needs) -> Iterator[Answer]:
    """In the order of buckets, models, secrets, reservations, disk images. Raises Refusal where an API does not answer."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        wanted = ((bucket.name, bucket, bucket.places) for bucket in needed.buckets.values())
        found = _all(pool, "bucket", wanted, lambda need: buckets(context, cloud, need))
        yield from found
        unread = {check.what for check, problems in found if any(d.code == "STO201" for d in problems)}
        for need in needed.models.values():
            if need.bucket in unread:
                yield Check("model", need.target, _names(need.places), "not asked: no bucket"), []
        here = [(model.target, model, model.places) for model in needed.models.values() if model.bucket not in unread]
        yield from _all(pool, "model", here, lambda need: models(context, cloud, need))
        pinned = ((f"{s.resource}/versions/{s.version}", s, s.places) for s in needed.secrets.values())
        yield from _all(pool, "secret", pinned, lambda need: secrets(context, cloud, need))
        held = ((f"{r.owner}/{r.zone}/{r.spec.name}", r, r.places) for r in needed.reservations.values())
        yield from _all(pool, "reservation", held, lambda need: reservations(context, cloud, need))
        imaged = ((image.resource, image, image.places) for image in needed.disk_images.values())
        yield from _all(pool, "disk image", imaged, lambda need: disk_images(context, cloud, need))


def _all(
    pool: ThreadPoolExecutor, kind: str, wanted: Iterable[tuple[str, Any, list[Place]]], ask: Callable[[Any], Iterator[Diagnostic]]
) -> list[Answer]:
    listed = list(wanted)
    answers = list(pool.map(lambda item: list(ask(item[1])), listed))
    return [(Check(kind, what, _names(places), _state(found)), found) for (what, _, places), found in zip(listed, answers, strict=True)]


def _names(places: list[Place]) -> tuple[str, ...]:
    return tuple(place.name for place in places)


def _state(found: list[Diagnostic]) -> str:
    worst = min((d.severity for d in found), key=lambda severity: severity.rank, default=Severity.INFO)
    return "ok" if worst is Severity.INFO else str(worst)
