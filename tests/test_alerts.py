"""Alerts: series that the engine's version exports, a section of the runbook each, and expressions that a real Prometheus evaluates."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from inferspec.catalog import catalogue
from inferspec.emit.tree import cluster_objects
from inferspec.model.watching import latency
from inferspec.plan.views.objective_alerts import BUDGETS, WINDOWS

from tests import line
from tests.prometheus import exported, promtool, rule_file

RUNBOOKS = (line.ROOT / "docs/runbooks.md").read_text(encoding="utf-8")
FIRING = line.ROOT / "tests/alerts"
SELECTED = re.compile(r'([a-zA-Z_:][a-zA-Z0-9_:]*)\{job="([^"]+)"')
SLO = {"ttft": "2500ms", "itl": "100ms", "share": 95, "availability": 99.5}


ALL = ("Rules", "ClusterRules", "GlobalRules")


def rules(plan: Any, kinds: tuple[str, ...] = ("Rules",)) -> dict[tuple[str, str], dict[str, Any]]:
    """Cluster and name of every object of those kinds -> its manifest, with the names of what reads for its namespace."""
    found = {}
    for cluster in plan.clusters:
        trees = [tree for part in cluster_objects(plan, cluster).values() for tree in part.values()]
        for tree in trees:
            if tree["kind"] in kinds:
                space = tree["metadata"].get("namespace")
                reads = "PodMonitoring" if space else "ClusterPodMonitoring"
                read = {t["metadata"]["name"] for t in trees if t["kind"] == reads and t["metadata"].get("namespace") == space}
                found[cluster.name, tree["metadata"]["name"]] = tree | {"jobs": read}
    return found


def each(tree: dict[str, Any]) -> list[dict[str, Any]]:
    return [rule for group in tree["spec"]["groups"] for rule in group["rules"]]


def quickstart(**keys: Any) -> dict[str, Any]:
    """The alerts of the quickstart's service with these keys in its spec, by name."""
    spec = line.data("quickstart")
    spec["serving"]["chat"] |= keys
    (tree,) = rules(line.planned(line.written(spec))).values()
    return {rule["alert"]: rule for rule in each(tree)}


@pytest.mark.parametrize("name", line.SPECS)
def test_every_watched_server_has_alerts_on_series_that_exist(name: str) -> None:
    fleet, written = line.fleet(name), rules(line.fleet_plan(name))
    due = {}
    for key in fleet.workload_keys:
        for place in fleet.places_of(key):
            w = fleet.workload_at(key, place)
            if w.engine.metrics_path:
                due[place.name, f"{w.name}-alerts"] = w
    assert written.keys() == due.keys() and due
    for at, tree in written.items():
        for rule in each(tree):
            used = SELECTED.findall(rule["expr"])
            assert used, rule["expr"]
            for series, job in used:
                assert re.sub("_(bucket|count|sum)$", "", series) in exported(due[at]) or series in exported(due[at]), (at, series)
                assert job in tree["jobs"], "a PodMonitoring of the namespace reads it"
                assert job in (due[at].name, f"{due[at].name}-picker")


@pytest.mark.parametrize("name", line.SPECS)
def test_every_alert_says_what_to_do(name: str) -> None:
    anchors = {title.lower() for title in re.findall(r"^### (\S+)$", RUNBOOKS, re.MULTILINE)}
    for tree in rules(line.fleet_plan(name), ALL).values():
        names = [rule["alert"] for rule in each(tree)]
        assert len(set(names)) == len(names)
        for rule in each(tree):
            page, _, anchor = rule["annotations"]["runbook"].partition("#")
            assert (line.ROOT / page).is_file() and anchor in anchors
            assert rule["labels"]["severity"] in ("critical", "warning") and int(rule["for"].removesuffix("s")) >= 60
            assert rule["annotations"]["summary"] and rule["annotations"]["first"]


def test_every_section_of_the_runbook_is_of_an_alert() -> None:
    written = {rule["alert"] for name in line.SPECS for tree in rules(line.fleet_plan(name), ALL).values() for rule in each(tree)}
    asked = {"InferenceNormalisedTimePerToken"}  # by a service of the router's stack
    assert set(re.findall(r"^### (\S+)$", RUNBOOKS, re.MULTILINE)) == written | set(quickstart(slo=SLO)) | asked


def test_what_an_engine_does_not_show_has_no_alert() -> None:
    new, old = quickstart(engine="vllm@0.32.0"), quickstart(engine="vllm@0.26.0")
    assert new.keys() - old.keys() == {"InferenceInterTokenLatency", "InferenceTimePerOutputToken", "InferenceErrors"}
    assert "InferenceTimeToFirstToken" in old and "time_per_output_token" not in str(old), "an unverified name is no name"


