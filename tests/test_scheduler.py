"""The real kube-scheduler binds every workload to every Node that its ComputeClass promises, and refuses each faulty one.

Nodes are shaped from the emitted ComputeClass and the catalogue's machine, a Node for each Pod, so that no two compete.
"""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from inferspec.catalog import Catalogue, Machine
from inferspec.emit.tree import cluster_objects
from inferspec.plan.objects import ClusterPlan
from inferspec.plan.skeleton import pointer
from inferspec.prove.pods import pod_templates
from inferspec.quantity import parse
from inferspec.resolve.memory import allocatable

from tests import line
from tests.controlplane import ControlPlane
from tests.scheduling import add_node, await_nodes, verdicts

pytestmark = pytest.mark.controlplane

CLASS = "cloud.google.com/compute-class"
SPOT = "cloud.google.com/gke-spot"
SIDECAR = {"cpu": "250m", "memory": "256Mi", "ephemeral-storage": "5Gi"}
"""What the FUSE driver's webhook asks for its sidecar (gcs-fuse-csi-driver pkg/webhook/config.go); a limit of 0 lifts limits alone."""
BOOT_DISK = "93Gi"
"""Of a 100 GB boot disk; only the sidecar asks for any."""
PLAIN = "n4-standard-16"
"""Where pickers and downloads go: a machine without accelerators."""


@dataclass(frozen=True)
class Node:
    labels: dict[str, str]
    taints: tuple[tuple[str, str], ...]
    resources: dict[str, str]

    def short_of(self, resource: str, amount: int) -> Node:
        return replace(self, resources={**self.resources, resource: str(amount)})


@dataclass
class Trial:
    """One Pod and its own Node; ``says`` is None where it must be bound, else a part of the scheduler's reason."""

    what: str
    node: Node
    spec: dict[str, Any]
    labels: dict[str, str]
    says: str | None
    name: str = field(default="")


# -- Pods --------------------------------------------------------------------------------------------------------------


def admitted(template: dict[str, Any]) -> dict[str, Any]:
    """The Pod's spec after GKE's webhooks; disks that a provisioner would make are left out, with their mounts."""
    spec = copy.deepcopy(template["spec"])
    disks = {v["name"] for v in spec.get("volumes", []) if "ephemeral" in v or "persistentVolumeClaim" in v}
    spec["volumes"] = [v for v in spec.get("volumes", []) if v["name"] not in disks]
    for container in (*spec["containers"], *spec.get("initContainers", ())):
        container["volumeMounts"] = [m for m in container.get("volumeMounts", []) if m["name"] not in disks]
    if template["metadata"].get("annotations", {}).get("gke-gcsfuse/volumes") == "true":
        sidecar = {
            "name": "gke-gcsfuse-sidecar",
            "image": "example.com/sidecar:1",
            "restartPolicy": "Always",
            "resources": {"requests": SIDECAR},
        }
        spec["initContainers"] = [sidecar, *spec.get("initContainers", [])]
    if name := spec.get("nodeSelector", {}).get(CLASS):
        # GKE lets the Pods of a class onto its Nodes by itself; accelerators and spot are for the manifest to tolerate.
        spec["tolerations"] = [*spec.get("tolerations", []), {"key": CLASS, "value": name, "effect": "NoSchedule"}]
    return spec


def requested(spec: dict[str, Any], resource: str) -> int:
    """Bytes, cores or chips of all containers, sidecars among them; what ends before they start asks for less."""
    beside = [c for c in spec.get("initContainers", ()) if c.get("restartPolicy") == "Always"]
    told = [c["resources"]["requests"].get(resource, "0") for c in (*spec["containers"], *beside)]
    return int(sum(parse(str(amount)) for amount in told))


