"""``inferspec why``: from a field back to the spec, the catalogue or the default that made it."""

from __future__ import annotations

import re
from argparse import Namespace
from typing import Any, NamedTuple

from ..diagnostics import format_path
from ..pipeline import compile
from ..plan.objects import ClusterPlan, FleetPlan, Identity, Object
from ..plan.provenance import asked_of, explained
from ..plan.skeleton import leaves_of, pointer, pointers
from ..resolve.fleet import Fleet
from ..values import bind
from . import NO_INPUT, USAGE
from .keys import did_you_mean, near
from .session import count, named, report, request
from .stop import Stop

MOST_VALUES = 20
"""Values of a field that are listed, of those that clusters have."""


Steps = tuple[str | int, ...]
"""The way to a field; an item of a list by its index, or by its name as a question puts it."""


class Held(NamedTuple):
    """The object in one cluster."""

    cluster: ClusterPlan
    facet: str
    object: Object

    def values(self) -> dict[str, Any]:
        """Every leaf by its pointer, bound to the cluster."""
        return {pointer(path): leaf for path, leaf in leaves_of(self.object.tree(self.cluster.facts))}


def run(options: Namespace) -> int:
    options.format, options.output, options.fail_on = "text", None, "error"
    outcome = compile(request(options))
    if outcome.plan is None or outcome.fleet is None:
        return report(options, outcome) or 1
    steps = steps_of(options.field)
    held = _find(outcome.plan, options.object, options.cluster)
    shown = next(((one, place) for one in held if _below(one.object, place := pointer(_indexed(one.object.tree(), steps)))), None)
    if shown is None:
        raise Stop(NO_INPUT, _no_field(held, options.field, steps))
    (cluster, facet, obj), wanted = shown
    where = f"base/{facet}" if facet else "an object of the cluster's own"
    layers = ", ".join(_layers(outcome.plan, cluster, facet, obj.identity)) or "none"
    print(f"{obj.identity} in cluster {cluster.name} ({where}, layers: {layers})")
    literal = dict(_literals(obj))
    template = f"{obj.skeleton.template}.yaml.j2{_owner(outcome.plan, outcome.fleet, facet)}"
    everywhere = [(one.cluster.name, one.values()) for one in held] if len(held) > 1 else []
    for place, value in _below(obj, wanted):
        print(f"{place} = {literal[place] if value is None else bind(value, cluster.facts)!r}")
        for line in explained(value, template, 1):
            print(line)
        _print_others(place, cluster.name, everywhere)
    return 0


def _owner(plan: FleetPlan, fleet: Fleet, facet: str) -> str:
    """The workload whose object this is; "" for objects of the platform, of a team and of a model."""
    if not facet or plan.facets[facet].part == "platform":
        return ""
    paths = {fleet.workload(key, fleet.base).name: key.path for key in fleet.workload_keys}
    mine = [name for name in paths if facet == name or facet.startswith(name + "-")]
    return f", for {format_path(paths[max(mine, key=len)])}" if mine else ""


def _print_others(place: str, shown: str, everywhere: list[tuple[str, dict[str, Any]]]) -> None:
    """A line for each value that the field has, where clusters differ in it."""
    by_value: dict[str, list[str]] = {}
    for name, values in everywhere:
        by_value.setdefault(repr(values[place]) if place in values else "absent", []).append(name)
    if len(by_value) < 2:
        return
    print("  clusters differ:")
    for value, names in list(by_value.items())[:MOST_VALUES]:
        more = "" if shown in names or value == "absent" else f"; --cluster {names[0]} shows why"
        print(f"    {value} in {named(names)}{more}")
    if len(by_value) > MOST_VALUES:
        print(f"    and {count(len(by_value) - MOST_VALUES, 'value')} more")


def _layers(plan: FleetPlan, cluster: ClusterPlan, facet: str, identity: Identity) -> list[str]:
    """The cluster's layers that change this very object."""
    if not facet:
        return []
    of = plan.facets[facet]
    base = _tree(of.base, identity)
    return [layer for layer in cluster.layers if layer in of.layers and _tree(of.layers[layer], identity) != base]


def _tree(group: tuple[Object, ...], identity: Identity) -> Any:
    return next((obj.tree() for obj in group if obj.identity == identity), None)


def _below(obj: Object, wanted: str) -> list[tuple[str, Any]]:
    return [(p, v) for p, v in pointers(obj) if p == wanted or p.startswith(wanted + "/")]


def _literals(obj: Object) -> list[tuple[str, object]]:
    return [(pointer(path), leaf) for path, leaf in leaves_of(obj.tree())]


