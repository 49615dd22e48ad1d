"""Records of hosts: what they lead to stands in the emitted objects, and a lost region is taken over as `explain` says."""

from __future__ import annotations

import math
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from inferspec.emit.tree import cluster_objects
from inferspec.plan.dns import dns_variables
from inferspec.resolve.dns import records, takes_over

from tests import line


def objects(spec: Any) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """Cluster -> kind -> manifests."""
    plan = line.planned(line.written(spec))
    found: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for cluster in plan.clusters:
        of_kind = found.setdefault(cluster.name, {})
        for part in cluster_objects(plan, cluster).values():
            for identity, tree in part.items():
                of_kind.setdefault(identity.kind, []).append(tree)
    return found


@cache
def told() -> dict[str, Any]:
    return dns_variables(line.fleet("platform"))


def leads(hostname: str, host: str) -> bool:
    """Gateway API, Listener.hostname: a leading ``*.`` stands for one or more labels."""
    return hostname == host or (hostname.startswith("*.") and host.endswith(hostname[1:]))


def test_every_target_is_a_gateway_that_takes_the_host() -> None:
    made = objects(line.data("platform"))
    fleet = line.fleet("platform")
    for name in ("chat", "models"):
        for record in records(fleet, name):
            (said,) = [r for r in told()["records"] if r["name"] == f"{record.host}."]
            assert len(said["targets"]) == len(record.places)
            for place, target in zip(record.places, said["targets"], strict=True):
                (gateway,) = [g for g in made[place.name]["Gateway"] if g["metadata"]["name"] == name]
                assert gateway["spec"]["addresses"] == [{"type": "NamedAddress", "value": target["address"]}]
                assert target["region"] == place.region and target["project"] == fleet.platform.projects[place.cluster.project].id
                assert [x for x in gateway["spec"]["listeners"] if leads(x["hostname"], record.host)]
                routes = [r for r in made[place.name]["HTTPRoute"] if any(p["name"] == name for p in r["spec"]["parentRefs"])]
                assert routes and all(any(leads(h, record.host) for h in r["spec"]["hostnames"]) for r in routes)


def test_every_address_is_made_once_by_the_one_that_the_others_name() -> None:
    made = objects(line.data("platform"))["acme-config"]["ComputeAddress"]
    known = {(a["spec"]["resourceID"], a["spec"]["location"]) for a in made}
    for record in told()["records"]:
        assert {(t["address"], t["region"]) for t in record["targets"]} <= known
    assert len(made) == len(known)


def test_internal_gateways_of_several_regions_take_clients_of_others() -> None:
    made = objects(line.data("platform"))
    for cluster, kinds in made.items():
        policies = {p["spec"]["targetRef"]["name"]: p["spec"]["default"] for p in kinds.get("GCPGatewayPolicy", [])}
        assert policies == ({"models": {"allowGlobalAccess": True}} if cluster in ("usc1-prod", "euw4-prod") else {})
    (internal,) = [r for r in told()["records"] if r["name"].startswith("models.")]
    assert internal["internal_port"] == "80" and not internal["health_check"]
    assert {c["host"] for c in told()["health_checks"]} == {"chat.llm.acme.example"}


def test_a_health_check_asks_for_what_the_servers_have() -> None:
    spec = line.data("platform")
    assert told()["health_checks"][0]["path"] == "/v1/models"
    where = {"cluster": ["usc1-prod", "euw4-prod"]}
    spec["gateways"]["pictures"] |= {"class": "regional-external", "where": where, "dns": {"zone": "llm-acme-example"}}
    spec["serving"]["pictures"] |= {"engine": "tensorflow-serving", "where": where}
    checks = {c["host"]: c["path"] for c in dns_variables(line.resolved(line.written(spec)))["health_checks"]}
    assert checks == {"chat.llm.acme.example": "/v1/models", "pictures.llm.acme.internal": "/v1/models/flux-2-klein"}


def apart(a: str, b: str) -> float:
    """Kilometres between two regions, by the haversine formula."""
    rows = line.fleet("platform").catalogue.regions
    (x, u), (y, v) = (tuple(map(math.radians, rows[region].at)) for region in (a, b))
    return 2 * 6371 * math.asin(math.sqrt(math.sin((y - x) / 2) ** 2 + math.cos(x) * math.cos(y) * math.sin((v - u) / 2) ** 2))


