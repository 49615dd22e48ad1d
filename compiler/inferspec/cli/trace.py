"""``inferspec trace``: from a line of the spec to every field it made."""

from __future__ import annotations

from argparse import Namespace
from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING, Any

from ..diagnostics import SpecPath, format_path, parse_path
from ..load import load_spec
from ..outcome import Outcome, Request
from ..pipeline import compile
from ..plan.objects import FleetPlan
from ..plan.provenance import fields, objects, spec_paths
from ..plan.skeleton import leaves_of, pointer
from ..resolve.crossregion import targets
from ..resolve.fleet import Fleet
from ..values import bind
from . import NO_INPUT, USAGE
from .keys import Keys, NoKey, did_you_mean, near
from .session import named, report, request
from .stop import Stop

if TYPE_CHECKING:
    from ..changes import Change

NODES = ("/nodeSelector/", "/limits/nvidia.com~1gpu", "/limits/google.com~1tpu")
"""Parts of the pointers of what a capacity class brings to a Pod."""
DECIDES: dict[str | int, str] = {
    "where": "which clusters it is for",
    "team": "the namespace, and the RootSync of its objects",
    "stage": "which rules, overrides and waves are for the cluster",
    "residency": "which clusters a gateway may lead to, and which records fail over",
}
"""Keys that no field quotes -> what they are for."""


def run(options: Namespace) -> int:
    options.format, options.output, options.fail_on = "text", None, "error"
    asked = request(options)
    try:
        wanted = Keys().at(parse_path(options.path.removeprefix("spec."))).path
    except ValueError as error:
        raise Stop(USAGE, str(error)) from None
    except NoKey as unknown:
        raise Stop(NO_INPUT, _absent(asked, unknown) or str(unknown)) from None
    outcome = compile(asked)
    if outcome.plan is None or outcome.document is None:
        return report(options, outcome) or 1
    made: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for cluster in outcome.plan.clusters:
        for field in fields(outcome.plan, cluster):
            if field.value is not None and any(p[: len(wanted)] == wanted for p in spec_paths(field.value.origin)):
                made[str(field.object.identity), field.pointer, repr(bind(field.value, cluster.facts))].append(cluster.name)
    assert outcome.fleet is not None
    for (identity, at, value), clusters in made.items():
        print(f"{identity} {at} = {value}  [{named(clusters)}]")
    told = bool(made) or _decided(outcome.fleet, outcome.plan, wanted)
    if not _is_there(outcome.document.root, wanted) or not (_compared(outcome, asked.today, wanted, told) or told):
        raise Stop(NO_INPUT, _nothing(outcome.document.root, wanted))
    return 0


def _absent(asked: Request, unknown: NoKey) -> str:
    """What the spec does not have on the way to a key that no spec has: a name of one's own is wrong first."""
    document, _ = load_spec(asked.spec, root=asked.root)
    around = unknown.path[:-1]
    return "" if document is None or _is_there(document.root, around) else _nothing(document.root, around)


def _is_there(root: Any, wanted: SpecPath) -> bool:
    for step in wanted:
        if step not in (root.keys() if isinstance(root, dict) else range(len(root)) if isinstance(root, list) else ()):
            return False
        root = root[step]
    return True


def _held(root: Any, path: SpecPath) -> Any:
    for step in path:
        root = root[step]
    return root


def _compared(outcome: Outcome, today: date, wanted: SpecPath, told: bool) -> bool:
    """Prints the objects that are there because of the key. Of a key that nothing tells of yet also what else is otherwise without it,
    and where the spec cannot be without it, of the nearest key around it that it can be without."""
    from ..changes import DNS, TERRAFORM
    from ..changes.without import decided

    assert outcome.plan is not None and outcome.fleet is not None and outcome.document is not None
    found = decided(outcome.plan, outcome.fleet, outcome.document, today, wanted)
    if found is None:
        told = _varied(outcome, wanted) or told
    for end in range(len(wanted) - 1, 0, -1) if not told and wanted[-1] not in DECIDES else ():
        if found is not None:
            break
        found = decided(outcome.plan, outcome.fleet, outcome.document, today, wanted[:end])
    if not found:
        return told
    because = format_path(found.path)
    if found.objects or found.files:
        print(f"there because of {because}:")
    for change in found.objects:
        print(f"  {change.subject}  [{named(change.clusters)}]")
    for name in found.files:
        print(f"  dashboards/{name}")
    others = [change for change in found.others if not told or change.subject in (DNS, TERRAFORM)]
    if others:
        print(f"otherwise without {because}:")
    for change in others:
        for line in _otherwise(change):
            print(f"  {line}")
    return True