def _find(plan: FleetPlan, text: str, cluster_name: str | None) -> list[Held]:
    """The object in every cluster that has it, or in the one that is named."""
    kind, *place = text.split("/")
    if not 1 <= len(place) <= 2:
        raise Stop(USAGE, "name the object as KIND/NAME or KIND/NAMESPACE/NAME")
    clusters = [c for c in plan.clusters if cluster_name in (None, c.name)]
    if not clusters:
        raise Stop(NO_INPUT, f"there is no cluster {cluster_name}{did_you_mean(near(str(cluster_name), [c.name for c in plan.clusters]))}")
    names: set[str] = set()
    held: list[Held] = []
    for cluster in clusters:
        for _, facet, obj in asked_of(plan, cluster):
            one = obj.identity
            if one.kind.lower() != kind.lower():
                continue
            names.add(f"{one.kind}/{one.name}")
            if one.name == place[-1] and (len(place) == 1 or one.namespace == place[0]) and (not held or held[0].object.identity == one):
                held.append(Held(cluster, facet, obj))
    if held:
        return held
    there = ", ".join(sorted(names)) if names else "no object of that kind"
    raise Stop(NO_INPUT, f"there is no {text}{' in ' + cluster_name if cluster_name else ''}; there is {there}")


def _no_field(held: list[Held], field: str, steps: Steps) -> str:
    """With the place further down that the path fits, fields that are written alike, that have the same last step, or that stand where
    the path leaves the object."""
    tree = held[0].object.tree()
    wanted = _indexed(tree, steps)
    known: dict[tuple[str | int, ...], None] = {}
    for one in held:
        for path, _ in leaves_of(one.object.tree()):
            known.update(dict.fromkeys(path[:end] for end in range(1, len(path) + 1)))
    # What a Pod starts with is asked for less often than what it is for.
    known = dict.fromkeys(sorted(known, key=lambda path: "initContainers" in path))
    prefix = next(wanted[:end] for end in range(len(wanted), -1, -1) if not end or wanted[:end] in known)
    step = str(wanted[len(prefix)])
    beside = [path for path in known if path[:-1] == prefix]
    inside = [path[:-1] for path in known if path[-1] == steps[0]]
    alike = [inner for start in inside if (inner := _indexed(tree, (*start, *steps))) in known]
    alike = alike or [path for word in near(step, [str(p[-1]) for p in beside]) for path in beside if str(path[-1]) == word]
    alike = alike or [path for path in known if str(path[-1]) == str(wanted[-1])][:3]
    alike = alike or [path for path in known if format_path(path) in near(field, map(format_path, known), cutoff=0.75)]
    place = held[0].cluster.name if len(held) == 1 else f"any of {count(len(held), 'cluster')}"
    told = f"{held[0].object.identity} has no field {field} in {place}"
    if alike:
        return told + did_you_mean(dict.fromkeys(map(format_path, alike)))
    there = [format_path(path) for path in beside]
    return f"{told}; {format_path(prefix) or 'it'} has {', '.join(there[:20])}{' ...' if len(there) > 20 else ''}" if there else told


def _indexed(tree: Any, steps: Steps) -> Steps:
    """``steps`` as they stand in ``tree``: for the name of an item of a list, as in patches, and for a number between dots the index."""
    found: list[str | int] = []
    for step in steps:
        if isinstance(tree, list):
            names = [str(item.get("name")) if isinstance(item, dict) else "" for item in tree]
            index = names.index(str(step)) if isinstance(step, str) and step in names else step
            found.append(int(index) if str(index).isdigit() else index)
            tree = next(iter(tree[found[-1] :]), None) if isinstance(found[-1], int) else None
        else:
            found.append(step)
            tree = tree.get(step) if isinstance(tree, dict) else None
    return tuple(found)


def steps_of(field: str) -> Steps:
    """``spec.containers[0].image``, ``spec.containers[server].image`` or ``/spec/containers/0/image``, step by step."""
    if field.startswith("/"):
        return tuple(step.replace("~1", "/").replace("~0", "~") for step in field.rstrip("/").split("/")[1:])
    from ..diagnostics import parse_path

    try:
        return parse_path(re.sub(r"""\[(?!\d+\]|")'?([^\]'"]+)'?\]""", r'["\1"]', field))
    except ValueError:
        forms = "write spec.template.spec.containers[0].args, containers[server] for an item by its name, or a JSON pointer"
        raise Stop(USAGE, f"{field} is no field path: {forms}") from None
