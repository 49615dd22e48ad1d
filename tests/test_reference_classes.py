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
ENTRIES = [(name, machine, group) for group in CLASSES for name, machine in group.get("classes", {}).items()]
OWN = {name: spec for group in CLASSES for name, spec in group.get("own", {}).items()}


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
    assert len(ENTRIES) + len(OWN) == len({name for name, *_ in ENTRIES} | OWN.keys()) == 42


@pytest.mark.parametrize(("name", "machine", "group"), ENTRIES, ids=[name for name, *_ in ENTRIES])
def test_a_class_asks_for_its_machine_in_the_order_of_the_reference(name: str, machine: str, group: dict[str, Any]) -> None:
    shape, _, topology = machine.partition(" ")
    fields = {"shape": shape} | ({"topology": topology} if topology else {})
    if answer := group.get("differs"):
        burst = written(group["order"])
        found = classes_answered({name: fields | {"burst": burst}})
        told = [d.message for d in found if d.code == answer["code"] and d.path[:2] == ("capacityClasses", name)]
        assert any(answer["says"] in message for message in told), told
    own = line.data("reference")["capacityClasses"][name]
    order = [source(entry) for entry in (*own.get("baseline", ()), *own["burst"])]
    assert order == (group | group.get("differs", {}))["order"]
    assert {key: own[key] for key in ("shape", "topology") if key in own} == fields
    assert own["maxPodsPerNode"] == HEADER["maxPodsPerNode"]


# -- every field -------------------------------------------------------------------------------------------------------

HEADER = {"maxPodsPerNode": 32, "activeMigration": True, "where": {"cluster": "usc1-gpu"}}
"""What every class of the reference says."""
UNREACHABLE, SSD_LESS, NO_FLEX = 28, 8, 4
"""Its mistakes, counted by hand: architecture.md of the project's facts, section 6, and gke.md, section 2."""


def as_the_reference_has_it(name: str, machine: str, group: dict[str, Any]) -> dict[str, Any]:
    """The class in our language, mistakes included: any reservation with on-demand behind it, local SSDs left out, the wrong machine."""
    shape, _, topology = machine.partition(" ")
    sources: list[Any] = [{"anyReservation": "best-effort"} if word == "reservation" else word for word in group["order"]]
    sources = [{"flexStart": word} if isinstance(word, str) and word.endswith("h") else word for word in sources]
    if name == "gpu-h100-80gb-high-x2":
        sources = [source | {"shape": "a3-highgpu-1g"} if source == {"flexStart": "24h"} else source for source in sources]  # type: ignore[operator]
    return {"shape": shape, "burst": sources} | ({"topology": topology} if topology else {})


def all_classes(**more: Any) -> dict[str, dict[str, Any]]:
    found = {name: as_the_reference_has_it(name, machine, group) for name, machine, group in ENTRIES} | OWN
    return {name: spec | HEADER | more for name, spec in found.items()}


def emptied(classes: dict[str, Any]) -> dict[str, Any]:
    """The reference spec with these classes and without services."""
    spec = line.data("reference")
    return spec | {"capacityClasses": classes, "serving": {}, "objectives": {}}


def found_in(classes: dict[str, Any], code: str) -> list[Diagnostic]:
    document, _ = load_text(line.written(emptied(classes)), "spec.yaml")
    assert document is not None
    platform, problems = read_platform(document)
    assert platform is not None and problems == []
    return [d for d in check(Fleet(platform, catalogue()), document, line.TODAY)[1] if d.code == code]


def test_the_mistakes_of_the_reference_are_found_by_the_rules() -> None:
    classes = all_classes()
    unreachable = found_in(classes, "CAP109")
    assert len(unreachable) == UNREACHABLE
    assert all("on-demand is never asked" in d.message for d in unreachable)
    without_ssd = {name: spec if name in OWN else spec | {"localSsd": 0} for name, spec in classes.items()}
    assert len(found_in(without_ssd, "CAP117")) == SSD_LESS
    flex = found_in(classes, "CAP104")
    assert len(flex) == NO_FLEX and all("ct4p-hightpu-4t is not to be had by flex-start" in d.message for d in flex)
    [wrong] = found_in(classes, "ACC103")
    assert wrong.path[:2] == ("capacityClasses", "gpu-h100-80gb-high-x2") and "a3-highgpu-1g has 1" in wrong.notes[0]


