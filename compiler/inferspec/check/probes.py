"""Servers that are watched: no patch and no budget leaves one that hangs holding its accelerator for hours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..diagnostics import Diagnostic, Severity, SpecPath
from ..model.base import seconds
from ..model.serving import Patch
from .context import Context, place_of

PROBES = ("startupProbe", "readinessProbe", "livenessProbe")
SILENCE = 60
"""Failed checks in a row, five to ten seconds apart, beyond which a patched readiness or liveness probe notices a hang too late."""
UNNOTICED = 600
"""Seconds of them, whatever the period: SILENCE checks ten seconds apart."""
LOADING = 4 * 3600
"""Seconds of a start-up: 1 TB of weights, the most of the catalogue, takes an hour at 300 MB/s, the slowest way; twice that is the derived
budget, and twice that again this."""


def watched(context: Context) -> Iterator[Diagnostic]:
    """A patch that leaves a server unwatched, or ends all replicas at every change, is said: nobody sees it in the tree."""
    for name, service in context.platform.serving.items():
        for i, patch in enumerate(service.patches):
            told: set[str] = set()
            for field, value in patch.set.items():
                steps = _steps(field)
                probe = next((step for step in steps if step in PROBES), "")
                what = _unwatched(steps, value) or ("" if probe in told else _late(context, patch, probe))
                if what:
                    told.add(probe)
                    yield _finding(context, f"a patch of {name} {what}", ("serving", name, "patches", i, "set", field), key=True)


def budgets(context: Context) -> Iterator[Diagnostic]:
    """A start-up budget beyond what any model takes: a server that hangs while it loads is found that late."""
    seen: set[SpecPath] = set()
    for w in context.workloads():
        asked = w.settings.get("startup")
        at = place_of(asked, w.path) if asked is not None else w.path
        if asked is None or at in seen or (budget := seconds(str(asked.v))) <= (most := max(LOADING, 4 * w.pod.ready_seconds)):
            continue
        seen.add(at)
        yield _finding(
            context,
            f"{w.name}: a server that hangs while it loads holds its accelerator for {asked.v}",
            at,
            notes=(f"it needs about {w.pod.ready_seconds:,} s; {budget:,} s are allowed, more than {most:,} s is no margin",),
        )


def _finding(context: Context, message: str, at: SpecPath, **more: Any) -> Diagnostic:
    way = "leave them as derived, from the size of the weights and the way they are read"
    return context.finding("SRV130", message, at, severity=Severity.WARNING, help=way, **more)


def _steps(field: str) -> list[str]:
    return field.replace("[", ".").replace("]", "").split(".")


def _unwatched(steps: list[str], value: Any) -> str:
    """What the patch of one field takes away; empty for any other field."""
    if steps[-1] in PROBES and value is None:
        return f"takes away the {steps[-1]}: a server that hangs is not found"
    probe = next((step for step in steps if step in PROBES[1:]), "")
    failures = value.get("failureThreshold") if isinstance(value, dict) else value if steps[-1] == "failureThreshold" else None
    if probe and isinstance(failures, int) and failures > SILENCE:
        return f"lets the {probe} fail {failures:,} times: a server that hangs goes on taking requests"
    kind = value.get("type") if isinstance(value, dict) and steps[-1] == "strategy" else value if steps[-2:] == ["strategy", "type"] else ""
    return "sets strategy Recreate: every change is an outage" if kind == "Recreate" else ""


def _late(context: Context, patch: Patch, probe: str) -> str:
    """How long a hang is not noticed where a patch says the period or the failures of a probe; what it does not say is as derived."""
    said = _said(patch.set, probe) if probe else {}
    if not said:
        return ""
    kind = probe.removesuffix("Probe")
    period = said.get("periodSeconds", context.catalogue.default(f"probes.{kind}.period"))
    derived = 1 if kind == "startup" else context.catalogue.default(f"probes.{kind}.failures")
    failures = said.get("failureThreshold", derived)
    most = LOADING if kind == "startup" else UNNOTICED
    if period * failures <= most:
        return ""
    sums = f"{period:,} s x {failures:,} = {period * failures:,} s"
    return f"lets a server hang for {sums} before its {probe} says so: more than {most:,} s"


def _said(fields: Mapping[str, Any], probe: str) -> dict[str, int]:
    """periodSeconds and failureThreshold of a probe, each as a field of its own or in a map of the probe."""
    found: dict[str, int] = {}
    for field, value in fields.items():
        steps = _steps(field)
        if probe in steps:
            whole = value if isinstance(value, dict) else {steps[-1]: value}
            found |= {key: v for key, v in whole.items() if key in ("periodSeconds", "failureThreshold") and type(v) is int}
    return found
