"""Dashboards: series that exist, expressions that Prometheus parses, fields that the two programs know, tiles that lie side by side."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from inferspec.emit.locks import parse_lock
from inferspec.emit.write import write_tree
from inferspec.plan.dashboards import FORMS
from inferspec.plan.dashboards.cloud_monitoring import COLUMNS
from inferspec.plan.dashboards.fleet import BY, NAME
from inferspec.plan.dashboards.grafana import COLUMNS as GRAFANA_COLUMNS
from inferspec.plan.objects import DASHBOARDS
from inferspec.resolve.fleet import Fleet

from tests import line
from tests.prometheus import exported, promtool, rule_file

SPECS = pytest.mark.parametrize("name", line.SPECS)
SELECTED = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)\{([^}]*)\}")
MATCHER = re.compile(r'([a-z_]+)(=~|=)"([^"]*)"')

# Cloud Monitoring API v1, REST resource projects.dashboards (cloud.google.com/monitoring/api/ref_v3/rest/v1/projects.dashboards), and
# googleapis/googleapis google/monitoring/dashboard/v1/*.proto: the fields of each message that a chart of PromQL and a header may have.
FIELDS: dict[str, dict[str, Any]] = {
    "Dashboard": {"displayName": str, "labels": dict, "mosaicLayout": "MosaicLayout"},
    "MosaicLayout": {"columns": int, "tiles": ["Tile"]},
    "Tile": {"xPos": int, "yPos": int, "width": int, "height": int, "widget": "Widget"},
    "Widget": {"title": str, "xyChart": "XyChart", "sectionHeader": "SectionHeader"},
    "SectionHeader": {"subtitle": str, "dividerBelow": bool},
    "XyChart": {"dataSets": ["DataSet"], "thresholds": ["Threshold"], "yAxis": "Axis"},
    "DataSet": {"timeSeriesQuery": "TimeSeriesQuery", "plotType": {"LINE", "STACKED_AREA", "STACKED_BAR", "HEATMAP"},
                "legendTemplate": str, "targetAxis": {"Y1", "Y2"}},
    "TimeSeriesQuery": {"prometheusQuery": str, "unitOverride": str},
    "Threshold": {"label": str, "value": (int, float), "targetAxis": {"Y1", "Y2"}},
    "Axis": {"label": str, "scale": {"LINEAR", "LOG10"}},
}  # fmt: skip


def asked(name: str) -> Any:
    """The spec, asking for every form."""
    return json.loads(json.dumps(line.data(name), default=str)) | {"observability": {"dashboards": [*FORMS]}}


def written(spec: Any) -> dict[str, Any]:
    """``FORM/NAME.json`` -> content, as it stands in the tree."""
    start = f"overlays/{spec['name']}/{DASHBOARDS}/"
    return {path.removeprefix(start): json.loads(text) for path, text in line.tree_of(spec).items() if path.startswith(start)}


@cache
def of_spec(name: str) -> dict[str, Any]:
    return written(asked(name))


def expressions(form: str, content: dict[str, Any]) -> list[str]:
    if form == "grafana":
        return [target["expr"] for panel in content["panels"] for target in panel.get("targets", [])]
    charts = [tile["widget"]["xyChart"] for tile in content["mosaicLayout"]["tiles"] if "xyChart" in tile["widget"]]
    return [held["timeSeriesQuery"]["prometheusQuery"] for chart in charts for held in chart["dataSets"]]


def selected(expression: str) -> Iterator[tuple[str, dict[str, list[str]]]]:
    """Series of an expression, with what each of its labels may be."""
    for series, inside in SELECTED.findall(expression):
        found = MATCHER.findall(inside)
        assert ",".join(f'{key}{sign}"{value}"' for key, sign, value in found) == inside
        yield series, {key: value.split("|") if sign == "=~" else [value] for key, sign, value in found}


def watched(fleet: Fleet) -> dict[str, Any]:
    """PodMonitorings of servers -> their workloads."""
    held = (fleet.workload_at(key, place) for key in fleet.workload_keys for place in fleet.places_of(key))
    return {w.name: w for w in held if w.engine.metrics_path}


@SPECS
def test_a_file_for_each_service_that_shows_something_and_one_for_the_fleet(name: str) -> None:
    found, services = of_spec(name), {w.service_name for w in watched(line.fleet(name)).values()}
    assert found.keys() == {f"{form}/{one}.json" for form in FORMS for one in (*services, NAME)}
    for form in FORMS:
        titles = [json.dumps(content.get("title") or content["displayName"]) for path, content in found.items() if path.startswith(form)]
        assert len(set(titles)) == len(titles)


@SPECS
def test_every_series_exists_and_every_selector_is_a_pod_monitoring(name: str) -> None:
    held = watched(line.fleet(name))
    monitored = {  # what is there: (namespace, name) of every PodMonitoring of the tree
        (obj.identity.namespace, obj.identity.name)
        for facet in line.fleet_plan(name).facets.values()
        for obj in facet.base
        if obj.identity.kind == "PodMonitoring"
    }
    for path, content in of_spec(name).items():
        form, _, file = path.partition("/")
        assert expressions(form, content)
        for series, labels in itertools.chain.from_iterable(map(selected, expressions(form, content))):
            read = {job: held[job] if job in held else held[job.removesuffix("-picker")] for job in labels["job"]}
            assert {w.namespace for w in read.values()} == set(labels["namespace"])
            for job, w in read.items():
                assert (w.namespace, job) in monitored
                assert {series, re.sub("_(bucket|count|sum)$", "", series)} & exported(w), (path, series)
                assert file in (f"{NAME}.json", f"{w.service_name}.json")


@SPECS
def test_promtool_parses_every_expression(name: str, real_programs: Path, tmp_path: Path) -> None:
    found = {e for path, content in of_spec(name).items() for e in expressions(path.partition("/")[0], content)}
    rules = [{"record": f"panel:{i}", "expr": expression} for i, expression in enumerate(sorted(found))]
    file = rule_file(tmp_path, "dashboards.yaml", [{"name": "dashboards", "rules": rules}])
    done = promtool(real_programs, "check", "rules", file, cwd=tmp_path)
    assert done.returncode == 0 and f"SUCCESS: {len(rules)} rules found" in done.stdout, done.stdout + done.stderr


def test_promtool_refuses_a_broken_one(real_programs: Path, tmp_path: Path) -> None:
    expression = expressions("grafana", of_spec("quickstart")["grafana/chat.json"])[0] + ")"
    file = rule_file(tmp_path, "dashboards.yaml", [{"name": "dashboards", "rules": [{"record": "panel:0", "expr": expression}]}])
    assert promtool(real_programs, "check", "rules", file, cwd=tmp_path).returncode == 1


def conforms(value: Any, kind: Any, at: str) -> None:
    if isinstance(kind, list):
        assert isinstance(value, list), at
        for i, item in enumerate(value):
            conforms(item, kind[0], f"{at}[{i}]")
    elif isinstance(kind, set):
        assert value in kind, at
    elif isinstance(kind, str):
        assert value.keys() <= FIELDS[kind].keys(), at
        for key, item in value.items():
            conforms(item, FIELDS[kind][key], f"{at}.{key}")
    else:
        assert isinstance(value, kind) and (isinstance(value, bool) == (kind is bool)), at


def test_the_table_of_fields_refuses_what_is_none() -> None:
    with pytest.raises(AssertionError, match="tiles"):
        conforms({"tiles": [{"xPos": "0"}]}, "MosaicLayout", "layout")


def apart(places: list[tuple[int, int, int, int]], columns: int) -> None:
    """Each (x, y, width, height) within the columns, and no two on one another."""
    for x, y, width, height in places:
        assert x >= 0 and x + width <= columns and y >= 0 and width > 0 and height > 0
    taken = [(column, row) for x, y, width, height in places for column in range(x, x + width) for row in range(y, y + height)]
    assert len(set(taken)) == len(taken)


@SPECS
def test_cloud_monitoring_takes_the_file(name: str) -> None:
    for path, content in of_spec(name).items():
        if path.startswith("cloud-monitoring/"):
            conforms(content, "Dashboard", path)
            layout = content["mosaicLayout"]
            assert layout["columns"] == COLUMNS == 48
            apart([(t["xPos"], t["yPos"], t["width"], t["height"]) for t in layout["tiles"]], COLUMNS)
            assert all(len(tile["widget"].keys() - {"title"}) == 1 for tile in layout["tiles"]), "a widget is one thing"


@SPECS
def test_grafana_takes_the_file(name: str) -> None:
    uids = []
    for path, content in of_spec(name).items():
        if not path.startswith("grafana/"):
            continue
        panels = content["panels"]
        uids.append(content["uid"])
        assert len({panel["id"] for panel in panels}) == len(panels)
        apart([tuple(panel["gridPos"][key] for key in "xywh") for panel in panels], GRAFANA_COLUMNS)
        (variable,) = content["templating"]["list"]
        source = {"type": "prometheus", "uid": f"${{{variable['name']}}}"}
        for panel in panels:
            targets = panel.get("targets", [])
            assert len({target["refId"] for target in targets}) == len(targets) and (panel["type"] == "row" or targets)
            assert all(held["datasource"] == source for held in ([panel] * bool(targets) + targets))
    assert len(set(uids)) == len(uids) and all(re.fullmatch("[a-zA-Z0-9_-]{1,40}", uid) for uid in uids)


@SPECS
def test_labels_of_a_legend_are_those_that_it_is_told_by(name: str) -> None:
    for path, content in of_spec(name).items():
        if path.startswith("grafana/"):
            for target in (target for panel in content["panels"] for target in panel.get("targets", [])):
                told = {label for by in re.findall(r"by \(([^)]*)\)", target["expr"]) for label in by.split(", ")} - {"le"}
                assert set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])) == told and told <= BY.keys()


def test_both_forms_show_the_same() -> None:
    found = of_spec("router")
    for path in found:
        if path.startswith("grafana/"):
            other = path.replace("grafana", "cloud-monitoring")
            assert expressions("grafana", found[path]) == expressions("cloud-monitoring", found[other])


def lines(spec: Any) -> dict[str, tuple[str, float]]:
    """Title of a panel of the quickstart's service -> its line."""
    tiles = written(spec)["cloud-monitoring/chat.json"]["mosaicLayout"]["tiles"]
    charts = {tile["widget"]["title"]: tile["widget"].get("xyChart", {}) for tile in tiles}
    return {title: (held[0]["label"], held[0]["value"]) for title, chart in charts.items() if (held := chart.get("thresholds"))}