def rule(name: str, word: Any, machine: Any) -> dict[str, Any]:
    """One priority as the reference writes it (section 2.1 of architecture.md), without ``spot: false``."""
    shape, _, topology = machine.partition(" ")
    row = catalogue().machines[shape]
    found: dict[str, Any] = {"machineType": row.type, "maxPodsPerNode": 32}
    if topology:
        kind = catalogue().accelerators[row.accelerator].compute_class_type
        found["tpu"] = {"type": kind, "count": row.chips, "topology": topology}
    elif row.accelerator:
        kind = catalogue().accelerators[row.accelerator].compute_class_type
        found["gpu"] = {"type": kind, "count": row.chips, "driverVersion": "latest"}
    if word == "spot":
        found["spot"] = True
    elif word == "reservation":
        found["reservations"] = {"affinity": "AnyBestEffort"}
        if row.local_ssd:
            found["storage"] = {"localSSDCount": row.local_ssd}  # the reference omits it
    elif word != "on-demand":
        found["flexStart"] = {"enabled": True, "nodeRecycling": {"leadTimeSeconds": 3600}}
        found["maxRunDurationSeconds"] = int(word[:-1]) * 3600
    return found


WORDS = {
    "model-download": [("on-demand", "c4-standard-8-lssd", 1), ("on-demand", "c3-standard-8-lssd", 2)],
    "model-converter": [("on-demand", "c4-standard-8-lssd", 1), ("on-demand", "c3-standard-8-lssd", 2)],
    "cpu-e2-s-16-co": [("spot", "e2-standard-16", 0), ("reservation", "e2-standard-16", 0)],
    "cpu-n4-8": [("reservation", "n4-standard-8", 0), ("on-demand", "n4-standard-8", 0)],
    "cpu-n4-s-8": [("reservation", "n4-standard-8", 0), ("spot", "n4-standard-8", 0)],
}


@pytest.fixture(scope="module")
def emitted() -> dict[str, dict[str, Any]]:
    """Every class that can be had, without the wrong machine and the flex-start that TPU v4 has not."""
    classes = all_classes()
    for name, spec in classes.items():
        spec["burst"] = [
            {key: v for key, v in source.items() if name in OWN or key != "shape"} if isinstance(source, dict) else source
            for source in spec["burst"]
            if not (name.startswith("tpu-v4") and isinstance(source, dict))
        ]
    plan = line.planned(line.written(emptied(classes)))
    cluster = next(c for c in plan.clusters if c.name == "usc1-gpu")
    objects = [obj.tree(cluster.facts) for held in cluster.facets.values() for obj in held]
    return {tree["metadata"]["name"]: tree["spec"] for tree in objects if tree["kind"] == "ComputeClass"}


@pytest.mark.parametrize("name", [*(name for name, *_ in ENTRIES), *OWN])
def test_a_class_has_every_field_of_the_reference(emitted: dict[str, dict[str, Any]], name: str) -> None:
    if name in OWN:
        rules = [
            rule(name, word, machine) | ({"storage": {"localSSDCount": count}} if count else {}) for word, machine, count in WORDS[name]
        ]
    else:
        _, machine, group = next(entry for entry in ENTRIES if entry[0] == name)
        rules = [rule(name, word, machine) for word in (group | group.get("differs", {}))["order"]]
    assert emitted[name] == {
        "activeMigration": {"optimizeRulePriority": True},
        "nodePoolConfig": {"imageStreaming": {"enabled": True}},
        "nodePoolAutoCreation": {"enabled": True},
        "whenUnsatisfiable": "DoNotScaleUp",  # the reference leaves it to the version of GKE
        "priorities": rules,
    }
