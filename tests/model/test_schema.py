"""The published JSON Schema: current, described throughout, and of one mind with the model."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from inferspec.cli.schema import document
from inferspec.load import load_text

ROOT = Path(__file__).parent.parent.parent
SCHEMA = document()
BASE = (ROOT / "tests/rules/base.yaml").read_text(encoding="utf-8")


def properties(node: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(node, dict):
        held = node.get("properties")
        if isinstance(held, dict) and node.get("type") == "object":
            yield from ((f"{path}.{name}", schema) for name, schema in held.items())
        for key, inner in node.items():
            yield from properties(inner, f"{path}/{key}")
    elif isinstance(node, list):
        for inner in node:
            yield from properties(inner, path)


def test_the_published_schema_is_current() -> None:
    published = json.loads((ROOT / "specs/platform.schema.json").read_text(encoding="utf-8"))
    assert published == SCHEMA, "inferspec schema > specs/platform.schema.json"


def test_every_property_is_described() -> None:
    assert [path for path, schema in properties(SCHEMA) if not schema.get("description")] == []


def test_every_object_is_closed() -> None:
    for name, schema in SCHEMA["$defs"].items():
        assert schema["additionalProperties"] is False, name


def test_every_pattern_compiles_and_takes_its_example() -> None:
    def walk(node: Any) -> Iterator[dict[str, Any]]:
        if isinstance(node, dict):
            if isinstance(node.get("pattern"), str):
                yield node
            for inner in node.values():
                yield from walk(inner)
        elif isinstance(node, list):
            for inner in node:
                yield from walk(inner)

    found = list(walk(SCHEMA))
    assert len(found) > 30
    for node in found:
        for example in node.get("examples", []):
            assert re.search(node["pattern"], example), node


# -- a validator of the keywords that the schema uses ------------------------------------------------------------------

_TYPES: dict[str, Any] = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None), "number": (int, float)}
_KNOWN = {
    *("$defs", "$id", "$schema", "$ref", "title", "description", "default", "examples", "type", "properties", "required", "items"),
    *("additionalProperties", "propertyNames", "anyOf", "enum", "const", "pattern", "minLength", "maxLength", "minimum", "maximum"),
    *("minItems", "minProperties", "patternProperties"),
}


def faults(schema: dict[str, Any], value: Any, at: str = "") -> Iterator[str]:
    assert not set(schema) - _KNOWN, f"keywords nobody checks: {set(schema) - _KNOWN}"
    if "$ref" in schema:
        yield from faults(SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]], value, at)
    if "anyOf" in schema:
        tried = [list(faults(one, value, at)) for one in schema["anyOf"]]
        if all(tried):
            yield from min(tried, key=len)
    if "type" in schema and not _is(schema["type"], value):
        yield f"{at}: no {schema['type']}"
        return
    if ("const" in schema and value != schema["const"]) or ("enum" in schema and value not in schema["enum"]):
        yield f"{at}: {value!r} is not one of them"
    if isinstance(value, str):
        if "pattern" in schema and not re.search(schema["pattern"], value):
            yield f"{at}: pattern"
        if not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", 10_000):
            yield f"{at}: length"
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        if not schema.get("minimum", value) <= value <= schema.get("maximum", value):
            yield f"{at}: limit"
    elif isinstance(value, list):
        if len(value) < schema.get("minItems", 0):
            yield f"{at}: items"
        for i, item in enumerate(value):
            yield from faults(schema.get("items", {}), item, f"{at}[{i}]")
    elif isinstance(value, dict):
        yield from _map_faults(schema, value, at)


def _map_faults(schema: dict[str, Any], value: dict[str, Any], at: str) -> Iterator[str]:
    yield from (f"{at}.{key}: missing" for key in schema.get("required", []) if key not in value)
    if len(value) < schema.get("minProperties", 0):
        yield f"{at}: empty"
    rest = schema.get("additionalProperties", True)
    for key, item in value.items():
        if key in schema.get("properties", {}):
            yield from faults(schema["properties"][key], item, f"{at}.{key}")
            continue
        yield from faults(schema.get("propertyNames", {}), key, f"{at}.{key}")
        fitting = [one for pattern, one in schema.get("patternProperties", {}).items() if re.search(pattern, key)]
        for one in fitting or ([rest] if isinstance(rest, dict) else []):
            yield from faults(one, item, f"{at}.{key}")
        if not fitting and rest is False:
            yield f"{at}.{key}: unknown"


def _is(kind: str, value: Any) -> bool:
    if kind == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, _TYPES[kind]) and (kind == "boolean" or not isinstance(value, bool))


def parsed(text: str) -> Any:
    loaded, problems = load_text(text)
    assert loaded is not None and not problems
    return loaded.root


@pytest.mark.parametrize("spec", [ROOT / "tests/rules/base.yaml", *sorted((ROOT / "specs").glob("*.yaml"))], ids=lambda path: path.stem)
def test_the_schema_takes_our_specs(spec: Path) -> None:
    assert list(faults(SCHEMA, parsed(spec.read_text(encoding="utf-8")))) == []


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("    team: search\n", "", ".serving.chat.team: missing"),
        ("maxModelLen: 8192", "maxModelLn: 8192", ".serving.chat.maxModelLn: unknown"),
        ("maxModelLen: 8192", "maxModelLen: 0", ".serving.chat.maxModelLen: limit"),
        ("mode: standard", "mode: none", ".regions.europe-west4.clusters.euw4-prod.mode: 'none' is not one of them"),
        ("topology: 2x2", "topology: big", ".capacityClasses.trillium.topology: pattern"),
        ("  draft:\n", "  Draft:\n", ".serving.Draft: unknown"),
        ("where: {region: us-central1}", "where: {}", None),
    ],
)
def test_the_schema_refuses_what_the_model_refuses(old: str, new: str, fault: str | None) -> None:
    """An editor says at once what the compiler would; an empty selector is for the compiler alone to refuse."""
    assert BASE.count(old) == 1
    assert list(faults(SCHEMA, parsed(BASE.replace(old, new)))) == ([fault] if fault else [])