def answered(record: dict[str, Any], near: list[str], lost: str) -> list[str]:
    """What Cloud DNS answers a client whose nearest regions are ``near``, by what it documents: fenced, the nearest one of the record
    whatever its health; else the nearest one that is healthy."""
    regions = [region for region in near if region in {t["region"] for t in record["targets"]}]
    kept = regions[:1] if record["fence"] else [r for r in regions if r != lost][:1]
    return [t["address"] for t in record["targets"] if t["region"] in kept and t["region"] != lost]


def said(output: str) -> dict[str, dict[str, list[str]]]:
    """Host -> lost region -> what takes over, in order, as `explain` prints it."""
    found: dict[str, dict[str, list[str]]] = {}
    host = region = ""
    for text in output[output.index("where the hosts of") :].split("\n")[1:]:
        if match := re.fullmatch(r"  ([a-z0-9.-]+): .*", text):
            host = match[1]
        elif match := re.fullmatch(r"    ([a-z0-9-]+) lost: .+", text):
            region = match[1]
            found.setdefault(host, {})[region] = []
        elif match := re.fullmatch(r"      \d+\. ([a-z0-9-]+): .+", text):
            found[host][region].append(match[1])
    return found


@pytest.mark.parametrize("gateway", ["chat", "models"])
def test_a_lost_region_is_taken_over_as_explain_says(gateway: str) -> None:
    fleet = line.fleet("platform")
    done = line.inferspec("explain", f"gateways.{gateway}", "-f", "specs/platform.yaml", cwd=line.ROOT)
    assert done.returncode == 0, done.stderr
    printed = said(done.stdout)
    spread = [r for r in told()["records"] if r["name"].rstrip(".") in printed]
    assert len(spread) == len(printed) == (3 if gateway == "chat" else 1)
    for record in spread:
        (own,) = [r for r in records(fleet, gateway) if f"{r.host}." == record["name"]]
        for lost in {t["region"] for t in record["targets"]}:
            order = list(takes_over(fleet, own, lost))
            # A client beside the lost region.
            near = sorted({t["region"] for t in record["targets"]}, key=lambda region: apart(lost, region))
            got = answered(record, near, lost)
            assert printed[record["name"].rstrip(".")][lost] == order
            assert got == [t["address"] for t in record["targets"] if order and t["region"] == order[0]]


def test_requests_of_a_residency_stay_in_it() -> None:
    """A second region of the EU: eu.HOST fails over to it, and no record with an EU address has one of another residency unfenced."""
    spec = line.data("platform")
    spec["regions"]["europe-west1"] = {
        "proxySubnet": "10.132.0.0/23",
        "reservations": {"chat": {"name": "acme-h100-chat-be", "zone": "b", "shape": "a3-highgpu-1g", "nodes": 4}},
        "clusters": {"euw1-prod": {**spec["regions"]["europe-west4"]["clusters"]["euw4-prod"]}},
    }
    spec["storage"]["weights"]["buckets"]["europe-west1"] = "acme-models-euw1"
    spec["serving"]["chat"]["variants"]["gpu"]["where"]["region"].append("europe-west1")
    fleet = line.resolved(line.written(spec))
    residency = {place.name: place.cluster.labels.get("residency") for place in fleet.places}
    found = {record.host: record for record in records(fleet, "chat")}
    eu = found["eu.chat.llm.acme.example"]
    assert [place.name for place in eu.places] == ["euw1-prod", "euw4-prod"] and not eu.fenced
    assert takes_over(fleet, eu, "europe-west4") == ("europe-west1",)
    assert found["chat.llm.acme.example"].fenced
    for record in found.values():
        assert record.fenced or len({residency[place.name] for place in record.places}) == 1
    for lost in eu.regions:
        assert {residency[p.name] for r in takes_over(fleet, eu, lost) for p in eu.places if p.region == r} == {"eu"}


def test_the_nearest_takes_over_first() -> None:
    fleet = line.fleet("platform")
    (record,) = records(fleet, "models")
    spread = record.__class__("models", record.host, fleet.places)
    assert takes_over(fleet, spread, "us-central1") == ("us-east5", "europe-west4")
    assert takes_over(fleet, spread, "europe-west4") == ("us-east5", "us-central1")


def test_no_records_without_the_key_and_no_sync_reads_them(tmp_path: Path) -> None:
    tree = line.tree_of(line.data("quickstart"))
    assert not [path for path in tree if "/dns/" in path]
    paths = [path for path in line.tree("platform") if "/dns/" in path]
    assert paths == ["overlays/acme/dns/terraform.tfvars.json"]
    assert not any(folder in paths[0] for folder in line.synced("platform"))
