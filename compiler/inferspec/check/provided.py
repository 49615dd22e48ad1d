"""What is emitted against what a cluster provides: its GKE floor and its add-ons."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..diagnostics import Diagnostic, Severity
from .context import Context, clusters

COMPUTE_CLASS_FLOOR = "1.33.3-gke.1136000"
"""From here node pools are created without cluster-level auto-provisioning (gke-compute-classes, google/skills@1af7775)."""


def _key(version: str) -> tuple[int, ...]:
    return tuple(int(n) for n in re.findall(r"\d+", version))


def floor(context: Context) -> Iterator[Diagnostic]:
    stack = context.catalogue.stack(context.platform.stack)
    exposed = [k for k in context.fleet.workload_keys if context.platform.serving[k[0]].expose]
    used = {p for k in context.fleet.workload_keys for p in context.fleet.places_of(k)}
    objectives = [k for k in exposed if any(e.objective for e in context.platform.serving[k[0]].expose)]
    pool_floor = stack.apis["InferencePool"].gke_managed
    without_objective = []
    for place in context.fleet.places:
        if place not in used:
            continue
        needs = [(COMPUTE_CLASS_FLOOR, "ComputeClasses that create node pools")]
        if any(context.fleet.is_placed(k, place) for k in exposed):
            needs.append((pool_floor, "InferencePool"))
        version = place.cluster.gke.min_version
        missing = [(low, what) for low, what in needs if low and (version is None or _key(version) < _key(low))]
        if missing:
            low, what = max(missing, key=lambda need: _key(need[0]))
            path = (*place.path, "gke", "minVersion")
            said = f"may run {version}" if version else "does not say its lowest GKE version"
            yield context.finding(
                "SYNC113",
                f"cluster {place.name} {said}; {what} is there from {low}",
                path,
                help=f"gke: {{minVersion: {low}}}",
                key=version is None,
            )
        if any(context.fleet.is_placed(k, place) for k in objectives) and "inference-objective" not in place.cluster.addons:
            without_objective.append(place)
    if without_objective:
        yield context.finding(
            "SYNC114",
            f"GKE does not install InferenceObjective, and {clusters(without_objective)} does not list it",
            (*without_objective[0].path, "addons"),
            key=True,
            severity=Severity.ERROR,
            help="install the CRD and write 'inference-objective' under the cluster's addons",
        )