def test_lines_are_the_objectives_else_what_alerts_go_by() -> None:
    spec = asked("quickstart")
    assert lines(spec)["Time to first token"] == ("alerts.ttft: 10s", 10)
    assert lines(spec)["Responses that are server errors"] == ("alerts.errors: 5", 0.05)
    spec["serving"]["chat"] |= {"slo": {"ttft": "2500ms", "itl": "100ms", "availability": 99.5}, "alerts": {"queue": 7, "kvCache": 80}}
    found = lines(spec)
    assert found["Time to first token"] == ("slo.ttft: 2500ms", 2.5)
    assert found["Time from token to token"] == found["Time for each output token"] == ("slo.itl: 100ms", 0.1)
    assert found["Responses that are server errors"] == ("slo.availability: 99.5", 0.005)
    assert found["Requests waiting at each replica"] == ("alerts.queue: 7", 7) and found["KV cache in use"] == ("alerts.kvCache: 80", 0.8)


def test_the_line_of_a_request_is_at_its_picker() -> None:
    spec = asked("platform")
    assert json.dumps(written(spec)).count("slo.ntpot") == 0
    spec["serving"]["tools"]["slo"] = {"ntpot": "200ms"}
    tiles = written(spec)["cloud-monitoring/tools.json"]["mosaicLayout"]["tiles"]
    (chart,) = [chart for tile in tiles if "slo.ntpot" in str(chart := tile["widget"].get("xyChart"))]
    assert chart["thresholds"][0]["value"] == 0.2
    assert all("llm_d_epp_request_ntpot_seconds_bucket{" in held["timeSeriesQuery"]["prometheusQuery"] for held in chart["dataSets"])


