"""Faults inside Pod templates: resources, ports, environment, volumes, probes, placement."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from .. import names
from ..quantity import parse
from .findings import group_of, mapping, pointer, sequence

Tree = Mapping[str, Any]
Fault = tuple[str, str, str]
Steps = tuple[str | int, ...]

EXTENDED_MARK = "/"
"""A resource name with a prefix is extended (nvidia.com/gpu): integer, and request equal to limit."""
_HANDLERS = ("exec", "httpGet", "tcpSocket", "grpc")


def pod_templates(tree: Tree) -> Iterator[tuple[Tree, Steps]]:
    """Every Pod template of an object, with the path to it; a Pod is its own."""
    spec = mapping(tree.get("spec"))
    kind, group = tree.get("kind"), group_of(tree)
    if kind == "Pod" and group == "":
        yield tree, ()
    elif kind == "CronJob":
        yield mapping(mapping(mapping(spec.get("jobTemplate")).get("spec")).get("template")), ("spec", "jobTemplate", "spec", "template")
    elif kind == "LeaderWorkerSet":
        templates = mapping(spec.get("leaderWorkerTemplate"))
        for key in ("leaderTemplate", "workerTemplate"):
            if key in templates:
                yield mapping(templates[key]), ("spec", "leaderWorkerTemplate", key)
    elif kind == "RayService":
        cluster = mapping(spec.get("rayClusterConfig"))
        yield mapping(mapping(cluster.get("headGroupSpec")).get("template")), ("spec", "rayClusterConfig", "headGroupSpec", "template")
        for i, workers in enumerate(sequence(cluster.get("workerGroupSpecs"))):
            yield mapping(mapping(workers).get("template")), ("spec", "rayClusterConfig", "workerGroupSpecs", i, "template")
    elif kind == "JobSet":
        for i, job in enumerate(sequence(spec.get("replicatedJobs"))):
            template = mapping(mapping(mapping(mapping(job).get("template")).get("spec")).get("template"))
            yield template, ("spec", "replicatedJobs", i, "template", "spec", "template")
    elif group in ("apps", "batch") and "template" in spec:
        yield mapping(spec["template"]), ("spec", "template")


def pod_faults(template: Tree, steps: Steps) -> Iterator[Fault]:
    """Every fault of one template."""
    spec = mapping(template.get("spec"))
    for key, value in mapping(mapping(template.get("metadata")).get("labels")).items():
        if steps and isinstance(value, str) and (why := names.label_value_problem(value)):
            yield "label-value-bad", pointer(*steps, "metadata", "labels", key), f"label {key}: {value!r} {why}"
    for key, value in mapping(spec.get("nodeSelector")).items():
        if why := names.label_value_problem(str(value)):
            yield "nodeselector-bad", pointer(*steps, "spec", "nodeSelector", key), f"node selector {key}: {value!r} {why}"
    yield from _volumes(spec, steps)
    yield from _placement(spec, steps)
    volumes = {mapping(v).get("name") for v in sequence(spec.get("volumes"))}
    for field in ("initContainers", "containers"):
        for i, container in enumerate(sequence(spec.get(field))):
            at: Steps = (*steps, "spec", field, i)
            yield from _container(mapping(container), at, volumes)


def _container(container: Tree, at: Steps, volumes: set[Any]) -> Iterator[Fault]:
    yield from _resources(mapping(container.get("resources")), (*at, "resources"))
    yield from _ports(sequence(container.get("ports")), at)
    yield from _environment(sequence(container.get("env")), at)
    yield from _mounts(sequence(container.get("volumeMounts")), at, volumes)
    security = mapping(container.get("securityContext"))
    if security.get("privileged") is True and security.get("allowPrivilegeEscalation") is False:
        at_field = pointer(*at, "securityContext", "allowPrivilegeEscalation")
        yield "privileged-without-escalation", at_field, "a privileged container cannot refuse privilege escalation"
    for name in ("startupProbe", "livenessProbe", "readinessProbe"):
        probe = mapping(container.get(name))
        if sum(handler in probe for handler in _HANDLERS) > 1:
            yield "probe-two-handlers", pointer(*at, name), "a probe has one handler"
        if name != "readinessProbe" and probe.get("successThreshold", 1) != 1:
            yield "probe-liveness-successThreshold", pointer(*at, name, "successThreshold"), f"{name} wants successThreshold 1"


def _resources(resources: Tree, at: Steps) -> Iterator[Fault]:
    amounts: dict[tuple[str, str], Fraction] = {}
    for side in ("requests", "limits"):
        for name, value in mapping(resources.get(side)).items():
            try:
                amounts[side, name] = parse(value)
            except ValueError as error:
                yield "bad-quantity", pointer(*at, side, name), str(error)
    for (side, name), amount in amounts.items():
        extended = EXTENDED_MARK in name
        if extended and amount.denominator != 1:
            yield "gpu-fraction", pointer(*at, side, name), f"{name} counts whole devices; a share of one is a partition or sharing setting"
        if side == "limits":
            continue
        limit = amounts.get(("limits", name))
        if extended and limit is None and name not in mapping(resources.get("limits")):
            yield "gpu-request-only", pointer(*at, "limits", name), f"{name} wants a limit: it cannot be overcommitted"
        elif limit is not None and extended and limit != amount:
            yield "gpu-request-ne-limit", pointer(*at, "requests", name), f"{name}: request {amount} differs from limit {limit}"
        elif limit is not None and amount > limit:
            said = mapping(resources["limits"])[name]
            yield "request-gt-limit", pointer(*at, "requests", name), f"{name}: request {resources['requests'][name]} is over limit {said}"


def _ports(ports: list[Any], at: Steps) -> Iterator[Fault]:
    seen: set[Any] = set()
    for i, port in enumerate(ports):
        name, number = mapping(port).get("name"), mapping(port).get("containerPort")
        if isinstance(name, str) and (why := names.port_name_problem(name)):
            yield "port-name-too-long", pointer(*at, "ports", i, "name"), f"port name {name!r} {why}"
        if name and name in seen:
            yield "dup-port-name", pointer(*at, "ports", i, "name"), f"port name {name} stands twice"
        seen.add(name)
        if isinstance(number, int) and not 1 <= number <= 65535:
            yield "port-out-of-range", pointer(*at, "ports", i, "containerPort"), f"port {number} is outside 1 to 65535"


def _environment(env: list[Any], at: Steps) -> Iterator[Fault]:
    seen: set[Any] = set()
    for i, entry in enumerate(env):
        name = mapping(entry).get("name")
        if name in seen:
            yield "dup-env", pointer(*at, "env", i), f"variable {name} stands twice"
        seen.add(name)


def _mounts(mounts: list[Any], at: Steps, volumes: set[Any]) -> Iterator[Fault]:
    seen: set[Any] = set()
    for i, mount in enumerate(mounts):
        name, path = mapping(mount).get("name"), mapping(mount).get("mountPath")
        if name not in volumes:
            yield "unknown-mount", pointer(*at, "volumeMounts", i, "name"), f"no volume {name}"
        if path in seen:
            yield "duplicate-mountpath", pointer(*at, "volumeMounts", i, "mountPath"), f"two mounts on {path}"
        seen.add(path)


def _volumes(spec: Tree, steps: Steps) -> Iterator[Fault]:
    for i, volume in enumerate(sequence(spec.get("volumes"))):
        sources = [key for key in mapping(volume) if key != "name"]
        at = (*steps, "spec", "volumes", i)
        if len(sources) > 1:
            yield "volume-two-sources", pointer(*at), f"a volume has one source, not {' and '.join(sources)}"
        empty = mapping(mapping(volume).get("emptyDir"))
        medium = str(empty.get("medium", ""))
        if medium not in ("", "Memory", "HugePages") and not medium.startswith("HugePages-"):
            yield (
                "emptydir-medium",
                pointer(*at, "emptyDir", "medium"),
                f"medium {medium!r} is none of Memory, HugePages or nothing: only the kubelet would object",
            )
        if "sizeLimit" in empty:
            try:
                parse(empty["sizeLimit"])
            except ValueError as error:
                yield "bad-quantity", pointer(*at, "emptyDir", "sizeLimit"), str(error)


def _placement(spec: Tree, steps: Steps) -> Iterator[Fault]:
    for i, toleration in enumerate(sequence(spec.get("tolerations"))):
        if mapping(toleration).get("operator") == "Exists" and mapping(toleration).get("value"):
            yield "toleration-exists-with-value", pointer(*steps, "spec", "tolerations", i, "value"), "operator Exists takes no value"
    for i, spread in enumerate(sequence(spec.get("topologySpreadConstraints"))):
        skew = mapping(spread).get("maxSkew")
        if isinstance(skew, int) and skew < 1:
            yield "topology-maxskew-0", pointer(*steps, "spec", "topologySpreadConstraints", i, "maxSkew"), f"maxSkew {skew}: at least 1"
    grace = spec.get("terminationGracePeriodSeconds")
    if isinstance(grace, int) and grace < 0:
        yield "grace-negative", pointer(*steps, "spec", "terminationGracePeriodSeconds"), f"{grace} s would be treated as 1 s"