def test_figures_of_the_service_win() -> None:
    usual, said = quickstart(), quickstart(alerts={"queue": 3, "kvCache": 80, "errors": 2}, slo={"ttft": "500ms", "share": 99})
    assert (usual["InferenceQueue"]["expr"][-4:], said["InferenceQueue"]["expr"][-3:]) == ("> 20", "> 3")
    assert said["InferenceKvCache"]["expr"].endswith("> 0.8") and said["InferenceErrors"]["expr"].endswith("> 0.02")
    assert said["InferenceTimeToFirstToken"]["expr"].startswith("histogram_quantile(0.99, ")
    assert said["InferenceTimeToFirstToken"]["expr"].endswith("> 0.5")
    assert said.keys() - usual.keys() == {"InferenceTimeToFirstTokenBudgetFast", "InferenceTimeToFirstTokenBudgetSlow"}


def test_budgets_burn_over_a_bucket_that_the_engine_has() -> None:
    found = quickstart(slo=SLO)
    assert found.keys() - quickstart().keys() == {f"Inference{name}Budget{speed.title()}" for name in BUDGETS.values() for speed in WINDOWS}
    assert found["InferenceTimeToFirstTokenBudgetFast"]["expr"].endswith(" > 0.72"), "14.4 x 5 %"
    assert found["InferenceAvailabilityBudgetSlow"]["expr"].endswith(" > 0.03"), "6 x 0.5 %"
    for id, key in (("ttft", "TimeToFirstToken"), ("itl", "InterTokenLatency")):
        metric = catalogue().engine("vllm").metric(id, "0.32.0")
        assert metric is not None and float(latency(SLO[id])) in metric.boundaries("0.32.0")
        assert f'le="{float(latency(SLO[id])):g}"' in found[f"Inference{key}BudgetSlow"]["expr"]
    assert 'le=~"1([.]0)?"' in quickstart(slo={"ttft": "1s"})["InferenceTimeToFirstTokenBudgetFast"]["expr"]
    assert not any("Budget" in name for name in quickstart(engine="vllm@0.26.0", slo={"ttft": "1s"})), (
        "boundaries not known: none is claimed"
    )
    flagged = quickstart(slo={"ttft": "1s"}, flags={"custom-histogram-buckets": '{"time_to_first_token": [2.0]}'})
    assert not any("Budget" in name for name in flagged), "a flag replaces them"


def test_a_request_is_judged_at_the_gateway_where_the_service_asks_for_it() -> None:
    spec = line.data("platform")
    name = "InferenceNormalisedTimePerToken"
    usual = rules(line.planned(line.written(spec)))["usc1-prod", "tools-alerts"]
    assert name not in {rule["alert"] for rule in each(usual)}
    spec["serving"]["tools"]["slo"] = {"ntpot": "200ms", "share": 99}
    found = {rule["alert"]: rule["expr"] for rule in each(rules(line.planned(line.written(spec)))["usc1-prod", "tools-alerts"])}
    buckets = 'sum by (le) (rate(llm_d_epp_request_ntpot_seconds_bucket{job="tools-picker"}[10m]))'
    assert found[name] == f"histogram_quantile(0.99, {buckets}) > 0.2"
    assert not any("Budget" in alert for alert in found), "no boundary of its buckets is known"


# -- what no service owns ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", line.SPECS)
def test_every_cluster_watches_its_syncs(name: str) -> None:
    plan, shown = line.fleet_plan(name), catalogue().stack("gie-1.5").config_sync
    held = {at: tree for at, tree in rules(plan, ("ClusterRules",)).items() if at[1] == "config-sync"}
    assert {cluster for cluster, _ in held} == {cluster for _, cluster in line.clusters(name)}
    for tree in held.values():
        used = [found for rule in each(tree) for found in SELECTED.findall(rule["expr"])]
        assert {series for series, _ in used} == {metric.series for metric in shown.metrics.values()}
        assert {job for _, job in used} == tree["jobs"], "the object that reads the collector"


def test_clusters_watch_the_reservations_of_their_region_and_project() -> None:
    assert not rules(line.fleet_plan("quickstart"), ("GlobalRules",)), "it has none"
    written = {cluster: str(tree) for (cluster, _), tree in rules(line.fleet_plan("platform"), ("GlobalRules",)).items()}
    assert written.keys() == {"usc1-canary", "usc1-prod", "euw4-prod"}, "the lab owns none, and us-east5 has none"
    assert 'location=~"europe-west4(-[a-z])?"' in written["euw4-prod"] and "us-central1" not in written["euw4-prod"]
    spec = line.data("platform")
    for region in spec["regions"].values():
        for held in region.get("reservations", {}).values():
            held["project"] = "lab"
    (found,) = rules(line.planned(line.written(spec)), ("GlobalRules",))
    assert found[0] == "usc1-dev", "the series stand in the project that owns them"


# -- capacity from a fallback ------------------------------------------------------------------------------------------


