"""Our own closed schemas against the real CRDs: same paths, types, enums, limits, required fields and CEL rules below ``spec``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.objects import check_objects

ROOT = Path(__file__).resolve().parents[2]
SCHEMAS = ROOT / "compiler" / "inferspec" / "schemas"
OWN, AHEAD = SCHEMAS / "own", SCHEMAS / "ahead"
REAL = ROOT.parent / "shared" / "crds"
FILES = sorted(OWN.glob("*.yaml"))
BALANCING = {"balancingMode", "trafficDuration", "maxInFlightRequestsPerEndpoint", "customMetrics"}
"""What clusters have of GCPBackendPolicy ahead of its public CRD (GKE documentation, "Set up the GKE multi-cluster Inference Gateway")."""
FACETS = (
    "type",
    "format",
    "enum",
    "required",
    "default",
    "pattern",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "minProperties",
    "maxProperties",
    "nullable",
    "x-kubernetes-preserve-unknown-fields",
    "x-kubernetes-int-or-string",
    "x-kubernetes-list-type",
    "x-kubernetes-list-map-keys",
    "x-kubernetes-map-type",
    "uniqueItems",
)


def _version(crd: dict[str, Any]) -> dict[str, Any]:
    return next(v for v in crd["spec"]["versions"] if v["storage"])


def _walk(schema: dict[str, Any], path: str = "spec") -> Iterator[tuple[str, dict[str, Any]]]:
    yield path, schema
    for name, child in schema.get("properties", {}).items():
        yield from _walk(child, f"{path}.{name}")
    for key, mark in (("items", "[]"), ("additionalProperties", "{}")):
        if isinstance(schema.get(key), dict):
            yield from _walk(schema[key], path + mark)


def _facets(schema: dict[str, Any]) -> dict[str, Any]:
    said = {key: schema[key] for key in FACETS if key in schema}
    return said | {"rules": [(r["rule"], r.get("message")) for r in schema.get("x-kubernetes-validations", ())]}


@pytest.mark.parametrize("path", [*FILES, *sorted(AHEAD.glob("*.yaml"))], ids=lambda p: p.stem)
def test_shape_of_a_crd(path: Path) -> None:
    crd = yaml.safe_load(path.read_text())
    assert crd["kind"] == "CustomResourceDefinition"
    names = crd["spec"]["names"]
    assert crd["metadata"]["name"] == f"{names['plural']}.{crd['spec']['group']}"
    assert path.stem == f"{crd['spec']['group']}_{names['plural']}"
    assert path.read_text().startswith("# "), "a schema says its source"
    for where, schema in _walk(_version(crd)["schema"]["openAPIV3Schema"]["properties"]["spec"]):
        assert "description" not in schema, where
        assert "type" in schema or "x-kubernetes-int-or-string" in schema or "x-kubernetes-preserve-unknown-fields" in schema, where


@pytest.mark.skipif(not REAL.is_dir(), reason="the real CRDs are not beside this clone")
@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_equal_to_the_real_one(path: Path) -> None:
    if not (REAL / path.name).is_file():
        pytest.skip(f"the shared folder has no CRD {path.stem}")
    own, real = (yaml.load((folder / path.name).read_text(), Loader=yaml.CSafeLoader) for folder in (OWN, REAL))
    assert (own["spec"]["group"], own["spec"]["scope"], own["spec"]["names"]["kind"]) == (
        real["spec"]["group"],
        real["spec"]["scope"],
        real["spec"]["names"]["kind"],
    )
    mine, theirs = _version(own), _version(real)
    assert mine["name"] == theirs["name"]
    assert mine["schema"]["openAPIV3Schema"].get("required") == theirs["schema"]["openAPIV3Schema"].get("required")
    ours, real_nodes = (dict(_walk(v["schema"]["openAPIV3Schema"]["properties"]["spec"])) for v in (mine, theirs))
    assert set(ours) == set(real_nodes)
    assert {where: _facets(node) for where, node in ours.items()} == {where: _facets(node) for where, node in real_nodes.items()}


def test_what_is_ahead_of_the_public_crd_is_that_and_what_balancing_needs() -> None:
    """All of the CRD that the Go module has, so that nothing else is let through."""
    (path,) = AHEAD.glob("*.yaml")
    ahead = _version(yaml.safe_load(path.read_text()))
    public = _version(json.loads((SCHEMAS / "crds" / "gcpbackendpolicies.networking.gke.io.json").read_bytes()))
    ours, theirs = (dict(_walk(v["schema"]["openAPIV3Schema"]["properties"]["spec"])) for v in (ahead, public))
    more = {where for where in ours if any(where.startswith(f"spec.default.{name}") for name in BALANCING)}
    assert {where.split(".")[2].removesuffix("[]") for where in more} == BALANCING
    own_rules = ours["spec.default"].pop("x-kubernetes-validations")
    assert [rule["message"] for rule in own_rules] == ["CUSTOM_METRICS and IN_FLIGHT are mutually exclusive"]
    assert {w: _facets(n) for w, n in ours.items() if w not in more} == {w: _facets(n) for w, n in theirs.items()}


BOTH = {"customMetrics": [{"name": "gke.named_metrics.kv-cache"}], "maxInFlightRequestsPerEndpoint": 64}


@pytest.mark.parametrize(
    ("default", "reasons"),
    [
        ({"balancingMode": "IN_FLIGHT", "trafficDuration": "LONG", "maxInFlightRequestsPerEndpoint": 64}, []),
        ({"balancingMode": "IN_FLIGHT", "maxInFlightRequestsPerEndpoint": 0}, ["invalid"]),
        ({"balancingMode": "INFLIGHT"}, ["invalid"]),
        ({"maxInflightRequestsPerEndpoint": 64}, ["unknown-field"]),
        (BOTH, ["invalid"]),
    ],
)
def test_balancing_is_checked(default: dict[str, Any], reasons: list[str]) -> None:
    target = {"group": "networking.gke.io", "kind": "GCPInferencePoolImport", "name": "chat"}
    policy = {
        "apiVersion": "networking.gke.io/v1",
        "kind": "GCPBackendPolicy",
        "metadata": {"name": "chat-import", "namespace": "search-llm"},
        "spec": {"targetRef": target, "default": default},
    }
    assert [fault.reason for fault in check_objects([("one", policy)])] == reasons