def test_a_series_is_shown_where_the_version_has_it() -> None:
    spec = asked("quickstart")
    spec["serving"]["chat"]["engine"] = "vllm@0.26.0"
    shown = json.dumps(written(spec))
    assert "time_to_first_token" in shown
    assert "token_latency" not in shown and "time_per_output_token" not in shown, "an unverified name is none"
    assert "flow_control" not in json.dumps(of_spec("router")), "a picker exports it with a feature gate alone"
    spec = asked("quickstart")
    spec["serving"]["chat"]["picker"] = {"flowControl": {}}
    held = json.dumps(written(spec))
    assert "sum by (cluster) (inference_extension_flow_control_queue_size{" in held, "a series for each priority and caller"
    assert "max by (cluster) (inference_extension_flow_control_pool_saturation{" in held


# -- the files ---------------------------------------------------------------------------------------------------------


def test_none_are_written_unless_asked_for() -> None:
    spec = line.data("quickstart")
    assert not any(DASHBOARDS in path for path in line.tree_of(spec))
    assert written(spec | {"observability": {}}) == written(spec | {"observability": {"dashboards": []}}) == {}
    only = written(spec | {"observability": {"dashboards": ["grafana"]}})
    assert only and all(path.startswith("grafana/") for path in only)


def test_a_dashboard_changes_with_its_service_alone() -> None:
    before, spec = line.tree_of(asked("platform")), asked("platform")
    spec["serving"]["tools"]["alerts"] = {"queue": 9}
    after = line.tree_of(spec)
    changed = {path for path in after if after[path] != before[path] and f"/{DASHBOARDS}/" in path}
    assert changed == {f"overlays/acme/{DASHBOARDS}/{form}/tools.json" for form in FORMS}


