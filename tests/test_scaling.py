"""Scalers: series that the engine's version exports, expressions that a real Prometheus evaluates, and nobody beside nobody."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from inferspec.emit.tree import cluster_objects
from inferspec.plan.provenance import fields, spec_paths
from inferspec.quantity import parse
from inferspec.resolve.facts import facts
from inferspec.resolve.quota import demands
from inferspec.values import Catalogue as FromCatalogue
from inferspec.values import Derived, Fact, Value

from tests import line
from tests.prometheus import exported, promtool, rule_file

SELECTED = re.compile(
    r'([a-zA-Z_:][a-zA-Z0-9_:]*)\{project_id="([^"]+)",location="([^"]+)",cluster="([^"]+)",namespace="([^"]+)",job="([^"]+)"\}'
)
KINDS = (
    "HorizontalPodAutoscaler",
    "ScaledObject",
    "PodMonitoring",
    "Deployment",
    "LeaderWorkerSet",
    "TriggerAuthentication",
    "Rules",
    "CapacityBuffer",
)


@cache
def scalers(name: str) -> dict[str, dict[tuple[str, str], dict[str, Any]]]:
    """Cluster -> (kind, name) -> manifest."""
    return of_plan(line.fleet_plan(name))


def of_plan(plan: Any) -> dict[str, dict[tuple[str, str], dict[str, Any]]]:
    found: dict[str, dict[tuple[str, str], dict[str, Any]]] = {}
    for cluster in plan.clusters:
        trees = [tree for part in cluster_objects(plan, cluster).values() for tree in part.values()]
        found[cluster.name] = {(t["kind"], t["metadata"]["name"]): t for t in trees if t["kind"] in KINDS}
    return found


def queries(tree: dict[str, Any]) -> dict[str, str]:
    return {trigger["name"]: trigger["metadata"]["query"] for trigger in tree["spec"]["triggers"]}


def live(name: str) -> dict[str, Any]:
    return scalers("scaling")["usc1-live"]["ScaledObject", name]


@pytest.mark.parametrize("name", line.SPECS)
def test_every_scaler_reads_what_its_servers_export(name: str) -> None:
    fleet, held = line.fleet(name), scalers(name)
    due = set()
    for key in fleet.workload_keys:
        for place in fleet.places_of(key):
            w = fleet.workload_at(key, place)
            if not w.autoscaled:
                continue
            due.add((place.name, w.name))
            here = held[place.name]
            kinds = [kind for kind in ("HorizontalPodAutoscaler", "ScaledObject") if (kind, w.name) in here]
            assert kinds == ["ScaledObject" if w.scale("by").v == "keda" else "HorizontalPodAutoscaler"], "one, not two"
            tree = here[kinds[0], w.name]
            to = tree["spec"]["scaleTargetRef"]
            assert "replicas" not in here[to["kind"], to["name"]]["spec"]
            if kinds == ["ScaledObject"]:
                assert ("TriggerAuthentication", w.name) in here
                project = fleet.platform.projects[place.cluster.project].id
                for query in queries(tree).values():
                    used = SELECTED.findall(query)
                    assert len(used) == query.count("{") > 0
                    for series, *labels, job in used:
                        assert labels == [project, place.location, place.name, w.namespace]
                        assert re.sub("_bucket$", "", series) in exported(w)
                        assert ("PodMonitoring", job) in here and job in (w.name, f"{w.name}-picker")
            else:
                (metric,) = (found["pods"]["metric"]["name"] for found in tree["spec"]["metrics"])
                assert metric.split("|")[1] in exported(w)
    written = {
        (cluster, own) for cluster, here in held.items() for kind, own in here if kind in ("HorizontalPodAutoscaler", "ScaledObject")
    }
    assert written == due


def test_a_cluster_is_named_as_managed_prometheus_names_it() -> None:
    (query,) = queries(live("fast")).values()
    assert 'location="us-central1-a",cluster="usc1-live"' in query, "a zonal cluster's location is its zone"
    server = live("fast")["spec"]["triggers"][0]["metadata"]["serverAddress"]
    assert server == "https://monitoring.googleapis.com/v1/projects/acme-live/location/global/prometheus"


def test_targets_are_in_the_unit_of_the_series() -> None:
    told = {name: live(name)["spec"]["triggers"][0] for name in ("fast", "batch", "wide", "rare")}
    assert {name: (t["metricType"], t["metadata"]["threshold"]) for name, t in told.items()} == {
        "fast": ("Value", "2.5"),  # the service's objective, of all replicas together
        "batch": ("AverageValue", "2000"),
        "wide": ("AverageValue", "0.6"),
        "rare": ("AverageValue", "5"),
    }
    (metric,) = scalers("scaling")["usc1-test"]["HorizontalPodAutoscaler", "batch"]["spec"]["metrics"]
    assert metric["pods"]["metric"]["name"] == "prometheus.googleapis.com|sglang:generation_tokens_total|counter"
    assert metric["pods"]["target"] == {"type": "AverageValue", "averageValue": "2000"}


def test_groups_of_nodes_are_scaled_as_groups() -> None:
    to = live("wide")["spec"]["scaleTargetRef"]
    assert to == {"apiVersion": "leaderworkerset.x-k8s.io/v1", "kind": "LeaderWorkerSet", "name": "wide"}


def test_a_buffer_is_beside_the_scaler_and_counts_as_held() -> None:
    assert live("fast")["spec"]["maxReplicaCount"] == 6
    buffers = {key: tree for key, tree in scalers("scaling")["usc1-live"].items() if key[0] == "CapacityBuffer"}
    assert {name: tree["spec"] for (_, name), tree in buffers.items()} == {
        "fast": {
            "provisioningStrategy": "buffer.x-k8s.io/active-capacity",
            "scalableRef": {"apiGroup": "apps", "kind": "Deployment", "name": "fast"},
            "replicas": 1,
        }
    }
    asked = next(d for d in demands(line.fleet("scaling")) if d.workload == "fast")
    assert (asked.least, asked.most) == (2 * (2 + 1), 2 * (6 + 1)), "chips: two a server"
    told = {w["name"]: w.get("buffer") for w in facts(line.fleet("scaling"))["workloads"]}
    assert told == {"fast": 1, "rare": None, "batch": 1, "wide": None}


def test_placeholders_have_a_servers_claims_and_its_way_to_a_node() -> None:
    here = scalers("scaling")["usc1-live"]
    server, holder = here["Deployment", "batch"]["spec"]["template"], here["Deployment", "batch-placeholder"]["spec"]
    own = holder["template"]["spec"]
    assert holder["replicas"] == 1 and own["priorityClassName"] == "inference-placeholder" and own["terminationGracePeriodSeconds"] == 0
    assert (own["nodeSelector"], own["tolerations"]) == (server["spec"]["nodeSelector"], server["spec"]["tolerations"])
    told, ours = server["spec"]["containers"][0]["resources"], own["containers"][0]["resources"]
    fused = {key: server["metadata"]["annotations"][f"gke-gcsfuse/{key}-request"] for key in ("cpu", "memory", "ephemeral-storage")}
    assert ours["requests"].keys() == {*told["requests"], *fused}
    for key, amount in ours["requests"].items():
        assert parse(amount) == parse(told["requests"].get(key, 0)) + parse(fused.get(key, 0)), "the scheduler adds native sidecars"
    assert ours["limits"] == {**told["limits"], "memory": ours["requests"]["memory"]}
    taken = server["metadata"]["labels"].items() & holder["selector"]["matchLabels"].items()
    assert not taken, "no Service and no policy takes it for a server"
    asked = next(d for d in demands(line.fleet("scaling")) if d.workload == "batch")
    assert (asked.least, asked.most) == (2 * (2 + 1), 2 * (6 + 1))


def test_the_priority_of_placeholders_is_where_they_are() -> None:
    def classes(name: str) -> set[str]:
        plan = line.fleet_plan(name)
        trees = [tree for cluster in plan.clusters for part in cluster_objects(plan, cluster).values() for tree in part.values()]
        return {tree["metadata"]["name"] for tree in trees if tree["kind"] == "PriorityClass"}

    assert classes("scaling") - classes("quickstart") == {"inference-placeholder"}


def test_the_report_says_what_idle_nodes_cost(tmp_path: Path) -> None:
    (tmp_path / "spec.yaml").write_text(line.text("scaling"), encoding="utf-8")
    done = line.inferspec("report", "-f", "spec.yaml", "batch", cwd=tmp_path)
    told = re.search(r"batch in usc1-live: room for 1 more is kept ready, [0-9]+\.[0-9]{2} USD an hour", done.stdout)
    assert told, done.stdout + done.stderr


def test_a_buffer_needs_a_cluster_that_knows_it() -> None:
    spec = line.data("scaling")
    spec["regions"]["us-central1"]["clusters"]["usc1-live"]["gke"]["minVersion"] = "1.35.1-gke.1396000"
    with pytest.raises(AssertionError, match=r"SYNC113 .*capacity buffer of fast is there from 1\.35\.2-gke\.1842000"):
        line.resolved(line.written(spec))


def test_one_override_moves_one_cluster_to_zero() -> None:
    spec, tree = live("rare")["spec"], line.tree("scaling")
    assert (spec["minReplicaCount"], spec["cooldownPeriod"]) == (0, 1800) and [t["name"] for t in spec["triggers"]] == [
        "load",
        "waiting",
        "busy",
    ]
    assert "cooldownPeriod" not in live("fast")["spec"] and len(live("fast")["spec"]["triggers"]) == 1
    parts = {cluster: tree[f"overlays/moved/us-central1/{cluster}/search/kustomization.yaml"] for cluster in ("usc1-test", "usc1-live")}
    for cluster, own, other in (("usc1-test", "autoscaling", "keda"), ("usc1-live", "keda", "autoscaling")):
        assert f"base/rare-{own}\n" in parts[cluster] and f"base/rare-{other}\n" not in parts[cluster], "Config Sync prunes the other"


@pytest.mark.parametrize(("stack", "series"), [
    ("gie-1.5", "inference_extension_flow_control_queue_size"), ("llm-d-router-0.10", "llm_d_epp_flow_control_queue_size"),
])  # fmt: skip
def test_with_flow_control_keda_watches_the_pickers_queue_too(stack: str, series: str) -> None:
    spec = line.data("scaling") | {"stack": stack}
    spec["serving"] = {"rare": {k: v for k, v in spec["serving"]["rare"].items() if k != "overrides"} | {"where": {"stage": "prod"}}}
    spec["serving"]["rare"] |= {"scale": {"by": "keda", "min": 2, "max": 4}, "picker": {"flowControl": {}}}
    plan = line.planned(line.written(spec))
    tree = of_plan(plan)["usc1-live"]["ScaledObject", "rare"]
    asked = queries(tree)
    assert list(asked) == ["load", "waiting"] and f"sum({series}{{" in asked["waiting"]
    assert [t["metadata"]["threshold"] for t in tree["spec"]["triggers"]] == ["5", "5"] and "cooldownPeriod" not in tree["spec"]
    del spec["serving"]["rare"]["picker"]
    assert list(queries(of_plan(line.planned(line.written(spec)))["usc1-live"]["ScaledObject", "rare"])) == ["load"]


@pytest.mark.parametrize(("type", "asked", "kind"), [
    ("gauge", "sum(acme_backlog_seconds{", "AverageValue"),
    ("counter", "sum(rate(acme_backlog_seconds{", "AverageValue"),
    ("histogram", "histogram_quantile(0.95, sum by (le) (rate(acme_backlog_seconds_bucket{", "Value"),
])  # fmt: skip
def test_a_series_of_ones_own_is_read_as_its_type_says(type: str, asked: str, kind: str) -> None:
    spec = line.data("scaling")
    target = "2s" if type == "histogram" else 3
    spec["serving"]["fast"]["scale"] |= {"metric": {"series": "acme_backlog_seconds", "type": type}, "target": target}
    plan = line.planned(line.written(spec))
    tree = of_plan(plan)["usc1-live"]["ScaledObject", "fast"]
    (trigger,) = tree["spec"]["triggers"]
    assert trigger["metadata"]["query"].startswith(asked) and trigger["metricType"] == kind
    assert trigger["metadata"]["threshold"] == ("2" if type == "histogram" else "3") and tree["spec"]["maxReplicaCount"] == 6
    cluster = next(c for c in plan.clusters if c.name == "usc1-live")
    held = [f for f in fields(plan, cluster) if f.object.identity.kind == "ScaledObject" and f.object.identity.name == "fast"]
    (query,) = [f.value for f in held if f.value is not None and f.value.fact == "load-fast"]
    assert ("serving", "fast", "scale", "metric") in spec_paths(query.origin) and not catalogue_rows(query)


def test_a_container_of_ones_own_scales_by_its_own_series() -> None:
    spec = line.data("scaling")
    spec["serving"] = {"own": spec["serving"]["fast"] | {"engine": "custom", "image": "registry.acme.example/own@sha256:" + "0" * 64}}
    container = {"args": ["--len={maxModelLen}"], "metrics": {"port": 9100}}
    spec["serving"]["own"] |= {"container": container, "slo": {}, "alerts": {}, "where": "all"}
    spec["serving"]["own"]["scale"] = {"min": 1, "max": 5, "metric": {"series": "acme_backlog", "type": "gauge"}, "target": 3}
    tree = of_plan(line.planned(line.written(spec)))["usc1-test"]["HorizontalPodAutoscaler", "own"]
    (metric,) = tree["spec"]["metrics"]
    assert metric["pods"]["metric"]["name"] == "prometheus.googleapis.com|acme_backlog|gauge" and tree["spec"]["maxReplicas"] == 5
    overridden = spec["serving"]["own"] | {"overrides": [{"where": {"stage": "prod"}, "scale": {"max": 1}}]}
    assert line.planned(line.written(spec | {"serving": {"own": overridden}}))


def catalogue_rows(value: Value) -> set[str]:
    """Rows of the catalogue that took part in a value."""
    inputs = value.origin.inputs if isinstance(value.origin, Derived | Fact) else ()
    own = {value.origin.row} if isinstance(value.origin, FromCatalogue) else set()
    return own.union(*map(catalogue_rows, inputs))


def test_the_queue_of_the_picker_comes_from_the_stack() -> None:
    plan = line.fleet_plan("scaling")
    cluster = next(c for c in plan.clusters if c.name == "usc1-live")
    held = [f for f in fields(plan, cluster) if f.object.identity.kind == "ScaledObject" and f.object.identity.name == "rare"]
    values = [field.value for field in held if field.value is not None]
    rows = {value.fact: catalogue_rows(value) for value in values if value.fact is not None}
    assert rows["waiting-rare"] == {"stacks.llm-d-router-0.10.metrics.flow-queue"}
    assert "engines.vllm.metrics" in rows["load-rare"] & rows["busy-rare"]


def test_every_spec_line_of_a_scaler_is_found() -> None:
    plan = line.fleet_plan("scaling")
    cluster = next(c for c in plan.clusters if c.name == "usc1-live")
    found: dict[str, set[tuple[Any, ...]]] = {}
    for field in fields(plan, cluster):
        if field.object.identity.kind == "ScaledObject" and field.value is not None:
            found.setdefault(field.object.identity.name, set()).update(spec_paths(field.value.origin))
    at = ("serving", "rare", "overrides", 0, "scale")
    assert {(*at, "by"), (*at, "min"), (*at, "idle"), ("serving", "rare", "scale", "max")} <= found["rare"]
    assert {("serving", "fast", "scale", "metric"), ("serving", "fast", "slo", "ttft"), ("serving", "fast", "scale", "by")} <= found["fast"]


# -- promtool ----------------------------------------------------------------------------------------------------------


def test_promtool_takes_every_expression(real_programs: Path, tmp_path: Path) -> None:
    held = [tree for name in line.SPECS for here in scalers(name).values() for (kind, _), tree in here.items() if kind == "ScaledObject"]
    asked = [query for tree in held for query in queries(tree).values()]
    rules = [{"record": f"scaler:{i}", "expr": query} for i, query in enumerate(asked)]
    file = rule_file(tmp_path, "scalers.yaml", [{"name": "scalers", "rules": rules}])
    done = promtool(real_programs, "check", "rules", file, cwd=tmp_path)
    assert done.returncode == 0 and len(rules) >= 6, done.stdout + done.stderr


def told(programs: Path, folder: Path, series: dict[str, str], expected: dict[str, float | None], at: str = "10m") -> str:
    """What promtool says of the values of expressions; None: no value at all."""
    asked = [
        {"expr": expr, "eval_time": at, "exp_samples": [] if value is None else [{"labels": "{}", "value": value}]}
        for expr, value in expected.items()
    ]
    case = {
        "interval": "15s",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": asked,
    }
    (folder / "tests.yaml").write_text(yaml.safe_dump({"evaluation_interval": "15s", "tests": [case]}), encoding="utf-8")
    done = promtool(programs, "test", "rules", "tests.yaml", cwd=folder)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def labelled(series: str, job: str, **labels: str) -> str:
    where = {
        "project_id": "acme-live",
        "location": "us-central1-a",
        "cluster": "usc1-live",
        "namespace": "search-llm",
        "job": job,
        **labels,
    }
    return f"{series}{{{','.join(f'{key}={value!r}' for key, value in where.items())}}}".replace("'", '"')


READ = {labelled("up", "rare-picker", pod="p"): "1x60"}
"""The picker runs, and is read."""
QUEUE = labelled("llm_d_epp_flow_control_queue_size", "rare-picker", priority="0")
RUNNING = labelled("vllm:num_requests_running", "rare", pod="a")
WAITING = labelled("vllm:num_requests_waiting", "rare", pod="a")
ENDED = labelled("vllm:request_success_total", "rare", pod="a", finished_reason="stop")

SEEN = {
    "nobody asks and no server is there": (READ, (0, 0, 0)),
    "three requests wait for the first server": (READ | {QUEUE: "3x60"}, (0, 3, 0)),
    "requests run": (READ | {QUEUE: "0x60", RUNNING: "7x60", WAITING: "2x60", ENDED: "0x60"}, (2, 0, 1)),
    "a request has just ended": (READ | {RUNNING: "0x60", WAITING: "0x60", ENDED: "0x36 1x24"}, (0, 0, 1)),
    "the last one ended long ago": (READ | {RUNNING: "0x60", WAITING: "0x60", ENDED: "0 1x60"}, (0, 0, 0)),
    "an engine that counts from the first request on": (READ | {RUNNING: "2x60", WAITING: "0x60"}, (0, 0, 1)),
    "another cluster of the project has requests": (READ | {QUEUE.replace("usc1-live", "usc1-test"): "9x60"}, (0, 0, 0)),
    "nothing is read": ({}, (None, None, None)),
}


@pytest.mark.parametrize("seen", SEEN, ids=lambda seen: seen.replace(" ", "-"))
def test_what_keda_sees_of_a_service_that_goes_to_zero(seen: str, real_programs: Path, tmp_path: Path) -> None:
    series, values = SEEN[seen]
    asked = dict(zip(queries(live("rare")).values(), values, strict=True))
    assert told(real_programs, tmp_path, series, asked) == ""


def test_a_latency_without_requests_is_none(real_programs: Path, tmp_path: Path) -> None:
    (query,) = queries(live("fast")).values()
    up = {labelled("up", "fast", pod="a"): "1x60"}
    buckets = {labelled("vllm:time_to_first_token_seconds_bucket", "fast", pod="a", le=le): "5x60" for le in ("1.0", "2.5", "+Inf")}
    slow = {name: values.replace("5x60", "0x60" if 'le="1.0"' in name else "0+9x60") for name, values in buckets.items()}
    assert told(real_programs, tmp_path, up | buckets, {query: 0}) == "", "no request for minutes: no number, and 0 servers more"
    assert told(real_programs, tmp_path, up | slow, {query: 2.425}) == "", "between one bucket and the next"
    assert told(real_programs, tmp_path, {}, {query: None}) == "", "nothing is read: KEDA changes nothing"


def test_the_alert_on_the_pickers_queue_counts_servers(real_programs: Path, tmp_path: Path) -> None:
    groups = scalers("scaling")["usc1-live"]["Rules", "rare-alerts"]["spec"]["groups"]
    (rule,) = [rule for group in groups for rule in group["rules"] if rule["alert"] == "InferencePickerQueue"]
    queues = {f"llm_d_epp_flow_control_queue_size{{job='rare-picker',priority='{p}'}}": f"{n}x60" for p, n in ((0, 30), (10, 15))}
    servers = {f"up{{job='rare',pod='{pod}'}}": f"{up}x60" for pod, up in (("a", 1), ("b", 1), ("c", 0))}
    assert told(real_programs, tmp_path, queues | servers, {rule["expr"]: 22.5}) == "", "45 for two that answer, more than 20 each"
    more = {"up{job='rare',pod='c'}": "1x60"}
    assert told(real_programs, tmp_path, queues | servers | more, {rule["expr"]: None}) == ""
    assert told(real_programs, tmp_path, queues, {rule["expr"]: 45}) == "", "none answers"


def test_the_pickers_time_to_the_first_token_is_held_to_the_objective(real_programs: Path, tmp_path: Path) -> None:
    groups = scalers("scaling")["usc1-live"]["Rules", "rare-alerts"]["spec"]["groups"]
    (rule,) = [rule for group in groups for rule in group["rules"] if rule["alert"] == "InferenceTimeToFirstTokenAtPicker"]
    series = "llm_d_epp_request_ttft_seconds_bucket"
    late = {f"{series}{{job='rare-picker',le='{le}'}}": values for le, values in (("2", "0+1x60"), ("10", "0+9x60"), ("+Inf", "0+9x60"))}
    assert "> 2.5" in rule["expr"] and told(real_programs, tmp_path, late, {rule["expr"]: 9.55}) == ""


def test_no_alert_for_servers_that_are_not_meant_to_be_there(real_programs: Path, tmp_path: Path) -> None:
    def alerts(cluster: str) -> dict[str, dict[str, Any]]:
        groups = scalers("scaling")[cluster]["Rules", "rare-alerts"]["spec"]["groups"]
        return {rule["alert"]: rule for group in groups for rule in group["rules"]}

    assert "InferencePoolEmpty" in alerts("usc1-test") and "InferencePoolEmpty" not in alerts("usc1-live")
    missing = alerts("usc1-live")["InferenceServersMissing"]
    assert alerts("usc1-test")["InferenceServersMissing"]["expr"] == 'absent(up{job="rare"} == 1)'
    idle, queue = {"up{job='rare-picker'}": "1x60"}, "llm_d_epp_flow_control_queue_size{job='rare-picker'}"
    for series, value in ((idle, None), (idle | {queue: "2x60"}, 2), (idle | {queue: "2x60", "up{job='rare',pod='a'}": "1x60"}, None)):
        assert told(real_programs, tmp_path, series, {missing["expr"]: value}) == ""
