"""The gateways of specs/reference.yaml: every routed row of the table has a pool, a route by the model's name and its picker."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
import yaml
from inferspec.emit.tree import cluster_objects

from tests import line
from tests.test_reference import ROWS, arguments, pod, workloads

ROUTED = [row for row in ROWS if "routed" in row]
EXPOSED = ("gemma-3-1b-l4", "gemma-3-1b-v5e", "deepseek-r1-gke-h100")
"""Rows behind a gateway that the sources have no gateway for."""
HOUR = 3_600
"""timeoutSec of the reference on the pools of the well-lit paths; here of all."""


@cache
def clusters() -> list[dict[tuple[str, str], dict[str, Any]]]:
    """Objects of each cluster by kind and name."""
    plan = line.fleet_plan("reference")
    return [
        {(identity.kind, identity.name): tree for held in cluster_objects(plan, cluster).values() for identity, tree in held.items()}
        for cluster in plan.clusters
    ]


def place_of(workload: str) -> dict[tuple[str, str], dict[str, Any]]:
    return next(held for held in clusters() if ("Service", workload) in held)


def test_the_table_says_of_every_routed_technique_what_routes_it() -> None:
    paths = ("llmd", "optimized-baseline", "precise-prefix", "predicted-latency")
    assert [row["workload"] for row in ROWS if any(f"-{path}-" in row["workload"] for path in paths)] == [row["workload"] for row in ROUTED]
    assert len(ROUTED) == 20 + 3 * (10 + 3)


def test_nothing_is_exposed_that_nobody_reaches() -> None:
    """The gateway stands in the cluster of the pool, and a route leads from one to the other."""
    pools = {name for held in clusters() for kind, name in held if kind == "InferencePool"}
    assert pools == {row["workload"] for row in ROUTED} | set(EXPOSED)
    for name in pools:
        gateways = [route["spec"]["parentRefs"][0]["name"] for route in routes(name)]
        assert gateways and all(("Gateway", gateway) in place_of(name) for gateway in gateways), name


def routes(workload: str) -> list[dict[str, Any]]:
    """Routes with a rule that leads to the pool of a workload."""
    return [
        tree
        for (kind, _), tree in place_of(workload).items()
        if kind == "HTTPRoute"
        and any(
            ref.get("kind") == "InferencePool" and ref["name"] == workload
            for rule in tree["spec"]["rules"]
            for ref in rule.get("backendRefs", ())
        )
    ]


@pytest.mark.parametrize("row", ROUTED, ids=lambda row: row["workload"])
def test_a_row_is_routed_as_it_says(row: dict[str, Any]) -> None:
    name, held = row["workload"], place_of(row["workload"])
    said = row["routed"] | row["routed"].get("differs", {})
    served = row["model"] if "model" not in row["differs"] else row["differs"]["model"]
    served = served.lower()
    (route,) = routes(name)
    assert route["spec"]["parentRefs"][0]["name"] == said["gateway"]
    assert {h["value"] for rule in route["spec"]["rules"] for match in rule["matches"] for h in match["headers"]} == {served}
    (server,) = (c for c in pod(workloads()[name][0])["containers"] if c["name"] == "server")
    told = arguments(server)
    assert told["served-model-name"] == served
    policy = held["GCPBackendPolicy", name]["spec"]
    assert (
        policy["targetRef"]["kind"] == "InferencePool"
        and policy["default"]["timeoutSec"] == HOUR
        and policy["default"]["logging"]["enabled"]
    )
    picker = held["Deployment", f"{name}-picker"]["spec"]
    assert picker["template"]["spec"]["containers"][0]["image"] == said["image"] and picker["replicas"] == said["replicas"]
    config = yaml.safe_load(held["ConfigMap", f"{name}-picker"]["data"]["default-plugins.yaml"])
    plugins = {plugin["type"]: plugin.get("parameters", {}) for plugin in config["plugins"]}
    (profile,) = config["schedulingProfiles"]
    weights = {ref["pluginRef"]: ref.get("weight", 1) for ref in profile["plugins"] if ref["pluginRef"].endswith("-scorer")}
    assert weights == said["scorers"]
    for plugin, parameters in said.get("plugins", {}).items():
        wanted = {key: served if value == "{served}" else value for key, value in parameters.items()}
        assert wanted.items() <= plugins[plugin].items()
    if "precise-prefix-cache-producer" in plugins:
        follows_events(name, told, plugins, held)


def follows_events(name: str, told: dict[str, Any], plugins: dict[str, Any], held: dict[tuple[str, str], dict[str, Any]]) -> None:
    """Topic, port, block size and tokens: picker and server say the same."""
    events, index = told["kv-events-config"], plugins["precise-prefix-cache-producer"]
    assert events["topic"] == f"kv@$(POD_IP):8000@{told['served-model-name']}"
    assert events["endpoint"].endswith(f":{index['kvEventsConfig']['podDiscoveryConfig']['socketPort']}")
    assert int(told["block-size"]) == index["tokenProcessorConfig"]["blockSize"]
    (port,) = held["Service", name]["spec"]["ports"]
    assert plugins["token-producer"]["vllm"]["url"] == f"http://{name}:{port['port']}"