def workloads(cluster: ClusterPlan, name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for held in cluster_objects(line.fleet_plan(name), cluster).values():
        for identity, tree in held.items():
            for template, path in pod_templates(tree):
                yield f"{identity} {pointer(path)}", template


# -- Nodes -------------------------------------------------------------------------------------------------------------


def shape(machine: Machine) -> dict[str, str]:
    cpu, memory = allocatable(machine)
    return {"cpu": f"{cpu}m", "memory": str(memory), "ephemeral-storage": BOOT_DISK, "pods": "110"}


def promised(catalogue: Catalogue, cluster: ClusterPlan, compute_class: dict[str, Any]) -> Iterator[tuple[str, Node]]:
    """A Node for every priority of the class, as GKE labels and taints it."""
    machines = {m.type: m for m in catalogue.machines.values()}
    name = compute_class["metadata"]["name"]
    for rule in compute_class["spec"]["priorities"]:
        machine = machines[rule["machineType"]]
        if not machine.accelerator:
            yield machine.type, Node({CLASS: name, "node.kubernetes.io/instance-type": machine.type}, ((CLASS, name),), shape(machine))
            continue
        accelerator = catalogue.accelerators[machine.accelerator]
        reserved = rule.get("reservations", {}).get("specific", [{}])[0]
        zones = reserved.get("zones") or rule.get("location", {}).get("zones") or [f"{cluster.region}-a"]
        labels = {
            CLASS: name,
            "node.kubernetes.io/instance-type": machine.type,
            "topology.kubernetes.io/region": cluster.region,
            "topology.kubernetes.io/zone": zones[0],
            "cloud.google.com/gke-accelerator-count": str(machine.chips),
        }
        own = (*compute_class["spec"].get("nodePoolConfig", {}).get("taints", ()), *rule.get("taints", ()))
        taints = [(CLASS, name), (accelerator.resource, "present")]
        taints += [(taint["key"], taint.get("value", "")) for taint in own if taint["effect"] == "NoSchedule"]
        if accelerator.arch == "arm64":
            taints.append(("kubernetes.io/arch", "arm64"))
        if "tpu" in rule:
            assert rule["tpu"]["count"] == machine.chips
            labels |= {
                "cloud.google.com/gke-tpu-accelerator": accelerator.node_label,
                "cloud.google.com/gke-tpu-topology": rule["tpu"]["topology"],
            }
        else:
            assert rule["gpu"]["count"] == machine.chips
            labels["cloud.google.com/gke-accelerator"] = accelerator.node_label
        source = "spot" if rule.get("spot") else "flex-start" if "flexStart" in rule else "reservation" if reserved else "on-demand"
        labels["cloud.google.com/gke-provisioning"] = "spot" if source == "spot" else "standard"
        if source == "spot":
            labels[SPOT] = "true"
            taints.append((SPOT, "true"))
        if source == "flex-start":
            labels["cloud.google.com/gke-flex-start"] = "true"
        yield f"{machine.type} {source}", Node(labels, tuple(taints), {**shape(machine), accelerator.resource: str(machine.chips)})


def plain(catalogue: Catalogue, cluster: ClusterPlan) -> Node:
    labels = {"topology.kubernetes.io/region": cluster.region, "topology.kubernetes.io/zone": f"{cluster.region}-a"}
    return Node(labels, (), shape(catalogue.machines[PLAIN]))


# -- trials ------------------------------------------------------------------------------------------------------------


def without_toleration(spec: dict[str, Any], key: str) -> dict[str, Any]:
    kept = [t for t in spec["tolerations"] if t["key"] != key]
    assert kept != spec["tolerations"], f"the Pod does not tolerate {key}"
    return {**spec, "tolerations": kept}


def accelerated(what: str, spec: dict[str, Any], labels: dict[str, str], nodes: list[tuple[str, Node]]) -> Iterator[Trial]:
    for kind, node in nodes:
        yield Trial(f"{what} on {kind}", node, spec, labels, None)
    for kind, node in nodes[:1] + [n for n in nodes[1:] if SPOT in n[1].labels]:
        chip = next(r for r in node.resources if r.endswith(("/gpu", "/tpu")))
        yield Trial(f"{what}: untolerated {chip} on {kind}", node, without_toleration(spec, chip), labels, "untolerated taint")
        if SPOT in node.labels:
            yield Trial(f"{what}: untolerated spot on {kind}", node, without_toleration(spec, SPOT), labels, "untolerated taint")
    kind, node = nodes[0]
    yield Trial(f"{what}: a chip too few", node.short_of(chip, requested(spec, chip) - 1), spec, labels, f"Insufficient {chip}")
    yield Trial(f"{what}: a byte too few", node.short_of("memory", requested(spec, "memory") - 1), spec, labels, "Insufficient memory")
    classless = {key: value for key, value in node.labels.items() if key != CLASS}
    yield Trial(f"{what}: no class", replace(node, labels=classless), spec, labels, "didn't match Pod's node affinity/selector")


def ordinary(what: str, spec: dict[str, Any], labels: dict[str, str], node: Node, other: Node) -> Iterator[Trial]:
    yield Trial(f"{what} on {PLAIN}", node, spec, labels, None)
    yield Trial(f"{what}: a byte too few", node.short_of("memory", requested(spec, "memory") - 1), spec, labels, "Insufficient memory")
    yield Trial(f"{what}: on an accelerator", other, spec, labels, "untolerated taint")


def wants(spec: dict[str, Any]) -> dict[str, Any]:
    """What a Node can refuse a Pod for."""
    resources = [c["resources"]["requests"] for c in (*spec["containers"], *spec.get("initContainers", ()))]
    return {"resources": resources} | {key: spec.get(key) for key in ("nodeSelector", "affinity", "tolerations")}


def trials(name: str) -> list[Trial]:
    """Each Pod once with each kind of Node, whatever cluster it is in; one of those that ask for the same with each faulty one."""
    catalogue, found = line.fleet(name).catalogue, {}
    for cluster in [c for c in line.fleet_plan(name).clusters if not c.folder]:  # no Pod is in the management cluster
        platform = cluster_objects(line.fleet_plan(name), cluster)["platform"]
        pods = [template["spec"] for _, template in workloads(cluster, name)]
        if not pods:
            continue  # a config cluster that serves nothing
        asked = {spec.get("nodeSelector", {}).get(CLASS) for spec in pods}
        made_of = {i.name: tree for i, tree in platform.items() if i.kind == "ComputeClass" and i.name in asked}
        classes = {key: list(promised(catalogue, cluster, tree)) for key, tree in made_of.items()}
        accelerator = next(nodes[0][1] for nodes in classes.values() if any(r.endswith(("/gpu", "/tpu")) for r in nodes[0][1].resources))
        for what, template in workloads(cluster, name):
            spec, labels = admitted(template), template["metadata"]["labels"]
            wanted = spec.get("nodeSelector", {}).get(CLASS)
            if wanted is None:
                made = ordinary(what, spec, labels, plain(catalogue, cluster), accelerator)
            elif not any(r.endswith(("/gpu", "/tpu")) for r in classes[wanted][0][1].resources):
                made = ordinary(what, spec, labels, classes[wanted][0][1], accelerator)
            else:
                assert wanted in classes, f"{what} asks for class {wanted}, which {cluster.name} does not have"
                made = accelerated(what, spec, labels, classes[wanted])
            for trial in made:
                pod = trial.spec if trial.says is None else wants(trial.spec)
                key = json.dumps([pod, trial.says, trial.node.labels, trial.node.taints, trial.node.resources], sort_keys=True)
                found.setdefault(key, trial)
    return [replace(trial, name=f"trial-{number}") for number, trial in enumerate(found.values())]


def test_a_server_takes_the_room_of_a_placeholder(scheduler: ControlPlane) -> None:
    """The node is full with the placeholder: the scheduler evicts it for the server, and not for a second placeholder."""
    namespace, fleet = scheduler.ensure_namespace("scheduler-room"), line.fleet("scaling")
    cluster = next(c for c in line.fleet_plan("scaling").clusters if c.name == "usc1-live")
    platform = cluster_objects(line.fleet_plan("scaling"), cluster)["platform"]
    for identity, tree in platform.items():
        if identity.kind == "PriorityClass":
            scheduler.apply(tree, dry_run=False)
    (compute_class,) = [tree for identity, tree in platform.items() if identity.kind == "ComputeClass"]
    node = next(node for _, node in promised(fleet.catalogue, cluster, compute_class))
    taints = [{"key": key, "value": value, "effect": "NoSchedule"} for key, value in node.taints]
    add_node(scheduler, "room", node.labels, taints, node.resources)
    await_nodes(scheduler, namespace)
    pods = f"/api/v1/namespaces/{namespace}/pods"
    held = [(what.split(), template) for what, template in workloads(cluster, "scaling")]
    found = {what[1].partition("/")[2]: template for what, template in held if what[0] == "Deployment"}

    def start(name: str, template: dict[str, Any]) -> str:
        spec = admitted(template)
        spec["nodeSelector"] = {**spec["nodeSelector"], "kubernetes.io/hostname": "room"}
        metadata = {"name": name, "namespace": namespace, "labels": template["metadata"]["labels"]}
        scheduler.request("POST", pods, {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})
        return verdicts(scheduler, namespace, [name]).get(name, "")

    assert start("holder", found["batch-placeholder"]) == "room"
    assert "Insufficient nvidia.com/gpu" in start("second", found["batch-placeholder"]), "one that holds room takes none from another"
    start("server", found["batch"])
    end = time.monotonic() + 30
    while time.monotonic() < end and "nodeName" not in scheduler.request("GET", f"{pods}/server")["spec"]:
        time.sleep(0.05)
    left = {item["metadata"]["name"]: item["spec"].get("nodeName") for item in scheduler.request("GET", pods)["items"]}
    assert left["server"] == "room" and "holder" not in left, left


@pytest.mark.parametrize("name", list(line.SPECS))
def test_every_workload_is_bound_where_it_should_be_and_nowhere_else(scheduler: ControlPlane, name: str) -> None:
    namespace = scheduler.ensure_namespace(f"scheduler-{name}")
    for cluster in [c for c in line.fleet_plan(name).clusters if not c.folder][:1]:
        for identity, tree in cluster_objects(line.fleet_plan(name), cluster)["platform"].items():
            if identity.kind == "PriorityClass":
                scheduler.apply(tree, dry_run=False)

    def add(trial: Trial) -> None:
        taints = [{"key": key, "value": value, "effect": "NoSchedule"} for key, value in trial.node.taints]
        add_node(scheduler, trial.name, trial.node.labels, taints, trial.node.resources)

    def start(trial: Trial) -> None:
        spec = {**trial.spec, "nodeSelector": {**trial.spec.get("nodeSelector", {}), "kubernetes.io/hostname": trial.name}}
        metadata = {"name": trial.name, "namespace": namespace, "labels": trial.labels}
        scheduler.request(
            "POST", f"/api/v1/namespaces/{namespace}/pods", {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
        )

    wanted = trials(name)
    assert {t.says is None for t in wanted} == {True, False}
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(add, wanted))
        await_nodes(scheduler, namespace)
        list(pool.map(start, wanted))
    told = verdicts(scheduler, namespace, [trial.name for trial in wanted], timeout=60)
    wrong = [
        f"{trial.what}: {told.get(trial.name, 'no verdict')}"
        for trial in wanted
        if (told.get(trial.name) != trial.name if trial.says is None else trial.says not in told.get(trial.name, ""))
    ]
    assert wrong == []
