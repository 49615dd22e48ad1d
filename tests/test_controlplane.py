"""The real API server and scheduler are what they claim to be: faults that a schema lets pass are refused, good objects are not."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from tests.controlplane import ApiError, ControlPlane, StartError
from tests.crd_seed import CRDS_PATH, SCHEMAS, documents
from tests.scheduling import add_node, await_nodes, verdicts

pytestmark = pytest.mark.controlplane

CONTAINER = {"name": "server", "image": "example.com/server:1", "resources": {"limits": {"nvidia.com/gpu": "1", "memory": "64Gi"}}}
DEPLOYMENT = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "chat", "namespace": "default"},
    "spec": {
        "selector": {"matchLabels": {"app": "chat"}},
        "template": {"metadata": {"labels": {"app": "chat"}}, "spec": {"containers": [CONTAINER]}},
    },
}
GATEWAY = {
    "apiVersion": "gateway.networking.k8s.io/v1",
    "kind": "Gateway",
    "metadata": {"name": "public", "namespace": "default"},
    "spec": {"gatewayClassName": "gke-l7-rilb", "listeners": [{"name": "http", "port": 80, "protocol": "HTTP"}]},
}
POOL = {
    "apiVersion": "inference.networking.k8s.io/v1",
    "kind": "InferencePool",
    "metadata": {"name": "chat", "namespace": "default"},
    "spec": {
        "selector": {"matchLabels": {"app": "chat"}},
        "targetPorts": [{"number": 8000}],
        "endpointPickerRef": {"name": "chat-epp", "port": {"number": 9002}},
    },
}
HPA = {
    "apiVersion": "autoscaling/v2",
    "kind": "HorizontalPodAutoscaler",
    "metadata": {"name": "chat", "namespace": "default"},
    "spec": {"minReplicas": 1, "maxReplicas": 2, "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "chat"}},
}
SERVER = "spec.template.spec.containers.0"
# id of the catalogue of mutants -> good object, path, wrong value, fragment of what server 1.34 says
MUTANTS: dict[str, tuple[dict[str, Any], str, Any, str]] = {
    "gpu-request-ne-limit": (DEPLOYMENT, f"{SERVER}.resources.requests", {"nvidia.com/gpu": "2"}, "must be equal to"),
    "gpu-fraction": (DEPLOYMENT, f"{SERVER}.resources.limits", {"nvidia.com/gpu": "0.5"}, "must be an integer"),
    "request-gt-limit": (DEPLOYMENT, f"{SERVER}.resources.requests", {"memory": "80Gi"}, "must be less than or equal to memory"),
    "bad-quantity": (DEPLOYMENT, f"{SERVER}.resources.limits", {"memory": "80Gib"}, "quantities must match the regular expression"),
    "label-value-bad": (DEPLOYMENT, "metadata.labels", {"model": "google/gemma"}, "a valid label must be"),
    "selector-mismatch": (DEPLOYMENT, "spec.selector.matchLabels", {"app": "b"}, "`selector` does not match template `labels`"),
    "unknown-mount": (DEPLOYMENT, f"{SERVER}.volumeMounts", [{"name": "nope", "mountPath": "/x"}], 'Not found: "nope"'),
    "unknown-field": (DEPLOYMENT, f"{SERVER}.imagePullPolice", "Always", "field not declared in schema"),
    "hpa-max-lt-min": (HPA, "spec.minReplicas", 5, "must be greater than or equal to `minReplicas`"),
    "no-namespace-exists": (DEPLOYMENT, "metadata.namespace", "missing-ns", 'namespaces "missing-ns" not found'),
    "gw-tls-no-cert": (
        GATEWAY, "spec.listeners", [{"name": "a", "port": 443, "protocol": "HTTPS", "tls": {"mode": "Terminate"}}],
        "certificateRefs or options must be specified when mode is Terminate",
    ),
    "gw-dup-listener": (
        GATEWAY, "spec.listeners", [{"name": n, "port": 80, "protocol": "HTTP"} for n in "ab"],
        "Combination of port, protocol and hostname must be unique",
    ),
    "pool-no-epp-port": (POOL, "spec.endpointPickerRef", {"name": "chat-epp"}, "port is required when kind is 'Service'"),
    "pool-dup-ports": (POOL, "spec.targetPorts", [{"number": 8000}, {"number": 8000}], "port number must be unique"),
}  # fmt: skip


def changed(obj: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy of an object with one place set."""
    mutant = copy.deepcopy(obj)
    *parents, last = path.split(".")
    at: Any = mutant
    for key in parents:
        at = at[int(key)] if isinstance(at, list) else at.setdefault(key, {})
    at[last] = value
    return mutant


