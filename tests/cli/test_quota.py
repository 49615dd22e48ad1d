"""``inferspec quota``: the account of every project, region and metric, and limits from wherever they come."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from inferspec.cli.limits import read
from inferspec.cli.stop import Stop

from tests import line
from tests.cli.conftest import Run

PLATFORM = ("-C", str(line.ROOT), "-f", "specs/platform.yaml")


def told(run: Run, *more: str) -> dict[str, Any]:
    done = run("quota", *more, "--format", "json")
    assert done.stdout.startswith("{"), done.stdout + done.stderr
    return json.loads(done.stdout)  # type: ignore[no-any-return]


def by_metric(found: dict[str, Any]) -> dict[tuple[str, str, str, str], dict[str, Any]]:
    return {(q["project"], q["region"], q["metric"], q["dimension"]): q for q in found["quotas"]}


def test_a_table(run: Run) -> None:
    done = run("quota", *PLATFORM)
    assert done.returncode == 0, done.stderr
    rows = [row.split() for row in done.stdout.splitlines()]
    assert rows[0] == ["project", "region", "quota", "asked", "by", "min", "max", "limit"]
    assert ["prod", "europe-west4", "NVIDIA_L4_GPUS", "on-demand", "8", "26", "?"] in rows
    assert any(row[:3] == ["reasoning", "usc1-prod", "h100-x8"] and "32/32" in row for row in rows)


def test_the_sums_are_those_of_the_workloads(run: Run) -> None:
    """By hand, from specs/platform.yaml: extract 2 to 6 replicas of 2 chips, moderation and tools 2 to 6 and 2 to 8 of one."""
    found = told(run, *PLATFORM)
    l4 = by_metric(found)["prod", "europe-west4", "NVIDIA_L4_GPUS", ""]
    assert (l4["min"], l4["max"]) == (2 * 2 + 2 + 2, 6 * 2 + 6 + 8)
    spot = by_metric(found)["prod", "europe-west4", "PREEMPTIBLE_NVIDIA_L4_GPUS", ""]
    assert (spot["min"], spot["max"]) == (0, l4["max"])
    tpu = by_metric(found)["prod", "us-east5", "compute.googleapis.com/tpus_per_tpu_family", "tpu_family=CT6E"]
    assert (tpu["min"], tpu["max"]) == (2 * 8, 4 * 8)


def test_a_reservation_is_filled_once_and_asks_for_no_quota(run: Run) -> None:
    """Six nodes of one chip: canary 1, dev 1, prod 2 of chat, 2 of code; code's prompts find it full."""
    found = told(run, *PLATFORM)
    held = [
        step["min"]
        for s in found["services"]
        if s["region"] == "us-central1" and s["class"] == "h100"
        for step in s["ladder"]
        if step["source"] == "reservation"
    ]
    assert sum(held) == 6 and 0 in held
    next_to = {s["workload"]: s["ladder"][1]["min"] for s in found["services"] if s["cluster"] == "usc1-prod" and s["class"] == "h100"}
    assert next_to == {"chat-gpu": 0, "code": 0, "code-prefill": 2}


def test_one_service(run: Run) -> None:
    found = told(run, *PLATFORM, "--service", "reasoning")
    assert {s["service"] for s in found["services"]} == {"reasoning"}
    assert all(q["limit"] is None and all(said.startswith("reasoning") for said in q["by"]) for q in found["quotas"])
    wrong = run("quota", *PLATFORM, "--service", "reasonin")
    assert wrong.returncode == 3 and "did you mean reasoning?" in wrong.stderr


REGION = {
    "kind": "compute#region",
    "name": "europe-west4",
    "selfLink": f"https://www.googleapis.com/compute/v1/projects/{line.data('platform')['projects']['prod']['id']}/regions/europe-west4",
    "quotas": [{"metric": "NVIDIA_L4_GPUS", "limit": 10.0, "usage": 2.0}, {"metric": "PREEMPTIBLE_NVIDIA_L4_GPUS", "limit": 26.0}],
}
INFO = {
    "quotaInfos": [
        {
            "name": "projects/123456789012/locations/global/services/compute.googleapis.com/quotaInfos/TPUS-PER-TPU-FAMILY",
            "metric": "compute.googleapis.com/tpus_per_tpu_family",
            "dimensionsInfos": [
                {"dimensions": {"region": "us-east5", "tpu_family": "CT6E"}, "details": {"value": "8"}},
                {"details": {"value": "-1"}, "applicableLocations": ["us-west1"]},
            ],
        }
    ]
}


def test_limits_of_gcloud_compute_regions_describe(run: Run, tmp_path: Path) -> None:
    (tmp_path / "limits.json").write_text(json.dumps([REGION]), encoding="utf-8")
    found = by_metric(told(run, *PLATFORM, "--limits", str(tmp_path / "limits.json")))
    l4 = found["prod", "europe-west4", "NVIDIA_L4_GPUS", ""]
    assert (l4["limit"], l4["verdict"]) == (10, "not for all")
    spot = found["prod", "europe-west4", "PREEMPTIBLE_NVIDIA_L4_GPUS", ""]
    assert (spot["limit"], spot["verdict"]) == (26, "enough")
    assert found["prod", "us-central1", "NVIDIA_L4_GPUS", ""]["limit"] is None


