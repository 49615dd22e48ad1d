"""Cross-regional gateways: the way from the host in the config cluster to the container in every cluster, and what stands in one alone."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from ipaddress import ip_network
from typing import Any

import pytest
from inferspec.catalog import catalogue
from inferspec.check import check
from inferspec.diagnostics import Severity
from inferspec.emit.tree import cluster_objects
from inferspec.load import load_text
from inferspec.model.errors import read_platform
from inferspec.plan.provenance import fields, spec_paths
from inferspec.plan.terraform import variables
from inferspec.resolve.fleet import Fleet

from tests import line
from tests.test_graph import pods
from tests.test_routing import named

GROUP, KIND = "networking.gke.io", "GCPInferencePoolImport"
LED = {"us": ("usc1-config", ["usc1-a", "use4-a"]), "lab": ("use4-lab", ["usc1-lab", "use4-lab"])}
"""Gateway -> its config cluster, the clusters that it leads to."""
Objects = dict[str, list[dict[str, Any]]]


def built(spec: Any) -> dict[str, Objects]:
    """Cluster -> kind -> manifests."""
    plan = line.planned(line.written(spec))
    found: dict[str, Objects] = {}
    for cluster in plan.clusters:
        for part in cluster_objects(plan, cluster).values():
            for identity, tree in part.items():
                found.setdefault(cluster.name, {}).setdefault(identity.kind, []).append(tree)
    return found


@cache
def made() -> dict[str, Objects]:
    return built(line.data("crossregion"))


def imports(objects: Objects, kind: str) -> list[dict[str, Any]]:
    return [o for o in objects.get(kind, []) if o["spec"].get("targetRef", {}).get("kind") == KIND]


def routes(objects: Objects) -> list[dict[str, Any]]:
    """Those that lead to imports."""
    return [r for r in objects.get("HTTPRoute", []) if any(b["kind"] == KIND for b in r["spec"]["rules"][0].get("backendRefs", []))]


@pytest.mark.parametrize("gateway", LED)
def test_the_host_leads_to_a_container_in_every_cluster(gateway: str) -> None:
    """Host -> listener -> route -> import -> exported pool of its name -> selector -> Pod -> port, with the policies on both ends."""
    config, led = LED[gateway]
    (route,) = [r for r in routes(made()[config]) if r["spec"]["parentRefs"][0]["name"] == gateway]
    namespace = route["metadata"]["namespace"]
    for parent in route["spec"]["parentRefs"]:
        stands = named(made()[config]["Gateway"], parent["namespace"], parent["name"])
        (listener,) = [x for x in stands["spec"]["listeners"] if x["name"] == parent["sectionName"]]
        assert [listener["hostname"]] == route["spec"]["hostnames"] == [line.data("crossregion")["gateways"][gateway]["host"]]
        assert namespace in listener["allowedRoutes"]["namespaces"]["selector"]["matchExpressions"][0]["values"]
    assert named(made()[config]["Namespace"], None, namespace)  # type: ignore[arg-type]
    for ref in route["spec"]["rules"][0]["backendRefs"]:
        assert ref["group"] == GROUP and "port" not in ref
        target = {key: ref[key] for key in ("group", "kind", "name")}
        (policy,) = [p for p in imports(made()[config], "GCPBackendPolicy") if p["spec"]["targetRef"] == target]
        (health,) = [p for p in imports(made()[config], "HealthCheckPolicy") if p["spec"]["targetRef"] == target]
        check = health["spec"]["default"]["config"]["httpHealthCheck"]
        assert policy["metadata"]["namespace"] == health["metadata"]["namespace"] == namespace
        exporting = []
        for cluster, objects in made().items():
            for pool in objects.get("InferencePool", []):
                exported = pool["metadata"].get("annotations", {}).get("networking.gke.io/export") == "True"
                if not exported or (pool["metadata"]["namespace"], pool["metadata"]["name"]) != (namespace, ref["name"]):
                    continue
                exporting.append(cluster)
                (port,) = pool["spec"]["targetPorts"]
                chosen = pool["spec"]["selector"]["matchLabels"]
                found = [p for d in objects["Deployment"] for p in pods(d) if chosen.items() <= p[0].items()]
                assert found, "somebody answers"
                for _, spec in found:
                    (server,) = [c for c in spec["containers"] if port["number"] in {p["containerPort"] for p in c.get("ports", [])}]
                    assert server["startupProbe"]["httpGet"]["path"] == check["requestPath"] and check["port"] == port["number"]
                picker = pool["spec"]["endpointPickerRef"]
                assert named(objects["Service"], namespace, picker["name"])["spec"]["ports"][0]["port"] == picker["port"]["number"]
                own = {"group": "inference.networking.k8s.io", "kind": "InferencePool", "name": ref["name"]}
                for kind in ("GCPBackendPolicy", "HealthCheckPolicy"):
                    assert [p for p in objects[kind] if p["spec"]["targetRef"] == own], "the pool has its own too"
        assert exporting == ([c for c in led if c == "usc1-lab"] if ref["name"] == "tools-canary" else led)


def test_the_gateway_stands_in_one_cluster_and_nothing_of_it_in_the_others() -> None:
    for cluster, objects in made().items():
        stands = {g["metadata"]["name"] for g in objects.get("Gateway", [])} - {"eu"}
        assert stands == {name for name, (config, _) in LED.items() if config == cluster}
        assert {r["spec"]["parentRefs"][0]["name"] for r in routes(objects)} == stands
        assert bool(imports(objects, "GCPBackendPolicy")) == bool(stands)
    assert {k for k in made()["usc1-config"] if k in ("Deployment", "InferencePool", "InferenceObjective", "ComputeClass")} == set()
    # What the fleet's import gathers is what the gateway leads to: the pool of the third region is not exported.
    (pool,) = made()["euw4-a"]["InferencePool"]
    assert pool["metadata"]["name"] == "chat" and "annotations" not in pool["metadata"]


def test_what_an_import_gathers_is_of_one_residency() -> None:
    """Whatever GKE balances over is one value of the label: a prompt never leaves it."""
    fleet = line.fleet("crossregion")
    places = {place.name: place.cluster for place in fleet.places}
    gathered: dict[tuple[str, str], set[str]] = {}
    for cluster, objects in made().items():
        for pool in objects.get("InferencePool", []):
            if "annotations" in pool["metadata"]:
                at = places[cluster].project, pool["metadata"]["name"]
                gathered.setdefault(at, set()).add(places[cluster].labels.get("residency", ""))
    assert gathered[("prod", "chat")] == {"us"} and all(len(values) == 1 for values in gathered.values())


@pytest.mark.parametrize(
    ("edit", "codes"),
    [
        (lambda s: s["gateways"]["us"].update(where="all"), ["GTW137"]),
        (lambda s: s["gateways"]["us"].update(where={"stage": "prod"}), ["GTW139"]),
        (lambda s: s["gateways"]["eu"].update(where={"region": "us-east4"}), ["GTW138"]),
        (lambda s: s["projects"]["prod"].pop("configCluster"), ["GTW136"]),
        (lambda s: s["projects"]["prod"].update(configCluster="usc1-confg"), ["SPC006"]),
        (lambda s: s["projects"]["prod"].update(configCluster="usc1-a"), ["GTW144"]),
        (lambda s: s["gateways"]["us"].update(tls={"certificateMap": "chat"}), ["GTW140"]),
        (lambda s: s["serving"]["chat"]["expose"].append({"gateway": "lab"}), ["GTW102"]),
    ],
)
def test_one_mistake_is_one_message(edit: Callable[[Any], Any], codes: list[str]) -> None:
    spec = line.data("crossregion")
    edit(spec)
    document, _ = load_text(line.written(spec), "spec.yaml")
    assert document is not None
    platform, found = read_platform(document)
    assert platform is not None and not found
    last = check(Fleet(platform, catalogue()), document, line.TODAY)[1]
    assert [d.code for d in last if d.severity is Severity.ERROR] == codes


@pytest.mark.parametrize(("kind", "offered"), [("regional-internal", True), ("regional-external", False)])
def test_no_way_out_puts_an_internal_gateway_on_the_internet(kind: str, offered: bool) -> None:
    spec = line.data("crossregion")
    spec["gateways"]["eu"].update(where={"region": "us-east4"})
    spec["gateways"]["eu"]["class"] = kind
    document, _ = load_text(line.written(spec), "spec.yaml")
    assert document is not None
    platform, _ = read_platform(document)
    assert platform is not None
    (told,) = [d for d in check(Fleet(platform, catalogue()), document, line.TODAY)[1] if d.code == "GTW138"]
    assert (f"class: {kind}" in told.help) is offered


def test_clients_find_an_address_in_each_region_with_servers() -> None:
    for gateway, (config, _) in LED.items():
        (stands,) = [g for g in made()[config]["Gateway"] if g["metadata"]["name"] == gateway]
        assert stands["spec"]["gatewayClassName"] == "gke-l7-cross-regional-internal-managed-mc"
        assert stands["spec"]["addresses"] == [
            {"type": f"networking.gke.io/ephemeral-ipv4-address/{region}", "value": region} for region in ("us-central1", "us-east4")
        ]


def test_servers_and_pickers_admit_the_proxies_of_all_regions() -> None:
    subnets = {region: facts["proxySubnet"] for region, facts in line.data("crossregion")["regions"].items()}
    checkers = {"35.191.0.0/16", "130.211.0.0/22"}
    for cluster, objects in made().items():
        wanted = {subnets["europe-west4"]} if cluster == "euw4-a" else {subnets["us-central1"], subnets["us-east4"]}
        policies = [p for p in objects.get("NetworkPolicy", []) if "prefill" not in p["metadata"]["name"]]
        assert bool(policies) == (cluster != "usc1-config")
        for policy in policies:
            asked = {f["ipBlock"]["cidr"] for rule in policy["spec"]["ingress"] for f in rule.get("from", []) if "ipBlock" in f}
            assert asked == wanted | checkers and all(map(ip_network, asked)), policy["metadata"]["name"]


def test_a_full_server_is_the_least_of_all_and_requests_then_go_elsewhere() -> None:
    (policy,) = imports(made()["usc1-config"], "GCPBackendPolicy")
    default = policy["spec"]["default"]
    assert (default["balancingMode"], default["trafficDuration"], default["maxInFlightRequestsPerEndpoint"]) == ("IN_FLIGHT", "LONG", 96)
    assert default["timeoutSec"] == default["connectionDraining"]["drainingTimeoutSec"] == 600
    lab = {p["metadata"]["name"]: p["spec"]["default"] for p in imports(made()["use4-lab"], "GCPBackendPolicy")}
    assert {name: said["maxInFlightRequestsPerEndpoint"] for name, said in lab.items()} == {"tools-import": 64, "tools-canary-import": 64}


def test_without_a_word_the_catalogue_says_when_a_server_is_full() -> None:
    spec = line.data("crossregion")
    del spec["gateways"]["lab"]["balancing"]
    (policy, _) = imports(built(spec)["use4-lab"], "GCPBackendPolicy")
    assert policy["spec"]["default"]["maxInFlightRequestsPerEndpoint"] == 256


def test_balancing_by_the_kv_cache() -> None:
    spec = line.data("crossregion")
    spec["gateways"]["us"]["balancing"] = {"kvCache": 60}
    metric = {
        "apiVersion": "autoscaling.gke.io/v1beta1",
        "kind": "AutoscalingMetric",
        "metadata": {"name": "kv-cache", "namespace": "search-llm"},
        "spec": {"endpoints": [{"port": 8000, "metrics": [{"name": "vllm:kv_cache_usage_perc", "exportName": "kv-cache"}]}]},
    }
    spec["extraResources"] = [{"team": "search", "where": {"label": {"residency": "us"}}, "reason": "load", "manifest": metric}]
    (policy,) = imports(built(spec)["usc1-config"], "GCPBackendPolicy")
    default = policy["spec"]["default"]
    assert default["customMetrics"] == [{"name": "gke.named_metrics.kv-cache", "maxUtilizationPercent": 60, "dryRun": False}]
    assert default["balancingMode"] == "CUSTOM_METRICS" and "maxInFlightRequestsPerEndpoint" not in default


def test_a_canary_takes_its_share_by_an_import_of_its_own() -> None:
    (route,) = routes(made()["use4-lab"])
    assert {b["name"]: b["weight"] for b in route["spec"]["rules"][0]["backendRefs"]} == {"tools": 90, "tools-canary": 10}


def test_aliases_and_objectives_are_the_pools_in_every_cluster() -> None:
    for cluster in LED["us"][1]:
        (rewrite,) = made()[cluster]["InferenceModelRewrite"]
        (objective,) = made()[cluster]["InferenceObjective"]
        assert rewrite["spec"]["poolRef"]["name"] == objective["spec"]["poolRef"]["name"] == "chat"
        assert objective["metadata"]["name"] == "chat-interactive", "one header in every region"


def test_terraform_makes_the_subnets_that_the_gateways_ask_from_and_the_feature_of_the_fleet() -> None:
    fleet: Fleet = line.fleet("crossregion")
    told = {place.name: variables(fleet, place) for place in fleet.places}
    assert {name: said["network"]["proxy_purpose"].partition("_")[0] for name, said in told.items()} == {
        **dict.fromkeys(("usc1-config", "usc1-a", "usc1-lab", "use4-a", "use4-lab"), "GLOBAL"),
        "euw4-a": "REGIONAL",
    }
    made_here = {name for name, said in told.items() if said["network"]["proxy_made_by"] == name}
    assert {(told[name]["region"], told[name]["project_id"]) for name in made_here} == {
        (region, "acme-crossing") for region in ("us-central1", "us-east4", "europe-west4")
    }
    assert {name for name, said in told.items() if said["config_cluster"]} == {"usc1-config", "use4-lab"}
    for said in told.values():
        assert ("multiclusteringress.googleapis.com" in said["services"]) == said["config_cluster"]
        assert said["addons"]["gateway_api"], "the config cluster and all that it leads to"


def test_the_way_is_traced_to_the_lines_of_the_spec() -> None:
    plan = line.fleet_plan("crossregion")
    (config,) = [c for c in plan.clusters if c.name == "usc1-config"]
    origins = {
        (f.object.identity.kind, f.pointer): {path[:3] for path in spec_paths(f.value.origin)}
        for f in fields(plan, config)
        if f.value is not None
    }
    assert origins["GCPBackendPolicy", "/spec/default/maxInFlightRequestsPerEndpoint"] == {
        ("serving", "chat", "flags"),
        ("serving", "chat", "overrides"),
    }
    assert origins["Gateway", "/spec/addresses/1/value"] == {("regions", "us-east4")}
    assert ("gateways", "us", "class") in origins["Gateway", "/spec/addresses/0/type"]


def test_explain_says_what_takes_over_and_how_much_it_takes() -> None:
    done = line.inferspec("explain", "gateways.us", "-f", "tests/specs/crossregion.yaml", cwd=line.ROOT)
    assert done.returncode == 0, done.stderr
    told = done.stdout[done.stdout.index("where the hosts of us lead") :]
    assert "us-central1 lost: chat 2 to 6 replicas (2 to 6 l4)\n      1. us-east4: chat 2 to 8 replicas (2 to 8 l4)" in told
    assert "the Gateway stands in usc1-config, with an address in us-central1, us-east4" in told
    assert "us-east4 takes 768 at most scale, 8 servers" in told


def test_another_project_has_another_network_and_so_another_subnet() -> None:
    spec = line.data("crossregion")
    spec["gateways"]["lab"]["where"] = {"cluster": "usc1-lab"}
    spec["gateways"]["plain"] = {"class": "regional-internal", "where": {"cluster": "use4-lab"}, "host": "plain.lab.acme.internal"}
    spec["serving"]["tools"]["expose"].append({"gateway": "plain"})
    fleet = line.resolved(line.written(spec))
    told = {place.name: variables(fleet, place) for place in fleet.places}
    assert told["use4-lab"]["network"]["proxy_purpose"] == "REGIONAL_MANAGED_PROXY"
    assert told["use4-a"]["network"]["proxy_purpose"] == "GLOBAL_MANAGED_PROXY"


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("gateways.us.where", "clusters: usc1-a, use4-a\n"),
        ("projects.prod.configCluster", "it decides where Gateway us and its route stand\n"),
        ("gateways.lab.balancing.inFlight", "/spec/default/maxInFlightRequestsPerEndpoint = 64  [use4-lab]\n"),
    ],
)
def test_a_key_of_the_gateway_is_traced(path: str, told: str) -> None:
    done = line.inferspec("trace", path, "-f", "tests/specs/crossregion.yaml", cwd=line.ROOT)
    assert done.returncode == 0 and told in done.stdout, done.stdout + done.stderr
