"""objectcheck says what the API server says: good objects pass, each kind of fault is told with its place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from inferspec.tools import ToolError
from inferspec.tools.objects import folders

from tests.controlplane import ApiError, ControlPlane
from tests.objects import check_objects
from tests.test_controlplane import DEPLOYMENT, GATEWAY, HPA, MUTANTS, POOL, changed

LWS = {
    "apiVersion": "leaderworkerset.x-k8s.io/v1",
    "kind": "LeaderWorkerSet",
    "metadata": {"name": "chat", "namespace": "default"},
    "spec": {"leaderWorkerTemplate": {"size": 2, "workerTemplate": {"spec": {"containers": [{"name": "server"}]}}}},
}
# What a client can decode is not all that a server validates: these mutants of built-in kinds need the server itself.
NEEDS_SERVER = {
    "gpu-request-ne-limit", "gpu-fraction", "request-gt-limit", "selector-mismatch", "unknown-mount", "hpa-max-lt-min",
    "no-namespace-exists",
}  # fmt: skip


def test_good_objects_have_no_findings() -> None:
    assert check_objects([(o["kind"], o) for o in (DEPLOYMENT, GATEWAY, POOL, HPA, LWS)]) == []


def test_nothing_costs_nothing() -> None:
    assert check_objects([]) == []


@pytest.mark.parametrize("mutant", sorted(MUTANTS.keys() - NEEDS_SERVER))
def test_mutant_is_found(mutant: str) -> None:
    good, path, value, _ = MUTANTS[mutant]
    assert [f.id for f in check_objects([("x", changed(good, path, value))])] != []


@pytest.mark.parametrize("mutant", sorted(m for m, (good, *_) in MUTANTS.items() if good in (GATEWAY, POOL)))
def test_rules_of_crds_speak_as_the_server_does(mutant: str, control_plane: ControlPlane) -> None:
    good, path, value, says = MUTANTS[mutant]
    bad = changed(good, path, value)
    with pytest.raises(ApiError) as refusal:
        control_plane.apply(bad)
    (finding,) = check_objects([("x", bad)])
    assert says in finding.message
    assert finding.message in str(refusal.value)
    assert finding.field in str(refusal.value)


@pytest.mark.parametrize(
    ("good", "path", "value", "reason", "field", "pointer"),
    [
        (DEPLOYMENT, "spec.template.spec.containers.0.imagePullPolice", "x", "unknown-field",
         "spec.template.spec.containers[0].imagePullPolice", "/spec/template/spec/containers/0/imagePullPolice"),
        (DEPLOYMENT, "spec.replicas", "two", "malformed", "spec.replicas", "/spec/replicas"),
        (GATEWAY, "spec.nope", 1, "unknown-field", "spec.nope", "/spec/nope"),
        (GATEWAY, "metadata.nope", 1, "unknown-field", "metadata.nope", "/metadata/nope"),
        (GATEWAY, "spec.listeners.0.port", "80", "invalid", "spec.listeners[0].port", "/spec/listeners/0/port"),
        (GATEWAY, "apiVersion", "gateway.networking.k8s.io/v1alpha2", "unknown-version", "apiVersion", "/apiVersion"),
        (GATEWAY, "kind", "Gatevay", "unknown-kind", "kind", "/kind"),
        (DEPLOYMENT, "kind", "Deploiment", "unknown-kind", "kind", "/kind"),
        (DEPLOYMENT, "metadata.labels", {"a/b": "c d"}, "invalid", "metadata.labels", "/metadata/labels"),
        (LWS, "metadata.name", "Chat_A", "invalid", "metadata.name", "/metadata/name"),
    ],
)  # fmt: skip
def test_a_fault_has_a_reason_and_a_place(
    good: dict[str, Any], path: str, value: Any, reason: str, field: str, pointer: str
) -> None:
    (finding,) = check_objects([("x", changed(good, path, value))])
    assert (finding.id, finding.reason, finding.field, finding.pointer) == ("x", reason, field, pointer)


def test_findings_keep_the_order_of_the_objects() -> None:
    bad = changed(POOL, "spec.targetPorts", [{"number": 1}, {"number": 1}])
    names = [str(n) for n in range(300)]
    assert [f.id for f in check_objects((n, bad if int(n) % 2 else POOL) for n in names)] == names[1::2]


def test_defaults_come_before_required(tmp_path: Path) -> None:
    """A field that is required and has a default may be left out, as on the server; a plain schema validator refuses it."""
    crd(tmp_path, {"type": "object", "required": ["mode"], "properties": {"mode": {"type": "string", "default": "a"}}})
    assert check_objects([("x", thing({}))], [tmp_path]) == []


def test_a_users_crds_win_over_the_packages(tmp_path: Path) -> None:
    spec = {"type": "object", "properties": {"only": {"type": "string"}}}
    crd(tmp_path, spec, group="inference.networking.k8s.io", kind="InferencePool")
    assert {f.field for f in check_objects([("x", POOL)], [tmp_path])} == {
        "spec.selector", "spec.targetPorts", "spec.endpointPickerRef",
    }  # fmt: skip


def test_whole_numbers_are_integers_to_cel(tmp_path: Path) -> None:
    rule = {"rule": "self.n % 2 == 0", "message": "n must be even"}
    crd(tmp_path, {"type": "object", "properties": {"n": {"type": "integer"}}, "x-kubernetes-validations": [rule]})
    assert check_objects([("x", thing({"n": 4}))], [tmp_path]) == []
    (finding,) = check_objects([("x", thing({"n": 5}))], [tmp_path])
    assert "n must be even" in finding.message


def test_a_folder_that_cannot_be_read_is_a_tool_error(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("kind: CustomResourceDefinition\nspec: [\n")
    with pytest.raises(ToolError, match=r"a\.yaml"):
        check_objects([("x", POOL)], [tmp_path])


def test_a_crd_that_does_not_compile_is_told_apart_from_a_bad_object(tmp_path: Path) -> None:
    crd(tmp_path, {"type": "object", "patternProperties": {"n": {"type": "integer"}}})
    (finding,) = check_objects([("x", thing({"n": 4}))], [tmp_path])
    assert finding.reason == "unusable-schema"


def test_package_carries_the_kinds_we_emit() -> None:
    of_modules = next(folder for folder in folders() if folder.name == "crds")
    index = json.loads((of_modules / "index.json").read_text())
    for kind in (
        "gateway.networking.k8s.io/Gateway", "gateway.networking.k8s.io/HTTPRoute", "inference.networking.k8s.io/InferencePool",
        "inference.networking.x-k8s.io/InferenceObjective", "inference.networking.x-k8s.io/InferenceModelRewrite",
        "leaderworkerset.x-k8s.io/LeaderWorkerSet", "kueue.x-k8s.io/ClusterQueue", "jobset.x-k8s.io/JobSet", "ray.io/RayService",
        "keda.sh/ScaledObject", "monitoring.googleapis.com/PodMonitoring", "networking.gke.io/GCPBackendPolicy",
        "networking.gke.io/HealthCheckPolicy", "secrets-store.csi.x-k8s.io/SecretProviderClass",
    ):  # fmt: skip
        assert (of_modules / index[kind]).is_file(), kind


def thing(spec: dict[str, Any]) -> dict[str, Any]:
    """An object of the kind that `crd` defines."""
    return {"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "a", "namespace": "b"}, "spec": spec}


def crd(folder: Path, spec: dict[str, Any], group: str = "example.com", kind: str = "Thing") -> None:
    """Write a CRD with one version."""
    version = {"name": "v1", "served": True, "storage": True}
    version["schema"] = {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec}}}
    names = {"kind": kind, "plural": f"{kind.lower()}s"}
    body = {"group": group, "names": names, "scope": "Namespaced", "versions": [version]}
    document = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "spec": body}
    (folder / "crd.yaml").write_text("# a user's own\n---\n" + json.dumps(document, indent=1))
