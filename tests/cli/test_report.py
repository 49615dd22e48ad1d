"""``inferspec report``: one page that agrees with what the other commands and the tree say."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from inferspec.cli import main
from inferspec.cli.report import supplies
from inferspec.emit.tree import cluster_objects

from tests import line

PAGE = line.ROOT / "docs/platform.md"


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main([*arguments, "-C", str(line.ROOT), "-f", "specs/platform.yaml"]) == 0
    return capsys.readouterr().out


def plain(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    return json.loads(told(capsys, *arguments, "--format", "json"))


def test_the_page_of_the_platform_is_current(capsys: pytest.CaptureFixture[str], refresh: bool) -> None:
    page = told(capsys, "report")
    if refresh:
        PAGE.write_text(page, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == page, "pytest --refresh writes it anew"


def test_every_service_in_every_cluster_stands_in_it(capsys: pytest.CaptureFixture[str]) -> None:
    said = {(s["workload"], s["cluster"]) for s in plain(capsys, "report")["services"]}
    fleet = line.fleet("platform")
    assert said == {(fleet.workload_at(k, p).name, p.name) for k in fleet.workload_keys for p in fleet.places_of(k)}


def test_chips_and_quota_are_those_of_the_quota_command(capsys: pytest.CaptureFixture[str]) -> None:
    report, quota = plain(capsys, "report"), plain(capsys, "quota")
    chips = [q for q in quota["quotas"] if q["unit"] == "chips"]
    assert [(q["metric"], q["min"], q["max"]) for q in report["quotas"]] == [(q["metric"], q["min"], q["max"]) for q in chips]
    chips = {(s["workload"], s["cluster"]): (s["min"], s["max"]) for s in quota["services"]}
    assert {(s["workload"], s["cluster"]): (s["chips"]["min"], s["chips"]["max"]) for s in report["services"]} == chips


def test_the_ladder_is_the_order_of_the_emitted_class(capsys: pytest.CaptureFixture[str]) -> None:
    plan = line.fleet_plan("platform")
    classes = {
        (cluster.name, tree["metadata"]["name"]): [rule["machineType"] for rule in tree["spec"]["priorities"]]
        for cluster in plan.clusters
        for part in cluster_objects(plan, cluster).values()
        for identity, tree in part.items()
        if identity.kind == "ComputeClass"
    }
    for s in plain(capsys, "report")["services"]:
        asked = [step["name"] for step in s["ladder"] if step["source"] != "reservation"]
        emitted = classes[s["cluster"], s["class"]]
        assert len(s["ladder"]) == len(emitted) and emitted[-len(asked) :] == asked


def test_a_replica_may_take_as_long_as_the_report_says(capsys: pytest.CaptureFixture[str]) -> None:
    for supply in supplies(line.fleet("platform")):
        budget = int(supply.workload.pod.startup_seconds.v)
        assert supply.ready_seconds - supply.node_seconds <= budget, "the start-up probe covers load and compile"
    assert re.search(r"node 600 \+ load 673 \+ compile 120 = 1393 s", told(capsys, "report", "reasoning"))


def test_one_service(capsys: pytest.CaptureFixture[str]) -> None:
    assert re.findall(r"^## (.*)", told(capsys, "report", "tools"), re.MULTILINE) == ["tools", "Quota"]
    assert main(["report", "tool", "-C", str(line.ROOT), "-f", "specs/platform.yaml"]) == 3
    assert "there is no service tool; did you mean tools?" in capsys.readouterr().err
    assert main(["report", "nope", "-C", str(line.ROOT), "-f", "specs/platform.yaml"]) == 3
    assert "there is no service nope; they are analysis, chat, " in capsys.readouterr().err
