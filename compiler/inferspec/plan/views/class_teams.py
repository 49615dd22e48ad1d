"""Who may use a class: nothing in ComputeClass says it, so an admission policy does (google/skills@1af7775 gke-compute-classes)."""

from __future__ import annotations

from ...catalog import Catalogue
from ...model.platform import Platform
from ...values import Default, SpecAt, Value, text
from ..row import Drawn, Row, labels

LABEL = "cloud.google.com/compute-class"
"""Selector, node label and taint key of a class."""

_SELECTS = f"has(object.spec.nodeSelector) && '{LABEL}' in object.spec.nodeSelector && object.spec.nodeSelector['{LABEL}'] == '{{}}'"
_TERM = (
    f"has(t.matchExpressions) && t.matchExpressions.exists(e, e.key == '{LABEL}' &&"
    " (e.operator == 'Exists' || (e.operator == 'In' && '{}' in e.values)))"
)
_REQUIRED = (
    "has(object.spec.affinity) && has(object.spec.affinity.nodeAffinity) &&"
    " has(object.spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution) &&"
    f" object.spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms.exists(t, {_TERM})"
)
_PREFERRED = (
    "has(object.spec.affinity) && has(object.spec.affinity.nodeAffinity) &&"
    " has(object.spec.affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution) &&"
    " object.spec.affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution.map(p, p.preference)"
    f".exists(t, {_TERM})"
)
_TOLERATES = (
    f"has(object.spec.tolerations) && object.spec.tolerations.exists(t, has(t.key) && t.key == '{LABEL}' &&"
    " ((has(t.operator) && t.operator == 'Exists') || (has(t.value) && t.value == '{}')))"
)
_TOLERATES_ALL = (
    "has(object.spec.tolerations) && object.spec.tolerations.exists(t, (!has(t.key) || t.key == '') &&"
    " has(t.operator) && t.operator == 'Exists' && (!has(t.effect) || t.effect in ['', 'NoSchedule']))"
    " && !(has(object.metadata.ownerReferences) && object.metadata.ownerReferences.exists(o, o.kind == 'DaemonSet'))"
)
"""What tolerates every taint goes to the nodes of the class too. DaemonSets do so by design, on every node."""

_UNCHANGED = "request.operation == 'UPDATE' && object.spec == oldObject.spec"
"""Labels and finalizers of a Pod that is there already may change, or it could not be deleted."""


def limits(platform: Platform, catalogue: Catalogue, name: str) -> list[Drawn]:
    """The policy, its binding and the right to look at the class; nothing for a class that is for all."""
    teams = platform.capacity_classes[name].teams
    if teams is None:
        return []
    own = Value(name, SpecAt(("capacityClasses", name)))
    said = [(team, Value(team, SpecAt(("capacityClasses", name, "teams", i)))) for i, team in enumerate(teams)]
    limit = f"class-{name}-teams"
    whose = text(", ".join(["{}"] * len(said)), *(value for _, value in said))
    common = {"name": limit, "labels": labels(platform.name, limit, "capacity")}
    open_to_all = catalogue.default("capacity.openNamespaces")
    asks = {"selects": _SELECTS, "requires": _REQUIRED, "prefers": _PREFERRED, "tolerates": _TOLERATES}
    found: list[Drawn] = [
        (
            "class-policy",
            Row(
                **common,
                asks=[{"name": key, "expression": text(cel, own)} for key, cel in asks.items()],
                tolerates_all=_TOLERATES_ALL,
                unchanged=_UNCHANGED,
                refuses=(
                    "variables.unchanged || !(variables.selects || variables.requires || variables.prefers"
                    " || variables.tolerates || variables.toleratesAll)"
                ),
                message=text("ComputeClass {} is for the namespaces of {} alone", own, whose),
            ),
        ),
        (
            "class-policy-binding",
            Row(
                **common,
                namespaces=[
                    *(Value(platform.teams[team].namespace, SpecAt(("teams", team, "namespace"))) for team, _ in said),
                    *(Value(namespace, Default("capacity.openNamespaces")) for namespace in open_to_all),
                ],
            ),
        ),
    ]
    groups = [(team, group) for team, _ in said if (group := platform.teams[team].group) is not None]
    if groups:
        found.append(("class-role", Row(**common, computeclass=own)))
        people = [Value(group, SpecAt(("teams", team, "group"))) for team, group in groups]
        found.append(("class-role-binding", Row(**common, groups=people)))
    return found
