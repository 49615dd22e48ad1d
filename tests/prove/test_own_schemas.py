"""Our own closed schemas against the real CRDs: same paths, types, enums, limits, required fields and CEL rules below ``spec``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
OWN = ROOT / "compiler" / "inferspec" / "schemas" / "own"
REAL = ROOT.parent / "shared" / "crds"
FILES = sorted(OWN.glob("*.yaml"))
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


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
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
