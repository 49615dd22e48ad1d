"""Every engine and preset: the server it becomes, as people wrote down that it has to be (``tests/servers.yaml``)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from inferspec.catalog import catalogue
from inferspec.emit.tree import cluster_objects
from inferspec.prove.pods import pod_templates

from tests import line

EXPECTED = Path(__file__).parent / "servers.yaml"
KEYS = ("image", "command", "args", "env", "ports", "resources")


def servers() -> dict[str, Any]:
    """Service -> kind of its workload and what decides how each of its containers runs."""
    fleet = line.fleet_plan("engines")
    found: dict[str, Any] = {}
    for part in cluster_objects(fleet, fleet.clusters[0]).values():
        for identity, tree in part.items():
            if identity.kind in ("Deployment", "LeaderWorkerSet", "RayService") and not identity.name.endswith("-picker"):
                pods = [_pod(template["spec"]) for template, _ in pod_templates(tree)]
                config = tree["spec"].get("serveConfigV2")
                found[identity.name] = {"kind": identity.kind, "pods": pods} | ({"config": json.loads(config)} if config else {})
    return found


def _pod(spec: dict[str, Any]) -> dict[str, Any]:
    containers = [*spec.get("initContainers", []), *spec["containers"]]
    return {c["name"]: {k: _short(k, c[k]) for k in KEYS if k in c} | _health(c) for c in containers} | {
        "mounts": {m["mountPath"]: m["name"] for c in spec["containers"] for m in c.get("volumeMounts", [])}
    }


def _short(key: str, value: Any) -> Any:
    if key == "env":
        return {v["name"]: v["value"] for v in value}
    if key == "ports":
        return {p["name"]: p["containerPort"] for p in value}
    return value["requests"] if key == "resources" else value


def _health(container: dict[str, Any]) -> dict[str, str]:
    return {"health": container["readinessProbe"]["httpGet"]["path"]} if "readinessProbe" in container else {}


def test_servers_are_as_written(refresh: bool) -> None:
    found = servers()
    if refresh:
        EXPECTED.write_text("# What tests/specs/engines.yaml has to become.\n" + yaml.safe_dump(found, width=140, allow_unicode=True))
    expected = yaml.safe_load(EXPECTED.read_text(encoding="utf-8"))
    for name in sorted(found.keys() | expected.keys()):
        assert found.get(name) == expected.get(name), name


def test_what_is_quoted_of_the_pod_stands_before_what_quotes_it() -> None:
    spec = line.data("engines")
    spec["serving"]["streamed"] |= {"flags": {"kv-events-config": '{"topic": "kv@$(POD_IP):8000@m"}'}, "env": {"NODE": "x-$(POD_NAME)"}}
    made = line.planned(line.written(spec))
    parts = cluster_objects(made, made.clusters[0]).values()
    trees = {(i.kind, i.name): tree for part in parts for i, tree in part.items()}
    (container,) = trees["Deployment", "streamed"]["spec"]["template"]["spec"]["containers"]
    address, name, *others = container["env"]
    assert address == {"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}
    assert name == {"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}
    assert {"name": "NODE", "value": "x-$(POD_NAME)"} in others
    assert '--kv-events-config={"topic": "kv@$(POD_IP):8000@m"}' in container["args"]
    assert "POD_IP" not in str(trees["Deployment", "adapted"])


@pytest.mark.parametrize("engine", catalogue().engines())
def test_every_engine_is_served_in_the_tests(engine: str) -> None:
    used = {service["engine"].partition("@")[0] for service in line.data("engines")["serving"].values()}
    assert engine in used


@pytest.mark.parametrize("engine", [e for e in catalogue().engines() if e != "custom"])
def test_an_engine_is_complete(engine: str) -> None:
    row = catalogue().engine(engine)
    assert row.source and row.as_of
    assert row.health_path.startswith("/")
    assert row.metrics_path or not row.metrics
    assert len({(m.id, m.since, m.until) for m in row.metrics}) == len(row.metrics)
    for version in row.versions:
        assert version.images and set(version.images) <= set(row.repositories)
        assert not any(tag in ("latest", "") for tag in version.images.values())
        for known in version.flag_tables:
            table = catalogue().flags(row.flags_of or engine, known)
            own = [] if row.flags_of else [flag for flag in row.flags.values() if not flag.since]
            assert all(table.find(flag.name) for flag in own)
    if row.engine_label:
        for metric in ("queue-depth", "running", "kv-cache-usage"):
            assert row.metric(metric, row.versions[0].version), metric


def test_a_container_that_shows_its_metrics_where_it_serves_has_one_port() -> None:
    spec = line.data("engines")
    spec["serving"]["thumbs"]["container"]["metrics"] = {"port": 9000}
    plan = line.planned(line.written(spec))
    held = {i: tree for part in cluster_objects(plan, plan.clusters[0]).values() for i, tree in part.items() if i.name == "thumbs"}
    [pod] = [tree["spec"]["template"]["spec"] for i, tree in held.items() if i.kind == "Deployment"]
    assert [(port["name"], port["containerPort"]) for c in pod["containers"] for port in c["ports"]] == [("http", 9000)]
    [scraped] = [tree["spec"]["endpoints"] for i, tree in held.items() if i.kind == "PodMonitoring"]
    assert [endpoint["port"] for endpoint in scraped] == ["http"]
