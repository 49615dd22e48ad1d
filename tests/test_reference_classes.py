"""The capacity classes of specs/reference.yaml against the 42 ComputeClasses of the reference architecture."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from inferspec.catalog import catalogue
from inferspec.check import check
from inferspec.diagnostics import Diagnostic
from inferspec.load import load_text
from inferspec.model.errors import read_platform
from inferspec.resolve.fleet import Fleet

from tests import line

CLASSES = yaml.safe_load((line.ROOT / "tests/reference_classes.yaml").read_text(encoding="utf-8"))
ENTRIES = [(name, machine, group) for group in CLASSES for name, machine in group["classes"].items()]


def source(entry: Any) -> str:
    """``spot``, ``on-demand``, ``reservation``, or how long flex-start runs."""
    return entry if isinstance(entry, str) else entry.get("flexStart", "reservation")


def written(order: list[str]) -> list[Any]:
    """Sources as a spec writes them."""
    return [{"flexStart": word} if word.endswith("h") else word for word in order]


def classes_answered(entries: dict[str, dict[str, Any]]) -> list[Diagnostic]:
    spec = line.data("reference")
    spec["capacityClasses"] |= entries
    document, _ = load_text(line.written(spec), "spec.yaml")
    assert document is not None
    platform, problems = read_platform(document)
    assert platform is not None and problems == []
    return check(Fleet(platform, catalogue()), document, line.TODAY)[1]


def test_the_reference_has_42_classes() -> None:
    assert len(ENTRIES) == len({name for name, *_ in ENTRIES}) == 42


@pytest.mark.parametrize(("name", "machine", "group"), ENTRIES, ids=[name for name, *_ in ENTRIES])
def test_a_class_asks_for_its_machine_in_the_order_of_the_reference(name: str, machine: str, group: dict[str, Any]) -> None:
    shape, _, topology = machine.partition(" ")
    fields = {"shape": shape} | ({"topology": topology} if topology else {})
    if answer := group.get("cannot") or group.get("differs"):
        burst = written(group.get("order", ["on-demand"]))
        found = classes_answered({name: fields | {"burst": burst}})
        told = [d.message for d in found if d.code == answer["code"] and d.path[:2] == ("capacityClasses", name)]
        assert any(answer["says"] in message for message in told), told
    if "cannot" in group:
        assert name not in line.data("reference")["capacityClasses"]
        return
    own = line.data("reference")["capacityClasses"][name]
    order = [source(entry) for entry in (*own.get("baseline", ()), *own["burst"])]
    assert order == (group | group.get("differs", {}))["order"]
    assert {key: own[key] for key in ("shape", "topology") if key in own} == fields
