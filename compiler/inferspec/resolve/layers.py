"""Override entries as layers: what one selector changes, by name, in the order of the ladder."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ..model.base import Selector
from ..model.platform import Platform
from ..model.serving import Override, Patch
from .places import Place, selects

EntryId = tuple[str, str, int]
"""Service, ``overrides``, ``patches`` or ``queues``, and index in that list, of queues in the platform's."""


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """Everything the spec says for one selector.

    name     directory-safe: ``region-europe-west4``, ``stage-prod``
    region   set when the layer also fixes what its region is (buckets, proxy subnet)
    entries  override entries with this selector
    """

    name: str
    selector: Selector
    region: str | None
    entries: tuple[EntryId, ...]

    @property
    def services(self) -> frozenset[str]:
        return frozenset(service for service, _, _ in self.entries)

    @property
    def rung(self) -> int:
        return self.selector.rung


def entries(platform: Platform) -> Iterator[tuple[EntryId, Selector]]:
    """Everything that changes some clusters only, with its selector."""
    for service, settings in platform.serving.items():
        for kind in ("overrides", "patches"):
            written: tuple[Override | Patch, ...] = getattr(settings, kind)
            for index, entry in enumerate(written):
                yield (service, kind, index), entry.where or Selector()
        for index, queue in enumerate(platform.queues.values()):
            if queue.team == settings.team:
                yield (service, "queues", index), queue.where


def layers(platform: Platform) -> tuple[Layer, ...]:
    """Regions first within their rung, then entries in the order of the spec; least specific first.

    Entries for the whole fleet belong to the base, entries that name clusters to those clusters: neither makes a layer.
    """
    grouped: dict[str, tuple[Selector, str | None, list[EntryId]]] = {
        slug(Selector(region=(region,))): (Selector(region=(region,)), region, []) for region in platform.regions
    }
    for entry_id, where in entries(platform):
        if where.cluster is None and not where.everywhere:
            grouped.setdefault(slug(where), (where, None, []))[2].append(entry_id)
    made = [Layer(name, selector, region, tuple(ids)) for name, (selector, region, ids) in grouped.items()]
    return tuple(sorted(made, key=lambda layer: layer.rung))


def slug(selector: Selector) -> str:
    """``{region: [a, b], stage: prod}`` -> ``region-a-b-stage-prod``; cut with a hash where it grows beyond a path name."""
    parts: list[str] = []
    for key in ("region", "stage"):
        if values := getattr(selector, key):
            parts += [key, *values]
    for label, values in (selector.label or {}).items():
        parts += ["label", label, *values]
    name = "-".join("".join(c if c.isalnum() else "-" for c in part.lower()) for part in parts).strip("-")
    exact = "-".join(parts)
    if name == exact and len(name) <= 63:
        return name
    return f"{name[:54].rstrip('-')}-{hashlib.sha256(exact.encode()).hexdigest()[:8]}"


@dataclass(frozen=True, slots=True)
class Subject:
    """What resolve is asked for. The fleet subject knows nothing; a layer's subject knows that layer only.

    region   the region whose facts are known, or None
    entries  override entries that apply, least specific first
    """

    region: str | None = None
    entries: tuple[EntryId, ...] = ()


def fleet_subject(platform: Platform) -> Subject:
    return Subject(None, tuple(i for i, where in entries(platform) if where.everywhere))


def layer_subject(base: Subject, layer: Layer) -> Subject:
    return Subject(layer.region, base.entries + layer.entries)


def cluster_subjects(platform: Platform, applying: Mapping[Place, tuple[Layer, ...]]) -> dict[Place, Subject]:
    """For each cluster all entries that match it, in ladder order; two of one rung keep the order of the spec.

    Clusters with the same entries share the subject itself.
    """
    everywhere = fleet_subject(platform).entries
    naming: dict[str, list[tuple[EntryId, Selector]]] = {}
    for entry_id, where in entries(platform):
        for name in dict.fromkeys(where.cluster or ()):
            naming.setdefault(name, []).append((entry_id, where))
    shared: dict[Subject, Subject] = {}
    found = {}
    for place, matching in applying.items():
        named = [entry_id for entry_id, where in naming.get(place.name, ()) if selects(where, place)]
        layered = [i for layer in matching for i in layer.entries]
        subject = Subject(place.region, (*everywhere, *layered, *named))
        found[place] = shared.setdefault(subject, subject)
    return found