def test_limits_of_the_cloud_quotas_api_and_too_little(run: Run, tmp_path: Path) -> None:
    number = str(line.data("platform")["projects"]["prod"]["number"])
    text = json.dumps(INFO).replace("123456789012", number)
    (tmp_path / "limits.json").write_text(text, encoding="utf-8")
    done = run("quota", *PLATFORM, "--limits", str(tmp_path / "limits.json"))
    assert done.returncode == 1
    assert any(row.split()[-4:] == ["32", "8", "too", "little"] for row in done.stdout.splitlines())


@pytest.mark.parametrize(
    "text",
    [
        *("", "[", "null", "3", "[]", "{}", '"text"', "[[[]]]", '{"quotas": 3, "name": "us-central1"}', '{"quotas": [3, {"metric": 5}]}'),
        *('{"quotaInfos": 3}', '{"quotaInfos": [{"metric": "x", "dimensionsInfos": [3, {"details": {"value": "many"}}]}]}'),
        *('{"name": "r", "quotas": [{"metric": "X", "limit": true}, {"metric": "X", "limit": 1e999}]}', "[" * 100_000),
    ],
    ids=range(14),
)
def test_a_file_that_holds_no_limits_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "limits.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(Stop):
        read(str(path))


def test_unlimited_is_no_limit_and_a_missing_file_is_said(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "limits.json"
    path.write_text(json.dumps(INFO), encoding="utf-8")
    assert read(str(path))["123456789012", "us-west1", "TPUS_PER_TPU_FAMILY", ""] == -1
    missing = run("quota", "--limits", "nowhere.json")
    assert missing.returncode == 3 and "nowhere.json" in missing.stderr


def test_limits_of_the_spec_are_shown(run: Run) -> None:
    found = by_metric(told(run, "-C", str(line.ROOT), "-f", "tests/specs/capacity.yaml"))
    assert found["prod", "us-central1", "PREEMPTIBLE_NVIDIA_H100_GPUS", ""]["limit"] == 16


def test_least_nodes_that_no_server_fills_count_too(run: Run, repository: Path) -> None:
    """Two replicas of one chip are there; five nodes are asked for."""
    spec = repository / "specs/capacity.yaml"
    spec.write_text(line.text("capacity").replace("minimumNodes: 2", "minimumNodes: 5"), encoding="utf-8")
    found = told(run, "-f", "specs/capacity.yaml")
    floor = {s["cluster"]: (s["min"], s["max"]) for s in found["services"] if s["workload"] == "class h100-chat"}
    assert floor == {"usc1-prod": (3, 0), "euw4-prod": (3, 0)}
    assert by_metric(found)["prod", "europe-west4", "PREEMPTIBLE_NVIDIA_H100_GPUS", ""]["min"] == 5


def test_vcpus_and_local_ssd_of_the_machines_stand_beside_the_chips(run: Run, tmp_path: Path) -> None:
    """By hand, from tests/specs/fleet.yaml: a2-highgpu-8g has 96 vCPU and no disk of its own, a3-highgpu-1g two disks of 375 GB."""
    found = by_metric(told(run, "-C", str(line.ROOT), "-f", "tests/specs/fleet.yaml"))
    chips, vcpus = (found["live", "us-central1", metric, ""] for metric in ("NVIDIA_A100_GPUS", "A2_CPUS"))
    assert (vcpus["min"], vcpus["max"]) == (chips["min"] // 8 * 96, chips["max"] // 8 * 96) == (96, 288)
    assert (chips["unit"], vcpus["unit"]) == ("chips", "vCPU") and not vcpus["inferred"] and vcpus["consumption"] == ["on-demand"]
    h100, disks = (found["live", "europe-west4", metric, ""] for metric in ("PREEMPTIBLE_NVIDIA_H100_GPUS", "PREEMPTIBLE_LOCAL_SSD_GB"))
    assert (disks["min"], disks["max"], disks["unit"]) == (h100["min"] * 750, h100["max"] * 750, "GB") == (1500, 15000, "GB")
    local = ("compute.googleapis.com/local_ssd_total_storage_per_vm_family", "vm_family=A3")
    held = {"dimensions": {"region": "us-central1", "vm_family": "A3"}, "details": {"value": "6000"}}
    info = {"metric": local[0], "dimensionsInfos": [held]}
    (tmp_path / "limits.json").write_text(json.dumps({"quotaInfos": [info]}), encoding="utf-8")
    reasoning = by_metric(told(run, *PLATFORM, "--limits", str(tmp_path / "limits.json")))["prod", "us-central1", *local]
    assert reasoning["inferred"] and (reasoning["limit"], reasoning["verdict"]) == (6000, "not for all")
