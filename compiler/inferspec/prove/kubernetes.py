"""Faults that a schema accepts and a real API server rejects, and a few that even the server lets through, found on one object.

Codes are the ids of the golden negative cases in ``tests/prove/mutants``. The catalogue was made by sending each fault to kube-apiserver
1.34.4; a strict schema validator accepted 44 of the 49 that the server refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from .. import names
from ..quantity import parse
from .findings import Finding, group_of, mapping, pointer, sequence, title
from .gateways import GATEWAY_RULES
from .pods import pod_faults, pod_templates

Tree = Mapping[str, Any]
Fault = tuple[str, str, str]
"""Code, field, message."""
Rule = Callable[[Tree], Iterator[Fault]]

CONFIG_MAP_MAX = 1048576
PRIORITY_MAX = 1000000000
SYSTEM_NAMESPACES = frozenset({"default", "kube-system", "kube-public", "kube-node-lease", "config-management-system"})
SYSTEM_PRIORITIES = frozenset({"system-cluster-critical", "system-node-critical"})


def check_object(tree: Tree) -> list[Finding]:
    """Every fault of one object, in the order of its fields."""
    rules: list[Rule] = [_labels]
    rules += _KINDS.get((group_of(tree), str(tree.get("kind"))), ())
    found = [fault for rule in rules for fault in rule(tree)]
    for template, steps in pod_templates(tree):
        found += pod_faults(template, steps)
    return [Finding(code, message, title(tree), field) for code, field, message in found]


def check_objects(trees: Sequence[Tree], *, namespaces: Iterable[str] = (), priorities: Iterable[str] = ()) -> list[Finding]:
    """Every object by itself, and the references that have to close among them."""
    return [*(f for tree in trees for f in check_object(tree)), *check_closure(trees, namespaces=namespaces, priorities=priorities)]


def check_closure(trees: Sequence[Tree], *, namespaces: Iterable[str] = (), priorities: Iterable[str] = ()) -> list[Finding]:
    """References that have to close among the objects of one cluster: namespaces and priority classes.

    ``namespaces`` and ``priorities`` exist in the cluster without being among the objects.
    """
    declared = {mapping(t.get("metadata")).get("name") for t in trees if t.get("kind") == "Namespace"} | SYSTEM_NAMESPACES | set(namespaces)
    made = {mapping(t.get("metadata")).get("name") for t in trees if t.get("kind") == "PriorityClass"}
    classes = made | SYSTEM_PRIORITIES | set(priorities)
    found: list[Finding] = []
    for tree in trees:
        namespace = mapping(tree.get("metadata")).get("namespace")
        if namespace and namespace not in declared:
            found.append(Finding("no-namespace-exists", f"namespace {namespace} is declared nowhere", title(tree), "/metadata/namespace"))
        for template, steps in pod_templates(tree):
            name = mapping(template.get("spec")).get("priorityClassName")
            if name and name not in classes:
                field = pointer(*steps, "spec", "priorityClassName")
                found.append(Finding("priority-class-missing", f"no PriorityClass {name}: every Pod would be refused", title(tree), field))
    return found


def _labels(tree: Tree) -> Iterator[Fault]:
    metadata = mapping(tree.get("metadata"))
    for key, value in mapping(metadata.get("labels")).items():
        if isinstance(value, str) and (why := names.label_value_problem(value)):
            yield "label-value-bad", pointer("metadata", "labels", key), f"label {key}: {value!r} {why}"
        if why := names.qualified_key_problem(str(key)):
            yield "label-key-bad", pointer("metadata", "labels", key), f"label key {key!r}: {why}"
    for key in mapping(metadata.get("annotations")):
        if why := names.qualified_key_problem(str(key).lower()):
            yield "annotation-key-bad", pointer("metadata", "annotations", key), f"annotation key {key!r}: {why}"


def _workload(tree: Tree) -> Iterator[Fault]:
    spec = mapping(tree.get("spec"))
    wanted = mapping(mapping(spec.get("selector")).get("matchLabels"))
    have = mapping(mapping(mapping(spec.get("template")).get("metadata")).get("labels"))
    for key, value in wanted.items():
        if have.get(key) != value:
            yield (
                "selector-mismatch",
                pointer("spec", "selector", "matchLabels", key),
                f"selector {key}={value} matches no label of the template",
            )
    rolling = mapping(mapping(spec.get("strategy")).get("rollingUpdate"))
    if _zero(rolling.get("maxSurge")) and _zero(rolling.get("maxUnavailable")):
        yield "rollingupdate-0-0", "/spec/strategy/rollingUpdate", "maxSurge and maxUnavailable are both 0: nothing could ever be replaced"
    name = str(mapping(tree.get("metadata")).get("name", ""))
    if len(name) > names.LABEL_MAX:
        yield "deployment-name-64", "/metadata/name", f"{len(name)} characters: Pod host names are cut at {names.LABEL_MAX}"


def _zero(value: Any) -> bool:
    return value in (0, "0", "0%") and value is not False


def _job(tree: Tree) -> Iterator[Fault]:
    spec = mapping(tree.get("spec"))
    steps = ("spec", "jobTemplate", "spec") if tree.get("kind") == "CronJob" else ("spec",)
    if tree.get("kind") == "CronJob":
        spec = mapping(mapping(spec.get("jobTemplate")).get("spec"))
    policy = mapping(mapping(spec.get("template")).get("spec")).get("restartPolicy")
    if policy not in ("Never", "OnFailure"):
        yield (
            "job-restart-always",
            pointer(*steps, "template", "spec", "restartPolicy"),
            f"a Job wants restartPolicy Never or OnFailure, not {policy}",
        )


def _service(tree: Tree) -> Iterator[Fault]:
    name = str(mapping(tree.get("metadata")).get("name", ""))
    if why := names.dns1035_problem(name):
        yield "svc-name-63", "/metadata/name", f"Service name {name!r} {why}"
    ports = sequence(mapping(tree.get("spec")).get("ports"))
    seen: set[Any] = set()
    for i, port in enumerate(ports):
        said = mapping(port).get("name")
        if len(ports) > 1 and not said:
            yield "svc-two-ports-unnamed", pointer("spec", "ports", i, "name"), "every port of a Service with several has a name"
        if said and said in seen:
            yield "dup-port-name", pointer("spec", "ports", i, "name"), f"port name {said} stands twice"
        seen.add(said)
        number = mapping(port).get("port")
        if isinstance(number, int) and not 1 <= number <= 65535:
            yield "port-out-of-range", pointer("spec", "ports", i, "port"), f"port {number} is outside 1 to 65535"


def _config_map(tree: Tree) -> Iterator[Fault]:
    size = 0
    for field in ("data", "binaryData", "stringData"):
        for key, value in mapping(tree.get(field)).items():
            size += len(str(key).encode()) + len(str(value).encode())
            if why := names.config_key_problem(str(key)):
                yield "cm-key-bad", pointer(field, key), f"key {key!r} {why}"
    if size > CONFIG_MAP_MAX:
        yield "cm-too-big", "/data", f"{size} bytes, {CONFIG_MAP_MAX} are allowed"


def _priority_class(tree: Tree) -> Iterator[Fault]:
    value = tree.get("value")
    if isinstance(value, int) and value > PRIORITY_MAX and not str(mapping(tree.get("metadata")).get("name", "")).startswith("system-"):
        yield "priority-too-high", "/value", f"priority {value} is over {PRIORITY_MAX}, the most a user's class may have"


def _claim(tree: Tree) -> Iterator[Fault]:
    requests = mapping(mapping(mapping(tree.get("spec")).get("resources")).get("requests"))
    if "storage" not in requests:
        yield "pvc-no-size", "/spec/resources/requests/storage", "a claim says how much storage it wants"
    else:
        yield from _quantity(requests["storage"], "/spec/resources/requests/storage")


def _volume(tree: Tree) -> Iterator[Fault]:
    capacity = mapping(mapping(tree.get("spec")).get("capacity"))
    if "storage" not in capacity:
        yield "pv-csi-capacity-missing", "/spec/capacity", "a PersistentVolume says its capacity, even where the driver ignores it"
    else:
        yield from _quantity(capacity["storage"], "/spec/capacity/storage")


def _quantity(value: Any, field: str) -> Iterator[Fault]:
    try:
        parse(value)
    except ValueError as error:
        yield "bad-quantity", field, str(error)


_METRIC_BLOCKS = {
    "Resource": "resource",
    "ContainerResource": "containerResource",
    "Pods": "pods",
    "Object": "object",
    "External": "external",
}


def _autoscaler(tree: Tree) -> Iterator[Fault]:
    spec = mapping(tree.get("spec"))
    low, high = spec.get("minReplicas", 1), spec.get("maxReplicas")
    if isinstance(low, int) and low < 1:
        yield "hpa-min-0", "/spec/minReplicas", "an HPA keeps at least 1 replica; scaling to zero is KEDA's work"
    if isinstance(low, int) and isinstance(high, int) and high < low:
        yield "hpa-max-lt-min", "/spec/maxReplicas", f"maxReplicas {high} is under minReplicas {low}"
    for i, metric in enumerate(sequence(spec.get("metrics"))):
        kind = str(mapping(metric).get("type"))
        held = [block for block in _METRIC_BLOCKS.values() if block in mapping(metric)]
        if kind in _METRIC_BLOCKS and held != [_METRIC_BLOCKS[kind]]:
            yield (
                "hpa-type-mismatch",
                pointer("spec", "metrics", i),
                f"type {kind} wants the block {_METRIC_BLOCKS[kind]} alone, not {', '.join(held) or 'nothing'}",
            )


def _disruption_budget(tree: Tree) -> Iterator[Fault]:
    spec = mapping(tree.get("spec"))
    if "minAvailable" in spec and "maxUnavailable" in spec:
        yield "pdb-both", "/spec", "minAvailable and maxUnavailable exclude each other"


def _admission_policy(tree: Tree) -> Iterator[Fault]:
    from .cel_syntax import syntax_problem

    spec = mapping(tree.get("spec"))
    for field in ("validations", "matchConditions", "variables", "auditAnnotations"):
        for i, entry in enumerate(sequence(spec.get(field))):
            for key in ("expression", "messageExpression", "valueExpression"):
                text = mapping(entry).get(key)
                if isinstance(text, str) and (why := syntax_problem(text)):
                    yield "vap-bad-cel", pointer("spec", field, i, key), f"CEL: {why}"


def _leader_worker_set(tree: Tree) -> Iterator[Fault]:
    size = mapping(mapping(tree.get("spec")).get("leaderWorkerTemplate")).get("size")
    if isinstance(size, int) and size < 1:
        yield "lws-size-0", "/spec/leaderWorkerTemplate/size", f"a group of {size} Pods: the CRD has no minimum, its webhook refuses it"


def _compute_class(tree: Tree) -> Iterator[Fault]:
    for i, rule in enumerate(sequence(mapping(tree.get("spec")).get("priorities"))):
        rule = mapping(rule)
        at = pointer("spec", "priorities", i)
        if "machineType" in rule and "machineFamily" in rule:
            yield "cc-machinetype-and-family", at, "machineType and machineFamily exclude each other"
        affinity = mapping(rule.get("reservations")).get("affinity")
        if rule.get("spot") is True and affinity not in (None, "None"):
            yield "cc-spot-and-reservation", at, f"a Spot rule with reservations ({affinity}): a reservation holds on-demand capacity"
        if "gpu" in rule and "tpu" in rule:
            yield "cc-gpu-and-tpu", at, "gpu and tpu in one rule: no machine has both"


_WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet")
_KINDS: dict[tuple[str, str], tuple[Rule, ...]] = {
    **{("apps", kind): (_workload,) for kind in _WORKLOADS},
    ("batch", "Job"): (_job,),
    ("batch", "CronJob"): (_job,),
    ("", "Service"): (_service,),
    ("", "ConfigMap"): (_config_map,),
    ("", "Secret"): (_config_map,),
    ("scheduling.k8s.io", "PriorityClass"): (_priority_class,),
    ("", "PersistentVolumeClaim"): (_claim,),
    ("", "PersistentVolume"): (_volume,),
    ("autoscaling", "HorizontalPodAutoscaler"): (_autoscaler,),
    ("policy", "PodDisruptionBudget"): (_disruption_budget,),
    ("admissionregistration.k8s.io", "ValidatingAdmissionPolicy"): (_admission_policy,),
    ("leaderworkerset.x-k8s.io", "LeaderWorkerSet"): (_leader_worker_set,),
    ("cloud.google.com", "ComputeClass"): (_compute_class,),
    **GATEWAY_RULES,
}