def _varied(outcome: Outcome, wanted: SpecPath) -> bool:
    """Prints the Terraform variables, as they are, that follow a key that the spec cannot be without, or the keys below it."""
    from ..changes.without import following

    assert outcome.plan is not None and outcome.fleet is not None and outcome.document is not None
    keys, value = Keys(), _held(outcome.document.root, wanted)
    lines: dict[tuple[str, str, str], dict[str, None]] = {}
    for path, leaf in leaves_of(value):
        at = (*wanted, *path)
        others, made_up = keys.others(keys.at(at), leaf)
        for change in following(outcome.plan, outcome.fleet, outcome.document, at, others):
            for one in change.differences:
                # Of a name that leads nowhere more follows than of the one that is written: only what quotes it is told.
                if one.after is not None and (not made_up or str(leaf) in str(one.after)):
                    lines.setdefault((change.subject, one.path, repr(one.after)), {}).update(dict.fromkeys(change.clusters))
    for (subject, where, said), clusters in lines.items():
        print(f"{subject} {where} = {said}" + (f"  [{named(list(clusters))}]" if clusters else ""))
    return bool(lines)


def _otherwise(change: Change) -> Iterator[str]:
    where = f"  [{named(change.clusters)}]" if change.clusters else ""
    if not change.differences:
        yield f"{change.subject} would be there{where}"
    for one in change.differences:
        without = "not there" if one.before is None else repr(one.before)
        yield f"{change.subject} {one.path} = {'not there' if one.after is None else repr(one.after)}, would be {without}{where}"


def _decided(fleet: Fleet, plan: FleetPlan, wanted: SpecPath) -> bool:
    """Prints what a key decides that no field quotes: the nodes of a capacity, the clusters of a where. False for any other key."""
    keys = [key for key in fleet.workload_keys if wanted[-1:] == ("capacity",) and key.path == wanted[:-1]]
    placed = [key for key in fleet.workload_keys if wanted[-1:] == ("where",) and not key.prefill and key.path == wanted[:-1]]
    for key in placed:
        clusters = ", ".join(place.name for place in fleet.places_of(key))
        print(f"{format_path(wanted)} is in no field as it is: it decides the clusters that run {fleet.workload(key, fleet.base).name}")
        print(f"clusters: {clusters}")
    for key in keys:
        made: dict[tuple[str, str, str], list[str]] = defaultdict(list)
        for place in fleet.places_of(key):
            workload = fleet.workload_at(key, place)
            cluster = next(c for c in plan.clusters if c.name == place.name)
            for _, _, obj in objects(plan, cluster):
                if (obj.identity.namespace, obj.identity.name) != (workload.namespace, workload.name):
                    continue
                for path, leaf in leaves_of(obj.tree(cluster.facts)):
                    if any(step in pointer(path) for step in NODES):
                        made[str(obj.identity), pointer(path), repr(leaf)].append(place.name)
        name = fleet.workload(key, fleet.base).name
        print(f"{format_path(wanted)} is in no field as it is: it decides the class of the Pods of {name} and their chips")
        for (identity, at, value), names in made.items():
            print(f"{identity} {at} = {value}  [{named(names)}]")
    return _crossing(fleet, wanted) or bool(keys or placed)


def _crossing(fleet: Fleet, wanted: SpecPath) -> bool:
    """The same of cross-regional gateways: which cluster has them, which clusters they lead to."""
    said = False
    for name, config in fleet.config_clusters.items():
        if config is None:
            continue
        if wanted == ("gateways", name, "where"):
            print(f"{format_path(wanted)} is in no field as it is: it decides the clusters that Gateway {name} leads to")
            print(f"clusters: {', '.join(place.name for place in targets(fleet, name))}")
            said = True
        if wanted == ("projects", config.cluster.project, "configCluster"):
            print(f"{format_path(wanted)} is in no field as it is: it decides where Gateway {name} and its route stand")
            said = True
    return said


def _nothing(root: Any, wanted: SpecPath) -> str:
    """Why no field came of it: this spec does not hold it, or it only decides about other things."""
    node = root
    for i, step in enumerate(wanted):
        held = node.keys() if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ()
        if step not in held:
            alike = near(str(step), [str(key) for key in held])
            meant = [format_path((*wanted[:i], key, *wanted[i + 1 :])) for key in alike] if isinstance(node, dict) else []
            return f"this spec does not have {format_path(wanted[: i + 1])}, so it made no field{did_you_mean(meant)}"
        node = node[step]
    decides = f"; it decides {DECIDES[wanted[-1]]}" if wanted[-1] in DECIDES else ""
    return f"{format_path(wanted)} made no field: it stands in no object as it is{decides}"
