"""``inferspec why``: from a field back to the spec, the catalogue or the default that made it."""

from __future__ import annotations

import sys
from argparse import Namespace

from ..pipeline import compile
from ..plan.objects import ClusterPlan, FleetPlan, Object
from ..plan.provenance import explained, objects
from ..plan.skeleton import pointers
from ..values import bind
from . import NO_INPUT, USAGE
from .session import report, request
from .stop import Stop


def run(options: Namespace) -> int:
    options.format, options.output, options.fail_on = "text", None, "error"
    outcome = compile(request(options))
    if outcome.plan is None:
        return report(options, outcome) or 1
    cluster, facet, obj = _find(outcome.plan, options.object, options.cluster)
    wanted = pointer_of(options.field)
    where = f"base/{facet}" if facet else "an object of the cluster's own"
    found = [(p, v) for p, v in pointers(obj) if p == wanted or p.startswith(wanted + "/")]
    if not found:
        raise Stop(NO_INPUT, f"{obj.identity} has no field {options.field}")
    print(f"{obj.identity} in cluster {cluster.name} ({where}, layers: {', '.join(cluster.layers.get(facet, ())) or 'none'})")
    literal = dict(_literals(obj))
    for pointer, value in found:
        shown = literal[pointer] if value is None else bind(value, cluster.facts)
        print(f"{pointer} = {shown!r}")
        for line in explained(value, f"{obj.skeleton.template}.yaml.j2", 1):
            print(line)
    return 0


def _literals(obj: Object) -> list[tuple[str, object]]:
    from ..plan.skeleton import leaves_of, pointer

    return [(pointer(path), leaf) for path, leaf in leaves_of(obj.tree())]


def _find(plan: FleetPlan, text: str, cluster_name: str | None) -> tuple[ClusterPlan, str, Object]:
    kind, *place = text.split("/")
    if not 1 <= len(place) <= 2:
        raise Stop(USAGE, "name the object as KIND/NAME or KIND/NAMESPACE/NAME")
    near: set[str] = set()
    for cluster in plan.clusters:
        if cluster_name in (None, cluster.name):
            for _, facet, obj in objects(plan, cluster):
                one = obj.identity
                if one.kind.lower() == kind.lower():
                    near.add(f"{one.kind}/{one.name}")
                    if one.name == place[-1] and (len(place) == 1 or one.namespace == place[0]):
                        return cluster, facet, obj
    held = ", ".join(sorted(near)) if near else "no object of that kind"
    raise Stop(NO_INPUT, f"there is no {text}{' in ' + cluster_name if cluster_name else ''}; there is {held}")


def pointer_of(field: str) -> str:
    """``spec.containers[0].image`` or ``/spec/containers/0/image`` -> a JSON pointer."""
    if field.startswith("/") or not field:
        return field.rstrip("/")
    from ..diagnostics import parse_path

    try:
        return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in parse_path(field))
    except ValueError as error:
        print(error, file=sys.stderr)
        raise Stop(USAGE, f"{field} is no field path") from None
