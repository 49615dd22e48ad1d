"""Every rule for ComputeClasses and every condition GKE reports of one: found before the cluster sees it, or impossible to write."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from inferspec.rules import codes

from tests import docs, line
from tests.test_rule_fixtures import CASES, edited, run, vetted

ENTRIES: list[dict[str, Any]] = yaml.safe_load((line.ROOT / "tests/capacity_rules.yaml").read_text(encoding="utf-8"))
PAGE = line.ROOT / "docs/capacity.md"
FIXTURES = {case.name: case for case in CASES}
CONDITIONS = {
    *("NapCannotBeEnabled", "NodePoolNotExist", "LocationNotEnabledForAutoprovisioning", "UnavailableMachineType", "NoRuleMatching"),
    *("NapDisabledAndNoMatchingNodegroups", "CrdLabelNotMatching", "MultipleCrdTaints", "TaintMissing", "TaintValueNotMatching"),
    *("MachineFamilyNotFound", "MachineTypeNotFound", "NoSuitableMachineExists", "NodepoolWillNeverScaleUp", "ReservationNotFound"),
    *("ReservationUnusable", "ReservationBlockUnusable", "UnknownMinCpuPlatform", "MinCpuPlatformIncompatible"),
    *("ResourceManagerTagValidationFailed", "ProvisioningSuspended", "ProvisioningConstrained", "IpSpaceExhausted"),
    *("NodeProvisioningInProgress", "MinCapacityProvisioning", "MinCapacityProvisioned", "RuleMisconfigured"),
}
"""GoogleCloudPlatform/cluster-autoscaler@7d25050, status of a ComputeClass."""


def answer(entry: dict[str, Any]) -> str:
    if "fixture" in entry:
        return str(FIXTURES[entry["fixture"]].code)
    if "code" in entry:
        return f"cannot be written: {entry['why']}; the attempt is {entry['code']}"
    if "state" in entry:
        return f"a state of the cluster: {entry['state']}"
    name = entry["held"].rpartition("/")[2]
    return name if name in codes() else f"cannot be otherwise: {entry['why']}"


def test_each_rule_and_each_condition_stands_here_once() -> None:
    ids = [entry["id"] for entry in ENTRIES]
    assert len(ids) == len(set(ids))
    assert set(ids) == {f"CC{n:03}" for n in range(1, 36)} | CONDITIONS


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry["id"])
def test_it_is_found_or_held(entry: dict[str, Any], tmp_path: Path) -> None:
    if "fixture" in entry:
        case = FIXTURES[entry["fixture"]]
        found = [d for d in run(case, "fail", tmp_path) if d.code == case.code]
        assert found
        assert any(entry.get("says", "") in note for d in found for note in (*d.notes, ""))
    elif "edits" in entry:
        assert entry["code"] in {d.code for d in vetted(edited(entry["edits"]))}
    elif "held" in entry:
        path, _, test = entry["held"].partition("::")
        assert (line.ROOT / path).exists()
        assert not test or re.search(rf"^def {test}\(", (line.ROOT / path).read_text(encoding="utf-8"), re.MULTILINE)
    else:
        assert entry["state"]


def test_the_docs_have_every_rule_and_condition(refresh: bool) -> None:
    rows = [(entry["id"], entry["what"], answer(entry)) for entry in ENTRIES]
    assert docs.held(PAGE, docs.table(("id", "what", "answer"), rows), refresh), "pytest --refresh writes the table anew"