def on_nodes(burst: list[Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The alert of a service whose class has that burst, and the manifests of its cluster."""
    spec = line.data("quickstart")
    spec["serving"]["chat"] |= {"alerts": {"fallback": 50}, "expose": [{"gateway": "public"}]}
    spec["capacityClasses"]["l4"]["burst"] = burst
    plan = line.planned(line.written(spec))
    trees = [tree for part in cluster_objects(plan, plan.clusters[0]).values() for tree in part.values()]
    (tree,) = [t for t in trees if t["kind"] == "ClusterRules" and t["metadata"]["name"] == "assistants-chat-fallback"]
    (rule,) = each(tree)
    return rule, trees


def test_a_fallback_is_told_by_the_nodes_of_its_kind() -> None:
    rule, trees = on_nodes(["on-demand", "spot", {"flexStart": "1h"}])
    nodes = {t["metadata"]["name"]: t["spec"]["selector"]["matchLabels"] for t in trees if t["kind"] == "ClusterNodeMonitoring"}
    assert nodes == {
        "inference-nodes-spot": {"cloud.google.com/gke-spot": "true"},
        "inference-nodes-flex-start": {"cloud.google.com/gke-flex-start": "true"},
    }
    assert 'job=~"inference-nodes-spot|inference-nodes-flex-start"' in rule["expr"]
    read = {t["metadata"]["name"]: t["spec"].get("targetLabels") for t in trees if t["kind"] == "PodMonitoring"}
    assert "node" in read["chat"]["metadata"] and read["chat-picker"] is None
    usual = str(line.tree("quickstart"))
    assert "ClusterNodeMonitoring" not in usual and "targetLabels" not in usual, "nobody asked for it"


@pytest.mark.parametrize(("burst", "spot", "fires"), [
    (["on-demand", "spot"], ["a", "b"], True), (["on-demand", "spot"], ["a"], False), (["on-demand", "spot"], ["elsewhere"], False),
    (["spot", "on-demand"], ["a"], True), (["spot", "on-demand"], ["a", "b"], False),
])  # fmt: skip
def test_it_fires_while_most_replicas_are_there(
    burst: list[Any], spot: list[str], fires: bool, real_programs: Path, tmp_path: Path
) -> None:
    rule, _ = on_nodes(burst)
    rule["annotations"], rule["labels"] = {}, {"severity": rule["labels"]["severity"]}
    placed = {"1": "a", "2": "b", "3": "b"}
    names = [f'up{{namespace="assistants",job="chat",pod="{pod}",node="{node}"}}' for pod, node in placed.items()]
    there = [f'up{{job="inference-nodes-spot",node="{node}"}}' for node in spot]
    series = [{"series": name, "values": values} for held, values in ((names, "1x180"), (there, "0x180")) for name in held]
    expected = [{"exp_labels": {"severity": "warning"}}] if fires else []
    asked = [{"eval_time": at, "alertname": rule["alert"], "exp_alerts": alerts} for at, alerts in (("30m", []), ("2h", expected))]
    said = {"evaluation_interval": "1m", "tests": [{"interval": "1m", "input_series": series, "alert_rule_test": asked}]}
    file = rule_file(tmp_path, "rules.yaml", [{"name": "fallback", "rules": [rule]}])
    (tmp_path / "tests.yaml").write_text(yaml.safe_dump({"rule_files": [file], **said}), encoding="utf-8")
    done = promtool(real_programs, "test", "rules", "tests.yaml", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


# -- promtool ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", line.SPECS)
def test_promtool_takes_every_rule(name: str, real_programs: Path, tmp_path: Path) -> None:
    held = rules(line.fleet_plan(name), ALL)
    files = [rule_file(tmp_path, f"{cluster}-{own}.yaml", tree["spec"]["groups"]) for (cluster, own), tree in held.items()]
    done = promtool(real_programs, "check", "rules", *files, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("SUCCESS") == len(files)


def test_promtool_refuses_a_broken_one(real_programs: Path, tmp_path: Path) -> None:
    (tree,) = rules(line.fleet_plan("quickstart")).values()
    tree["spec"]["groups"][0]["rules"][3]["expr"] += " >"
    file = rule_file(tmp_path, "r.yaml", tree["spec"]["groups"])
    assert promtool(real_programs, "check", "rules", file, cwd=tmp_path).returncode == 1


@pytest.mark.parametrize("case", sorted(FIRING.glob("*.yaml")), ids=lambda path: path.stem)
def test_alerts_fire_and_keep_silent(case: Path, real_programs: Path, tmp_path: Path) -> None:
    said = yaml.safe_load(case.read_text(encoding="utf-8"))
    kind = said.pop("kind", "Rules")
    spec = line.data("quickstart")
    spec["serving"]["chat"]["slo"] = SLO
    plan = line.planned(line.written(spec)) if kind == "Rules" else line.fleet_plan("platform")
    tree = next(tree for (cluster, _), tree in rules(plan, (kind,)).items() if kind == "Rules" or cluster == "usc1-prod")
    asked = {at["alertname"] for test in said["tests"] for at in test["alert_rule_test"]}
    assert asked <= {rule["alert"] for rule in each(tree)}
    for rule in each(tree):  # what is said of an alert is for people; when it speaks is what is tested
        rule.pop("annotations")
        rule["labels"] = {"severity": rule["labels"]["severity"]}
    file = rule_file(tmp_path, "rules.yaml", tree["spec"]["groups"])
    (tmp_path / "tests.yaml").write_text(yaml.safe_dump({"rule_files": [file], **said}), encoding="utf-8")
    done = promtool(real_programs, "test", "rules", "tests.yaml", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
