"""From the host to the container: every name that a request can have leads to the servers that answer to it."""

from __future__ import annotations

import json
from itertools import takewhile
from typing import Any

import pytest
from inferspec.emit.tree import cluster_objects
from inferspec.plan.objects import ClusterPlan

from tests import line
from tests.test_graph import pods

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
        for route in served(objects):
            parents = route["spec"]["parentRefs"]
            (gateway,) = {(p["namespace"], p["name"]) for p in parents}
            listeners = {x["name"]: x["hostname"] for x in named(gateways, *gateway)["spec"]["listeners"]}
            hosts = [listeners[p["sectionName"]] for p in parents]
            assert hosts == route["spec"]["hostnames"] and set(hosts) == set(listeners.values())
            refs = [b for b in route["spec"]["rules"][0]["backendRefs"] if b["kind"] == "InferencePool"]
            backends = [named(pools, route["metadata"]["namespace"], b["name"]) for b in refs]
            for model in dict.fromkeys(asked(route)):
                assert (gateway, model) not in taken, "one name, one route"
                taken.add((gateway, model))
                for pool in backends:
                    if model is not None and answers(objects, pool):
                        assert model in answers(objects, pool) | set(rewritten(objects, pool))


def served(objects: dict[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Routes that lead to servers; the others redirect."""
    return [route for route in objects.get("HTTPRoute", []) if "backendRefs" in route["spec"]["rules"][0]]


CHECKERS = "35.191.0.0/16"


def answering(objects: dict[str, list[dict[str, Any]]], namespace: str, ref: dict[str, Any]) -> tuple[dict[str, str], int]:
    """Labels and port of the Pods that a route's backend leads to."""
    backend = named(objects[ref["kind"]], namespace, ref["name"])
    if ref["kind"] == "InferencePool":
        (port,) = backend["spec"]["targetPorts"]
        return backend["spec"]["selector"]["matchLabels"], port["number"]
    (port,) = backend["spec"]["ports"]
    assert port["port"] == ref["port"]
    return backend["spec"]["selector"], ref["port"]


def targeted(objects: dict[str, list[dict[str, Any]]], kind: str, namespace: str, ref: dict[str, Any]) -> dict[str, Any]:
    """The policy of a kind that attaches to a backend."""
    target = {key: ref[key] for key in ("group", "kind", "name")}
    (one,) = [p for p in objects[kind] if p["metadata"]["namespace"] == namespace and p["spec"]["targetRef"] == target]
    default: dict[str, Any] = one["spec"]["default"]
    return default


@pytest.mark.parametrize("name", list(line.SPECS))
def test_every_route_leads_to_a_port_that_answers(name: str) -> None:
    """Host -> listener -> route -> pool or Service -> container -> health path, and nothing between that refuses it. What goes by an import
    to other clusters is walked in tests/test_crossregion.py."""
    for cluster in line.fleet_plan(name).clusters:
        objects = kinds(name, cluster)
        servers = [s for kind in ("Deployment", "LeaderWorkerSet", "RayService") for s in objects.get(kind, [])]
        for route in served(objects):
            namespace = route["metadata"]["namespace"]
            for parent in route["spec"]["parentRefs"]:
                gateway = named(objects["Gateway"], parent["namespace"], parent["name"])
                (listener,) = [x for x in gateway["spec"]["listeners"] if x["name"] == parent["sectionName"]]
                secure = any(x["protocol"] == "HTTPS" for x in gateway["spec"]["listeners"])
                assert (listener["protocol"], listener["port"]) == (("HTTPS", 443) if secure else ("HTTP", 80))
                assert namespace in listener["allowedRoutes"]["namespaces"]["selector"]["matchExpressions"][0]["values"]
                if gateway["spec"]["gatewayClassName"] == "gke-l7-global-external-managed":
                    assert {b["kind"] for b in route["spec"]["rules"][0]["backendRefs"]} == {"Service"} and "tls" not in listener
            kinds_led_to = {b["kind"] for b in route["spec"]["rules"][0]["backendRefs"]}
            assert len(kinds_led_to) == 1, "a canary has what its service has"
            if kinds_led_to == {"GCPInferencePoolImport"}:
                continue
            for ref in route["spec"]["rules"][0]["backendRefs"]:
                chosen, port = answering(objects, namespace, ref)
                check = targeted(objects, "HealthCheckPolicy", namespace, ref)["config"]["httpHealthCheck"]
                assert (check["portSpecification"], check["port"]) == ("USE_FIXED_PORT", port)
                assert targeted(objects, "GCPBackendPolicy", namespace, ref)["timeoutSec"] > 0
                found = [p for s in servers if s["metadata"]["namespace"] == namespace for p in pods(s) if chosen.items() <= p[0].items()]
                assert found, "somebody answers"
                for labels, spec in found:
                    containers = [*spec["containers"], *spec.get("initContainers", [])]
                    listening = [c for c in containers if port in {p["containerPort"] for p in c.get("ports", [])}]
                    assert listening
                    probes = [c["startupProbe"]["httpGet"]["path"] for c in spec["containers"] if "startupProbe" in c]
                    assert all(path == check["requestPath"] for path in probes)
                    policies = [p for p in objects["NetworkPolicy"] if p["spec"]["podSelector"]["matchLabels"].items() <= labels.items()]
                    assert policies and all(admits(p, port) for p in policies if p["metadata"]["namespace"] == namespace)


def admits(policy: dict[str, Any], port: int) -> bool:
    """Whether health checkers reach the port."""
    rules = [r for r in policy["spec"]["ingress"] if port in {p["port"] for p in r.get("ports", [])}]
    return any("from" not in r or CHECKERS in {f.get("ipBlock", {}).get("cidr") for f in r["from"]} for r in rules)


@pytest.mark.parametrize("name", list(line.SPECS))
def test_port_80_of_a_secure_gateway_redirects_and_does_nothing_else(name: str) -> None:
    spec = line.data(name)
    for cluster in line.fleet_plan(name).clusters:
        objects = kinds(name, cluster)
        for gateway in objects.get("Gateway", []):
            called, namespace = gateway["metadata"]["name"], gateway["metadata"]["namespace"]
            tls = spec["gateways"][called].get("tls")
            plain = {x["name"]: x for x in gateway["spec"]["listeners"] if tls and x["port"] == 80}
            hosts = [x["hostname"] for x in gateway["spec"]["listeners"] if x["port"] == 443]
            attached = [
                r for r in objects["HTTPRoute"] if any(p["name"] == called and p["sectionName"] in plain for p in r["spec"]["parentRefs"])
            ]
            assert bool(plain) == bool(tls and tls.get("redirect", True)) == bool(attached)
            for listener in plain.values():
                assert listener["protocol"] == "HTTP" and listener["allowedRoutes"]["namespaces"] == {"from": "Same"}
            for route in attached:
                assert route["metadata"]["namespace"] == namespace and route["spec"]["hostnames"] == hosts
                (rule,) = route["spec"]["rules"]
                redirect = {"type": "RequestRedirect", "requestRedirect": {"scheme": "https", "statusCode": 301}}
                assert rule == {"matches": [{"path": {"type": "PathPrefix", "value": "/"}}], "filters": [redirect]}


def test_a_service_without_a_picker_has_none_of_its_objects() -> None:
    (cluster,) = line.fleet_plan("engines").clusters
    objects = kinds("engines", cluster)
    assert [p["metadata"]["name"] for p in objects["InferencePool"]] == ["triton"]
    assert not [d for d in objects["Deployment"] if d["metadata"]["name"].endswith("-picker") and d["metadata"]["name"] != "triton-picker"]
    routes = {r["metadata"]["name"]: r["spec"]["rules"][0] for r in served(objects)}
    paths = {name: [m["path"]["value"] for m in rule["matches"]] for name, rule in routes.items()}
    assert paths == {
        "triton-inside": ["/v2"],
        "tgi-words": ["/v1"],
        "classic-classes": ["/"],
        "ray-ray": ["/v1"],
        "comfy-studio": ["/"],
        "thumbs-thumbs": ["/v1", "/thumbs"],
    }
    shares = [(b["kind"], b["name"], b["port"], b["weight"]) for b in routes["thumbs-thumbs"]["backendRefs"]]
    assert shares == [("Service", "thumbs", 9000, 80), ("Service", "thumbs-canary", 9000, 20)]
    (guarded,) = [p for p in objects["GCPBackendPolicy"] if "securityPolicy" in p["spec"]["default"]]
    assert guarded["spec"]["targetRef"] == {"group": "", "kind": "Service", "name": "tgi"}
    (check,) = [p for p in objects["HealthCheckPolicy"] if p["metadata"]["name"] == "classic"]
    assert check["spec"]["default"]["config"]["httpHealthCheck"]["requestPath"] == "/v1/models/t5-small"


def test_a_global_gateway_has_a_certificate_map_a_global_address_and_proxies_of_no_region() -> None:
    (cluster,) = line.fleet_plan("engines").clusters
    objects = kinds("engines", cluster)
    studio = named(objects["Gateway"], "inference-gateway", "studio")
    assert studio["metadata"]["annotations"] == {"networking.gke.io/certmap": "studio"}
    (policy,) = [p for p in objects["GCPBackendPolicy"] if "iap" in p["spec"]["default"]]
    assert policy["spec"]["targetRef"]["name"] == "comfy"
    client = "123456789012-a1b2c3.apps.googleusercontent.com"
    assert policy["spec"]["default"]["iap"] == {"enabled": True, "clientID": client, "oauth2ClientSecret": {"name": "iap"}}
    assert studio["spec"]["addresses"] == [{"type": "NamedAddress", "value": "studio"}]
    assert not cluster.terraform["addresses"], "nobody makes a global address"
    (policy,) = [p for p in objects["NetworkPolicy"] if p["metadata"]["name"] == "comfy"]
    blocks = [f["ipBlock"]["cidr"] for f in policy["spec"]["ingress"][0]["from"]]
    assert blocks == [CHECKERS, "130.211.0.0/22"]


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
        by_model = {r["spec"]["parentRefs"][0]["name"] for r in served(objects) if any(asked(r))}
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
    assert [asked(r) for r in served(objects)] == [[None]] and "GCPRoutingExtension" not in objects


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


@pytest.mark.parametrize(("timeout", "seconds", "drained"), [("10m", 600, 600), ("1h", 3600, 3600), ("2h30m", 9000, 3600)])
def test_draining_ends_where_a_load_balancer_stops_waiting(timeout: str, seconds: int, drained: int) -> None:
    spec = line.data("engines")
    for gateway in spec["gateways"].values():
        gateway["timeout"] = timeout
    made = line.planned(line.written(spec))
    (cluster,) = made.clusters
    trees = [tree for part in cluster_objects(made, cluster).values() for tree in part.values()]
    policies = [t["spec"]["default"] for t in trees if t["kind"] == "GCPBackendPolicy"]
    assert {(p["timeoutSec"], p["connectionDraining"]["drainingTimeoutSec"]) for p in policies} == {(seconds, drained)}
