"""From the host to the container: every name that a request can have leads to the servers that answer to it."""

from __future__ import annotations

import json
from itertools import takewhile
from typing import Any

import pytest
from inferspec.emit.tree import cluster_objects
from inferspec.plan.objects import ClusterPlan

from tests import line

HEADER = "X-Gateway-Model-Name"


def kinds(name: str, cluster: ClusterPlan) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for part in cluster_objects(line.fleet_plan(name), cluster).values():
        for identity, tree in part.items():
            found.setdefault(identity.kind, []).append(tree)
    return found


def named(trees: list[dict[str, Any]], namespace: str, name: str) -> dict[str, Any]:
    (one,) = [t for t in trees if (t["metadata"].get("namespace"), t["metadata"]["name"]) == (namespace, name)]
    return one


def asked(route: dict[str, Any]) -> list[str | None]:
    """Models that the route takes requests for; None for those that name none."""
    matches = route["spec"]["rules"][0]["matches"]
    return [match["headers"][0]["value"] if "headers" in match else None for match in matches]


def answers(objects: dict[str, list[dict[str, Any]]], pool: dict[str, Any]) -> set[str]:
    """Names that the servers of a pool are told to answer to."""
    found = set()
    templates = [d["spec"]["template"] for d in objects.get("Deployment", [])]
    templates += [g["spec"]["leaderWorkerTemplate"]["leaderTemplate"] for g in objects.get("LeaderWorkerSet", [])]
    for template in templates:
        labels = {**template["metadata"].get("labels", {}), "leaderworkerset.sigs.k8s.io/worker-index": "0"}
        if pool["spec"]["selector"]["matchLabels"].items() <= labels.items():
            arguments = template["spec"]["containers"][0].get("args", [])
            for i, argument in enumerate(arguments):
                flag, _, value = argument.partition("=")
                if flag == "--served-model-name":
                    found.add(value)
                if flag == "--lora-modules":
                    several = takewhile(lambda a: not a.startswith("--"), arguments[i + 1 :])
                    found |= {json.loads(v)["name"] if v.startswith("{") else v.partition("=")[0] for v in ([value] if value else several)}
    return found


@pytest.mark.parametrize("name", list(line.SPECS))
def test_every_name_reaches_servers_that_answer_to_it(name: str) -> None:
    for cluster in line.fleet_plan(name).clusters:
        objects = kinds(name, cluster)
        gateways, pools, taken = objects.get("Gateway", []), objects.get("InferencePool", []), set()
        for route in objects.get("HTTPRoute", []):
            parents = route["spec"]["parentRefs"]
            (gateway,) = {(p["namespace"], p["name"]) for p in parents}
            listeners = {x["name"]: x["hostname"] for x in named(gateways, *gateway)["spec"]["listeners"]}
            hosts = [listeners[p["sectionName"]] for p in parents]
            assert hosts == route["spec"]["hostnames"] and set(hosts) == set(listeners.values())
            backends = [named(pools, route["metadata"]["namespace"], b["name"]) for b in route["spec"]["rules"][0]["backendRefs"]]
            for model in asked(route):
                assert (gateway, model) not in taken, "one name, one route"
                taken.add((gateway, model))
                for pool in backends:
                    if model is not None and answers(objects, pool):
                        assert model in answers(objects, pool) | set(rewritten(objects, pool))


def rewritten(objects: dict[str, list[dict[str, Any]]], pool: dict[str, Any]) -> dict[str, dict[str, int | None]]:
    """Alias -> the names that the picker of the pool puts in its place, with their weights."""
    found: dict[str, dict[str, int | None]] = {}
    for rewrite in objects.get("InferenceModelRewrite", []):
        at = rewrite["spec"]["poolRef"]["name"], rewrite["metadata"]["namespace"]
        if at == (pool["metadata"]["name"], pool["metadata"]["namespace"]):
            for rule in rewrite["spec"]["rules"]:
                (match,) = rule["matches"]
                found[match["model"]["value"]] = {t["modelRewrite"]: t.get("weight") for t in rule["targets"]}
    return found


def test_every_alias_becomes_a_name_that_the_servers_answer_to() -> None:
    seen = 0
    for cluster in line.fleet_plan("platform").clusters:
        objects = kinds("platform", cluster)
        for pool in objects.get("InferencePool", []):
            aliases = rewritten(objects, pool)
            assert set(aliases) == ({"help-desk"} if pool["metadata"]["name"].startswith("chat-") else set())
            for targets in aliases.values():
                seen += 1
                assert targets == {"support": 90, "support-next": 10}
                assert set(targets) <= answers(objects, pool)
    assert seen == 6, "five clusters, and a canary in one"


