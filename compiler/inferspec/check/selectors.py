"""Selectors that mean somebody: words that no cluster answers to, and entries that reach nobody."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple

from ..diagnostics import Diagnostic, Severity, SpecPath, format_path
from ..model.base import Selector
from ..nearest import nearest
from .context import Context


class Word(NamedTuple):
    """A word of a selector that no cluster has."""

    key: str
    word: str
    known: list[str]
    cause: str

    @property
    def missing(self) -> str:
        return f"there is no {self.key} '{self.word}'"

    @property
    def help(self) -> str:
        return f"{self.missing}; {instead(self.word, self.known)}"

    @property
    def is_near(self) -> bool:
        return bool(nearest(self.word, self.known))


def instead(word: str, known: Collection[str]) -> str:
    """What was meant, or what there is."""
    held = sorted(known)
    if near := nearest(word, held):
        return f"did you mean '{near[0]}'?"
    return f"there are {', '.join(held[:8])}" + (f" and {len(held) - 8} more" if len(held) > 8 else "") if held else "no cluster has any"


def unknown(context: Context, selector: Selector) -> list[Word]:
    """Words of the selector that no cluster has."""
    places, found = context.fleet.places, []
    for key, known in (
        ("cluster", {p.name for p in places}),
        ("region", {p.region for p in places}),
        ("stage", {p.cluster.stage for p in places}),
    ):
        found += [Word(key, v, sorted(known), f"{key} {v}") for v in getattr(selector, key) or () if v not in known]
    for label, values in (selector.label or {}).items():
        has = [p for p in places if label in p.cluster.labels]
        known, cause = {p.cluster.labels[label] for p in has}, f"label {label}"
        if not has:
            found.append(Word("label", label, sorted({name for p in places for name in p.cluster.labels}), cause))
        # A cluster without the label may be the one that is meant.
        causes = {v: cause if len(has) < len(places) else f"{cause} {v}" for v in values}
        found += [Word(cause, v, sorted(known), causes[v]) for v in values if has and v not in known]
    return found


def selectors(context: Context) -> Iterator[Diagnostic]:
    """A selector that means no cluster is a mistake; of one that means some, each word means one."""
    for path, selector in written(context):
        words = unknown(context, selector)
        if not context.fleet.selected(selector):
            yield context.finding(
                "SPC010",
                f"{format_path(path)} selects no cluster",
                path,
                help=words[0].help if words else "no cluster matches all of its keys at once",
                cause=words[0].cause if words else "",
                presumes=("clusters",),
            )
        elif words:
            yield context.finding(
                "SPC030",
                f"{format_path(path)}: {words[0].missing}",
                path,
                severity=Severity.WARNING,
                notes=("it selects by its other words alone",),
                help=instead(words[0].word, words[0].known),
                cause=words[0].cause,
                presumes=("clusters",),
            )


def waves(context: Context) -> Iterator[Diagnostic]:
    """A wave that no cluster is in: its clusters, if it was to have any, follow another wave's revision."""
    for i, wave in enumerate(context.platform.delivery.waves):
        if any(place.wave == i for place in context.fleet.places):
            continue
        words = unknown(context, wave.where)
        meant = next((word for word in words if word.is_near), None)
        selected = context.fleet.selected(wave.where)
        yield context.finding(
            "SYNC119",
            f"wave {i + 1} has no cluster",
            ("delivery", "waves", i, "where"),
            severity=Severity.ERROR if meant is not None else Severity.WARNING,
            notes=(f"earlier waves have every cluster that it selects: {', '.join(p.name for p in selected[:3])}",) if selected else (),
            help=(meant or words[0]).help if words else "the first wave that matches a cluster is its wave: put the narrower one first"
            if selected else "no cluster matches all of its keys at once",
            cause=(meant or words[0]).cause if words else "",
            presumes=("clusters",),
        )  # fmt: skip


def written(context: Context) -> Iterator[tuple[SpecPath, Selector]]:
    """Every selector but those of waves."""
    platform = context.platform
    for name, service in platform.serving.items():
        root: SpecPath = ("serving", name)
        if service.where is not None:
            yield (*root, "where"), service.where
        for key, variant in service.variants.items():
            yield (*root, "variants", key, "where"), variant.where
        for i, override in enumerate(service.overrides):
            yield (*root, "overrides", i, "where"), override.where
        for i, patch in enumerate(service.patches):
            if patch.where is not None:
                yield (*root, "patches", i, "where"), patch.where
        if service.canary is not None:
            yield (*root, "canary", "where"), service.canary.where
    for name, gateway in platform.gateways.items():
        yield ("gateways", name, "where"), gateway.where
        if gateway.dns is not None and gateway.dns.where is not None:
            yield ("gateways", name, "dns", "where"), gateway.dns.where
    for name, spec in platform.capacity_classes.items():
        if spec.where is not None:
            yield ("capacityClasses", name, "where"), spec.where
    for name, queue in platform.queues.items():
        yield ("queues", name, "where"), queue.where
    for i, extra in enumerate(platform.extra_resources):
        yield ("extraResources", i, "where"), extra.where