@SPECS
def test_no_sync_reads_them_and_the_shared_lock_owns_them(name: str) -> None:
    spec = asked(name)
    plan, tree = line.planned(line.written(spec)), line.tree_of(spec)
    folder = f"overlays/{plan.platform}/{DASHBOARDS}"
    for cluster in plan.clusters:
        for sync in cluster.syncs:
            source = sync.tree(cluster.facts)["spec"]
            directory = source.get("git", source.get("oci", {})).get("dir")
            assert directory and not f"{folder}/".startswith(f"{directory}/") and not directory.startswith(folder)
    lock = parse_lock(tree[f"overlays/{plan.platform}/manifest.lock"], f"overlays/{plan.platform}/manifest.lock")
    assert {path for path in tree if path.startswith(folder)} == {path for path in lock.files if path.startswith(folder)}


def test_they_are_guarded_and_taken_away_as_every_file_is(tmp_path: Path) -> None:
    tree = line.tree_of(asked("quickstart"))
    write_tree(tree, tmp_path)
    (file, *_) = [path for path in tree if path.endswith("grafana/chat.json")]
    (tmp_path / file).write_text("{}", encoding="utf-8")
    assert [refusal.path for refusal in write_tree(tree, tmp_path).refused] == [file]
    assert write_tree(tree, tmp_path, force=True).changed == (file,)
    gone = write_tree(line.tree_of(line.data("quickstart")), tmp_path)
    assert set(gone.deleted) == {path for path in tree if f"/{DASHBOARDS}/" in path} and not (tmp_path / file).exists()