@pytest.mark.parametrize("good", [DEPLOYMENT, GATEWAY, POOL, HPA], ids=lambda o: o["kind"])
def test_good_objects_are_accepted_without_a_warning(control_plane: ControlPlane, good: dict[str, Any]) -> None:
    control_plane.take_warnings()
    control_plane.apply(good)
    assert control_plane.take_warnings() == []


@pytest.mark.parametrize("mutant", MUTANTS)
def test_mutant_is_refused(control_plane: ControlPlane, mutant: str) -> None:
    good, path, value, says = MUTANTS[mutant]
    with pytest.raises(ApiError) as refusal:
        control_plane.apply(changed(good, path, value))
    assert says in str(refusal.value)


def test_warnings_are_collected(control_plane: ControlPlane) -> None:
    control_plane.take_warnings()
    control_plane.apply(changed(DEPLOYMENT, "metadata.name", "a" * 64))
    assert any("DNS label is recommended" in text for _, text in control_plane.take_warnings())


def test_dry_run_leaves_nothing_and_apply_does(control_plane: ControlPlane) -> None:
    namespace = control_plane.ensure_namespace("control-plane-test")
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": namespace}, "data": {"k": "v"}}
    control_plane.apply(config)
    with pytest.raises(ApiError) as absent:
        control_plane.request("GET", control_plane.path_of(config))
    assert absent.value.code == 404
    first = control_plane.apply(config, dry_run=False)
    second = control_plane.apply(config, dry_run=False)
    assert first["metadata"]["resourceVersion"] == second["metadata"]["resourceVersion"]


def test_server_took_every_crd(control_plane: ControlPlane) -> None:
    assert control_plane.refused_crds == {}


@pytest.mark.parametrize("path", sorted([*(SCHEMAS / "own").glob("*.yaml"), *(SCHEMAS / "ahead").glob("*.yaml")]), ids=lambda p: p.stem)
def test_server_takes_our_own_crds(control_plane: ControlPlane, path: Path) -> None:
    """Under another group: where the real CRD is known, that one is installed and ours would meet it."""
    for document in documents(path):
        ours = copy.deepcopy(document)
        ours["spec"]["group"] = "own.example.com"
        ours["metadata"] = {"name": f"{ours['spec']['names']['plural']}.own.example.com"}
        taken = control_plane.request("POST", f"{CRDS_PATH}?dryRun=All&fieldValidation=Strict", ours)
        assert taken["spec"]["names"]["kind"] == document["spec"]["names"]["kind"]


def test_a_program_that_ends_shows_its_log(control_plane: ControlPlane, tmp_path: Path) -> None:
    broken = ControlPlane(control_plane.programs, tmp_path / "run")
    broken.work.mkdir()
    broken.spawn("etcd", "--no-such-flag")
    broken.processes["etcd"].wait(10)
    with pytest.raises(StartError, match="no-such-flag"):
        broken.check_alive()


TAINT = {"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}


def pod(name: str, namespace: str, compute_class: str, gpus: int, memory: str = "64Gi", tolerates: bool = True) -> dict[str, Any]:
    """A Pod that asks for GPUs of a ComputeClass."""
    resources = {"cpu": "8", "memory": memory, "nvidia.com/gpu": str(gpus)}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "nodeSelector": {"cloud.google.com/compute-class": compute_class},
            "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}] if tolerates else [],
            "containers": [CONTAINER | {"resources": {"requests": resources, "limits": resources}}],
        },
    }


def test_scheduler_binds_the_right_pod_and_refuses_the_controls(scheduler: ControlPlane) -> None:
    namespace = scheduler.ensure_namespace("scheduler-test")
    for node, compute_class, gpus in (("n1", "gpu-h100-x2", "2"), ("n2", "gpu-l4", "1")):
        labels = {"cloud.google.com/compute-class": compute_class, "topology.kubernetes.io/zone": "us-central1-a"}
        add_node(scheduler, node, labels, [TAINT], {"cpu": "25", "memory": "220Gi", "pods": "110", "nvidia.com/gpu": gpus})
    await_nodes(scheduler, namespace)
    cases = {
        "right": (pod("right", namespace, "gpu-h100-x2", 2), "n1"),
        "no-toleration": (pod("no-toleration", namespace, "gpu-h100-x2", 2, tolerates=False), "untolerated taint"),
        "too-many-gpus": (pod("too-many-gpus", namespace, "gpu-l4", 2), "Insufficient nvidia.com/gpu"),
        "too-much-memory": (pod("too-much-memory", namespace, "gpu-l4", 1, memory="300Gi"), "Insufficient memory"),
        "no-such-class": (pod("no-such-class", namespace, "gpu-b200", 1), "didn't match Pod's node affinity/selector"),
    }
    for manifest, _ in cases.values():
        scheduler.apply(manifest, dry_run=False)
    told = verdicts(scheduler, namespace, cases)
    assert told.keys() == cases.keys()
    assert told["right"] == "n1"
    for name, (_, says) in cases.items():
        assert says in told[name], name