def test_a_canary_takes_its_share_where_it_stands() -> None:
    for cluster in line.fleet_plan("platform").clusters:
        objects = kinds("platform", cluster)
        routes = [r for r in objects.get("HTTPRoute", []) if r["metadata"]["name"] == "chat-gpu-chat"]
        shares = [{b["name"]: b.get("weight") for b in r["spec"]["rules"][0]["backendRefs"]} for r in routes]
        servers = [d for d in objects.get("Deployment", []) if d["metadata"]["name"] == "chat-gpu-canary"]
        if cluster.name != "euw4-prod":
            assert shares in ([], [{"chat-gpu": None}]) and not servers
            continue
        assert shares == [{"chat-gpu": 90, "chat-gpu-canary": 10}]
        (canary,) = servers
        (stable,) = [d for d in objects["Deployment"] if d["metadata"]["name"] == "chat-gpu"]
        own, theirs = (d["spec"]["template"]["spec"]["containers"][0]["args"] for d in (canary, stable))
        assert set(own) - set(theirs) == {"--kv-cache-dtype=fp8"} and not set(theirs) - set(own)
        assert canary["spec"]["replicas"] == 1, "10 % of 8"


def test_a_canary_without_a_scale_has_its_share_of_the_replicas() -> None:
    fleet = line.fleet("platform")
    key = next(k for k in fleet.workload_keys if k.canary)
    (place,) = fleet.places_of(key)
    canary = fleet.workload_at(key, place)
    assert [canary.scale(k).v for k in ("min", "max")] == [1, 1] and [canary.stable.scale(k).v for k in ("min", "max")] == [2, 8]
    assert canary.scale("metric").v == canary.stable.scale("metric").v


@pytest.mark.parametrize("name", list(line.SPECS))
def test_a_name_in_the_body_becomes_the_header_that_routes_match(name: str) -> None:
    for cluster in line.fleet_plan(name).clusters:
        objects = kinds(name, cluster)
        by_model = {r["spec"]["parentRefs"][0]["name"] for r in objects.get("HTTPRoute", []) if any(asked(r))}
        extended = {e["spec"]["targetRefs"][0]["name"] for e in objects.get("GCPRoutingExtension", [])}
        assert by_model == extended
        for extension in objects.get("GCPRoutingExtension", []):
            backend = extension["spec"]["extensionChains"][0]["extensions"][0]["backendRef"]
            namespace = extension["metadata"]["namespace"]
            service = named(objects["Service"], namespace, backend["name"])
            (port,) = service["spec"]["ports"]
            assert port["port"] == backend["port"]
            template = named(objects["Deployment"], namespace, backend["name"])["spec"]["template"]
            assert service["spec"]["selector"].items() <= template["metadata"]["labels"].items()
            container = template["spec"]["containers"][0]
            assert port["targetPort"] in {p["name"] for p in container["ports"]}
            assert all(HEADER in argument for argument in container["args"] if "headerName" in argument)
            policy = named(objects["HealthCheckPolicy"], namespace, backend["name"])
            assert policy["spec"]["default"]["config"]["grpcHealthCheck"]["port"] in {p["containerPort"] for p in container["ports"]}


def test_requests_without_a_name_go_to_the_default_or_nowhere() -> None:
    (plan,) = [c for c in line.fleet_plan("platform").clusters if c.name == "usc1-prod"]
    routes = {r["metadata"]["name"]: asked(r) for r in kinds("platform", plan)["HTTPRoute"]}
    assert routes["tools-models"] == ["gpt-oss-20b", None]
    assert routes["extract-models"] == ["qwen3-8b"]
    spec = line.data("platform")
    del spec["gateways"]["models"]["default"]
    tree = line.tree_of(spec)
    text = next(text for path, text in tree.items() if path.endswith("base/tools-route-models/objects.yaml"))
    assert text.count("type: PathPrefix") == text.count(f"name: {HEADER}") == 1


def test_a_gateway_with_one_service_asks_for_no_name() -> None:
    (plan,) = line.fleet_plan("quickstart").clusters
    objects = kinds("quickstart", plan)
    assert [asked(r) for r in objects["HTTPRoute"]] == [[None]] and "GCPRoutingExtension" not in objects


def test_screening_knows_every_name_and_the_templates_own_region() -> None:
    spec = line.data("quickstart")
    spec["gateways"]["public"] |= {"modelArmor": {"template": "guard"}, "cloudArmor": "edge"}
    spec["serving"]["chat"]["aliases"] = {"assistant": "gemma-3-1b"}
    plan = line.planned(line.written(spec))
    (cluster,) = plan.clusters
    found: dict[str, list[dict[str, Any]]] = {}
    for part in cluster_objects(plan, cluster).values():
        for identity, tree in part.items():
            found.setdefault(identity.kind, []).append(tree)
    (extension,) = found["GCPTrafficExtension"]
    (gateway,) = found["Gateway"]
    (target,) = extension["spec"]["targetRefs"]
    assert target == {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": gateway["metadata"]["name"]}
    assert extension["metadata"]["namespace"] == gateway["metadata"]["namespace"]
    (chain,) = extension["spec"]["extensionChains"]
    (callout,) = chain["extensions"]
    assert callout["googleAPIServiceName"] == "modelarmor.us-central1.rep.googleapis.com" and callout["failOpen"] is False
    settings = json.loads(callout["metadata"]["model_armor_settings"])
    assert [entry["model"] for entry in settings] == ["default", "gemma-3-1b", "assistant"]
    template = "projects/acme-inference/locations/us-central1/templates/guard"
    assert all(e["user_prompt_template_id"] == e["model_response_template_id"] == template for e in settings)
    (policy,) = found["GCPBackendPolicy"]
    assert policy["spec"]["default"]["securityPolicy"] == "edge"
