"""Overrides that agree and reach a server, patches that are still meant."""

from __future__ import annotations

from collections.abc import Iterator

from ..diagnostics import Diagnostic, SpecPath, format_path
from ..model.serving import Override
from ..resolve.places import selects
from ..resolve.settings import WorkloadKey, spoken, variants
from .context import PLACED, Context, clusters


def _says(entry: Override, path: SpecPath) -> dict[str, tuple[object, SpecPath]]:
    said: dict[str, tuple[object, SpecPath]] = {key: (s.v, s.path) for key, s in spoken(entry, path)}
    said |= {f"flags.{k}": (v, (*path, "flags", k)) for k, v in entry.flags.items()}
    return said | {f"env.{k}": (v, (*path, "env", k)) for k, v in entry.env.items()}


def conflicts(context: Context) -> Iterator[Diagnostic]:
    """Two entries of one rung may not set one key to two values for one cluster: neither is more specific."""
    for name, service in context.platform.serving.items():
        entries = [(o, o.where.rung, _says(o, ("serving", name, "overrides", i))) for i, o in enumerate(service.overrides)]
        for i, (entry, rung, second) in enumerate(entries):
            for earlier, other, first in entries[:i]:
                if other != rung or (earlier.variant and entry.variant and earlier.variant != entry.variant):
                    continue
                clash = [k for k in second if k in first and first[k][0] != second[k][0]]
                both = [p for p in context.fleet.selected(entry.where) if selects(earlier.where, p)] if clash else []
                if both:
                    key = clash[0]
                    yield context.finding(
                        "SPC009",
                        f"{name}: two overrides of one rung set {key} for cluster {both[0].name}",
                        second[key][1],
                        label=f"{second[key][0]}",
                        related=(context.span(first[key][1], f"{first[key][0]}"),),
                        help="make one of the selectors more specific (stage < region < label < cluster)",
                    )


def placed(context: Context) -> Iterator[Diagnostic]:
    """An override that reaches no server of its service changes nothing: as much a mistake as one that selects nothing."""
    for name, service in context.platform.serving.items():
        for i, override in enumerate(service.overrides):
            selected = context.fleet.selected(override.where)
            keys = [WorkloadKey(name, v) for v in variants(service) if override.variant in (None, v)]
            if selected and not any(context.fleet.is_placed(k, p) for k in keys for p in selected):
                what = name if override.variant is None else f"{name}-{override.variant}"
                runs = [p for p in context.fleet.places if any(context.fleet.is_placed(k, p) for k in keys)]
                yield context.finding(
                    "SPC010",
                    f"{format_path(('serving', name, 'overrides', i))} selects no cluster that runs {what}",
                    ("serving", name, "overrides", i, "where"),
                    notes=(f"it selects {clusters(selected)}",),
                    help=f"{what} runs in {clusters(runs) or 'no cluster'}",
                    presumes=PLACED,
                )
        if service.canary is not None:
            at: SpecPath = ("serving", name, "canary", "where")
            keys = [k for k in context.fleet.workload_keys if k.service == name]
            beside = service.canary.variant
            own = [k for k in keys if not k.canary and beside in (None, k.variant)]
            what = name if beside is None else f"{name}-{beside}"
            runs = [p for p in context.fleet.places if any(context.fleet.is_placed(k, p) for k in own)]
            selected = context.fleet.selected(service.canary.where)
            if selected and not any(context.fleet.is_placed(k, p) for k in keys if k.canary for p in selected):
                yield context.finding(
                    "SPC010",
                    f"{format_path(at)} selects no cluster that runs {what}",
                    at,
                    notes=(f"it selects {clusters(selected)}",),
                    help=f"{what} runs in {clusters(runs) or 'no cluster'}",
                    presumes=PLACED,
                )


def expired(context: Context) -> Iterator[Diagnostic]:
    """A patch is an exception with an end: past it, it is dropped or renewed by someone who looks at it."""
    for name, service in context.platform.serving.items():
        for i, patch in enumerate(service.patches):
            if patch.until is not None and patch.until < context.today.isoformat():
                yield context.finding(
                    "SPC014",
                    f"the patch of {patch.target} for {name} ended on {patch.until}",
                    ("serving", name, "patches", i, "until"),
                    notes=(f"its reason: {patch.reason}",),
                    help="remove the patch, or set a new date",
                )
