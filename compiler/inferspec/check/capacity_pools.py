"""Node pools that stand already, named by a class: what the autoscaler wants of them before it takes one."""

from __future__ import annotations

from collections.abc import Iterator

from ..diagnostics import Diagnostic, SpecPath
from ..model.capacity import CapacityClass, CapacitySource
from ..model.nodes import Taint
from ..resolve.ladder import sources as sources_of
from ..resolve.places import Place
from .context import Context

LABEL = "cloud.google.com/compute-class"
"""Label and taint key by which a pool belongs to a class."""


def pools(context: Context) -> Iterator[Diagnostic]:
    for name, spec in context.platform.capacity_classes.items():
        for at, source in sources_of(spec):
            if source.kind != "node-pools":
                continue
            path: SpecPath = ("capacityClasses", name, *at)
            others = sorted(key for key in source.model_fields_set - {"node_pools", "score"} if getattr(source, key) is not None)
            if others:
                yield context.finding(
                    "CAP118",
                    f"{others[0].replace('_', ' ')} beside node pools that are there already",
                    path,
                    notes=("Nodepool field cannot be set along with other nodepool configuration fields (ComputeClass CRD)",),
                    help="a source of node pools has a score at most: their machines are made",
                )
            for place in context.fleet.places:
                if context.fleet.uses_class(name, place):
                    yield from _in(context, name, spec, source, place, path)


def _in(context: Context, name: str, spec: CapacityClass, source: CapacitySource, place: Place, path: SpecPath) -> Iterator[Diagnostic]:
    here = (context.span(place.path, "this cluster uses the class", key=True),)
    if place.cluster.mode == "autopilot":
        yield context.finding(
            "CAP118",
            f"{place.name} is an Autopilot cluster: nobody makes node pools there",
            path,
            related=here,
            notes=("GKE reports NodePoolNotExist",),
            help="a class of its own for Standard clusters, or sources that GKE makes nodes of",
        )
        return
    for i, pool in enumerate(source.node_pools or ()):
        if pool not in place.cluster.node_pools:
            alone = all(s.kind == "node-pools" for _, s in sources_of(spec))
            more = ("and NapDisabledAndNoMatchingNodegroups: the class makes no nodes itself",) if alone else ()
            yield context.finding(
                "CAP118",
                f"{place.name} has no node pool '{pool}'",
                (*path, "nodePools", i),
                related=here,
                notes=("GKE reports NodePoolNotExist", *more),
                help="nodePools: of the cluster holds those that were made outside this spec",
            )
            continue
        for reason, message, way in _faults(name, spec, place, pool):
            yield context.finding(
                "CAP118",
                f"node pool {pool} of {place.name} {message}",
                (*place.path, "nodePools", pool),
                key=True,
                related=(context.span((*path, "nodePools", i), f"class {name} names it"),),
                notes=(f"GKE reports {reason}",),
                help=way,
            )


def _faults(name: str, spec: CapacityClass, place: Place, pool: str) -> Iterator[tuple[str, str, str]]:
    """(GKE's reason, what is wrong, the way out): cluster-autoscaler@7d25050 status/validator/conditions."""
    facts = place.cluster.node_pools[pool]
    taints: list[Taint] = [t for t in facts.taints if t.key == LABEL]
    if facts.labels.get(LABEL) != name:
        yield "CrdLabelNotMatching", f"has label {LABEL}={facts.labels.get(LABEL, '')}", f"label its nodes {LABEL}={name}"
    if len(taints) > 1:
        yield "MultipleCrdTaints", f"has {len(taints)} taints {LABEL}", f"keep {LABEL}={name}:NoSchedule"
    elif not taints:
        yield "TaintMissing", f"has no taint {LABEL}", f"taint its nodes {LABEL}={name}:NoSchedule"
    elif taints[0].value != name:
        yield "TaintValueNotMatching", f"has taint {LABEL}={taints[0].value or ''}", f"taint its nodes {LABEL}={name}:NoSchedule"
    if facts.max_nodes == 0:
        yield "NodepoolWillNeverScaleUp", "does not scale", "turn its autoscaling on"
    if facts.shape not in spec.shape:
        yield "NoSuitableMachineExists", f"is of {facts.shape}, the class of {', '.join(spec.shape)}", "shape: as the pool's"
