"""What the spec says of Google Cloud beside its clusters: what is made, what stands, where Config Connector runs."""

from __future__ import annotations

from collections.abc import Iterator

from ..diagnostics import Diagnostic, SpecPath
from ..model.forms import Closed
from .context import USED, Context

KINDS = {"buckets": "buckets", "addresses": "addresses", "secrets": "secrets", "modelArmor": "model_armor", "cloudArmor": "cloud_armor"}
"""Key of ``imports`` and ``deletable`` -> its field."""


def zonal(context: Context) -> Iterator[Diagnostic]:
    """A zonal control plane stands in the zone of the nodes; Autopilot has none."""
    for place in context.fleet.places:
        cluster = place.cluster
        if not cluster.zonal:
            continue
        zones = len(cluster.zones or ())
        if cluster.mode == "autopilot":
            yield context.finding(
                "SPC024", f"{place.name}: an Autopilot cluster is regional", (*place.path, "zonal"), help="mode: standard, or no zonal"
            )
        elif zones != 1:
            yield context.finding(
                "SPC024",
                f"{place.name}: a zonal cluster has one zone, this has {zones or 'all of its region'}",
                (*place.path, "zonal"),
                help="zones: [a], or no zonal: the control plane is then regional, and the nodes stay in their zones",
            )


def management(context: Context) -> Iterator[Diagnostic]:
    """The management cluster serves nothing: its folders are its own."""
    spec = context.platform.management
    if spec is None:
        return
    same = next((place for place in context.fleet.places if place.name == spec.cluster), None)
    if same is not None:
        yield context.finding(
            "SPC007",
            f"{spec.cluster} is the management cluster and a cluster of the platform",
            ("management", "cluster"),
            related=(context.span(same.path, "the cluster", key=True),),
            help="Config Connector runs in a cluster of its own: give it another name",
        )


def named(context: Context) -> Iterator[Diagnostic]:
    """What ``imports`` and ``deletable`` name is used by somebody; otherwise the entry says nothing, or another name is meant."""
    platform = context.platform
    yield from _policies(context)
    held: list[tuple[SpecPath, Closed]] = [(("imports",), platform.imports)]
    if platform.management is not None:
        held.append((("management", "deletable"), platform.management.deletable))
    for at, section in held:
        for kind, field in KINDS.items():
            written = getattr(section, field)
            for index, name in enumerate(written):
                known = sorted({one.name for one in context.fleet.cloud.of(kind)})
                if name in known or (kind == "cloudArmor" and name not in platform.cloud_armor):
                    continue
                path: SpecPath = (*at, kind, name if isinstance(written, dict) else index)
                message, help = _without_effect(context, kind, name, known)
                yield context.finding("SPC025", message, path, key=True, help=help, presumes=USED)


def _without_effect(context: Context, kind: str, name: str, known: list[str]) -> tuple[str, str]:
    """What is wrong with the entry, and the way out."""
    shared = [g for g, spec in context.platform.gateways.items() if spec.class_ == "global-external" and spec.address == name]
    if kind == "addresses" and shared:
        return f"{name} is the global address of gateway {shared[0]}: it stands, and nothing here makes one", "remove the entry"
    help = f"they are {', '.join(known)}" if known else "nothing of this kind is used: remove it"
    return f"no cluster uses {name}: the entry has no effect", help


def _policies(context: Context) -> Iterator[Diagnostic]:
    """Security policies: what is written is for some gateway, and what is made or adopted has its rules written."""
    platform = context.platform
    used = {one.name for one in context.fleet.cloud.of("cloudArmor")}
    for name in platform.cloud_armor:
        if name not in used:
            message, help = f"no gateway names security policy {name}: it is not made", f"cloudArmor: {name} at a gateway, or remove it"
            yield context.finding("SPC025", message, ("cloudArmor", name), key=True, help=help, presumes=USED)
    management = platform.management
    held: list[tuple[SpecPath, str]] = [(("imports", "cloudArmor", name), name) for name in platform.imports.cloud_armor]
    if management is not None:
        held += [(("management", "deletable", "cloudArmor", i), name) for i, name in enumerate(management.deletable.cloud_armor)]
    for path, name in held:
        if name not in platform.cloud_armor:
            message = f"cloudArmor has no policy {name}: it stands, and the entry has no effect"
            help = f"write its rules: cloudArmor: {{{name}: {{deny: [203.0.113.0/24]}}}}"
            yield context.finding("SPC025", message, path, key=True, help=help, presumes=("cloudArmor",))
