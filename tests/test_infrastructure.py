"""Who makes what of Google Cloud: Terraform's variables and the Config Connector objects of one platform, never both."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from inferspec.catalog import catalogue
from inferspec.load import load_text
from inferspec.model.errors import read_platform
from inferspec.plan.objects import ClusterPlan
from inferspec.plan.terraform import variables
from inferspec.resolve.fleet import Fleet

from tests import line

CNRM = "cnrm.cloud.google.com"
MADE = (
    "buckets", "anywhere_caches", "transfer_jobs", "addresses", "secrets", "model_armor_templates", "security_policies",
    "bucket_grants", "secret_grants", "project_grants",
)  # fmt: skip


def connected(spec: Any) -> ClusterPlan:
    return next(c for c in line.planned(line.written(spec)).clusters if c.folder)


def objects(cluster: ClusterPlan) -> list[dict[str, Any]]:
    return [obj.tree(cluster.facts) for obj in cluster.own["management"]]


def of_kind(spec: Any, kind: str) -> dict[str, dict[str, Any]]:
    return {o["metadata"]["name"]: o for o in objects(connected(spec)) if o["kind"] == kind}


def told(fleet: Fleet) -> dict[str, dict[str, Any]]:
    return {place.name: variables(fleet, place) for place in fleet.places}


@pytest.fixture
def spec() -> Any:
    return line.data("managed")


def test_every_object_says_its_project_and_is_left_standing_unless_it_may_go(spec: Any) -> None:
    held = objects(connected(spec))
    assert {o["kind"] for o in held} == {
        "Namespace",
        "StorageBucket",
        "StorageAnywhereCache",
        "StorageTransferJob",
        "ComputeAddress",
        "SecretManagerSecret",
        "ModelArmorTemplate",
        "ComputeSecurityPolicy",
        "IAMPolicyMember",
    }
    for o in held[1:]:
        annotations = o["metadata"]["annotations"]
        assert annotations[f"{CNRM}/project-id"] == "acme-serving" and o["metadata"]["namespace"] == "cloud-serving"
        goes = o["kind"] == "IAMPolicyMember" or o["spec"].get("resourceID") == "acme_models_eu"
        assert annotations.get(f"{CNRM}/deletion-policy") == (None if goes else "abandon"), o["metadata"]["name"]


def test_without_deletable_everything_is_left_standing(spec: Any) -> None:
    del spec["management"]["deletable"]
    for o in objects(connected(spec))[1:]:
        assert o["metadata"]["annotations"][f"{CNRM}/deletion-policy"] == "abandon"


def test_what_is_observed_is_no_object_and_others_name_it_as_it_is(spec: Any) -> None:
    spec["imports"] = {"buckets": {"acme-models-us": "observe"}}
    spec["storage"]["weights"].pop("keys")
    spec["management"].pop("deletable")
    del spec["cloudArmor"]
    held = objects(connected(spec))
    assert {o["kind"] for o in held} == {"Namespace", "StorageAnywhereCache", "StorageTransferJob", "IAMPolicyMember"}
    references = {str(o["spec"].get("bucketRef") or o["spec"].get("resourceRef")) for o in held[1:] if "transferSpec" not in o["spec"]}
    assert all("'name'" not in reference for reference in references)
    caches = [o["spec"]["bucketRef"] for o in held if o["kind"] == "StorageAnywhereCache"]
    assert {"external": "projects/acme-serving/buckets/acme-models-us"} in caches


def test_a_bucket_has_the_key_of_its_location(spec: Any) -> None:
    told = {o["spec"]["resourceID"]: o["spec"].get("encryption") for o in of_kind(spec, "StorageBucket").values()}
    key = "projects/acme-keys/locations/us-central1/keyRings/gke/cryptoKeys/weights"
    assert told == {"acme-models-us": {"kmsKeyRef": {"external": key}}, "acme_models_eu": None}


def test_of_an_adopted_bucket_nothing_is_said_that_cannot_change(spec: Any) -> None:
    buckets = of_kind(spec, "StorageBucket")
    assert {o["spec"]["resourceID"]: o["spec"].get("location") for o in buckets.values()} == {
        "acme_models_eu": "EUROPE-WEST4",
        "acme-models-us": None,
    }


def test_readers_read_and_writers_write(spec: Any) -> None:
    grants = [o["spec"] for o in of_kind(spec, "IAMPolicyMember").values()]
    by_account: dict[str, set[tuple[str, str]]] = {}
    for grant in grants:
        on = grant["resourceRef"]
        by_account.setdefault(grant["member"].rpartition("/")[2], set()).add((grant["role"], on.get("external") or on["name"]))
    eu = next(o["metadata"]["name"] for o in of_kind(spec, "StorageBucket").values() if o["spec"]["resourceID"] == "acme_models_eu")
    assert by_account["chat"] == {("roles/storage.objectViewer", eu), ("roles/storage.objectViewer", "acme-models-us")}
    assert by_account["small"] == {("roles/storage.objectViewer", "acme-models-old")}
    assert by_account["gemma-weights"] == {("roles/storage.objectUser", eu), ("roles/secretmanager.secretAccessor", "hf")}
    principal = "principal://iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/acme-serving.svc.id.goog"
    assert any(grant["member"] == f"{principal}/subject/ns/chat-llm/sa/chat" for grant in grants)


def test_the_copy_goes_from_the_first_bucket_to_the_other_and_may_do_both_ends(spec: Any) -> None:
    (job,) = of_kind(spec, "StorageTransferJob").values()
    ends = job["spec"]["transferSpec"]
    eu = ends["gcsDataSource"]["bucketRef"]["name"]
    assert ends["gcsDataSink"]["bucketRef"] == {"name": "acme-models-us"} and eu.startswith("acme-models-eu-")
    agent = "serviceAccount:project-123456789012@storage-transfer-service.iam.gserviceaccount.com"
    grants = [o["spec"] for o in of_kind(spec, "IAMPolicyMember").values()]
    mine = {(grant["role"], grant["resourceRef"]["name"]) for grant in grants if grant["member"] == agent}
    reader = "roles/storage.legacyBucketReader"
    assert mine == {
        ("roles/storage.objectViewer", eu),
        (reader, eu),
        ("roles/storage.objectUser", "acme-models-us"),
        (reader, "acme-models-us"),
    }


def test_one_owner_with_a_management_cluster(spec: Any) -> None:
    for name, said in told(line.fleet("managed")).items():
        owners = {one["made_by"] for key in MADE for one in said[key]}
        assert owners <= {"config-connector", "observed"} and "config-connector" in owners, name


def test_one_owner_without_one(spec: Any) -> None:
    """Each thing is made by the Terraform of exactly one cluster, and that cluster's own file has it."""
    del spec["management"]
    plan = line.planned(line.written(spec))
    assert not [c for c in plan.clusters if c.folder]
    said = told(line.resolved(line.written(spec)))
    makers: dict[str, set[str]] = {}
    for name, file in said.items():
        assert not {one["made_by"] for key in MADE for one in file[key]} & {"config-connector"}
        for key in MADE:
            for one in file[key]:
                rest = {k: v for k, v in one.items() if k not in ("made_by", "internal")}
                region = file["region"] if key in ("addresses", "model_armor_templates") else ""
                makers.setdefault(f"{key} {region} {rest}", set()).add(one["made_by"])
                if one["made_by"] == name:
                    makers.setdefault(f"made {key} {region} {rest}", set()).add(name)
    for thing, found in makers.items():
        assert len(found) == 1, thing
        if not thing.startswith("made ") and found != {"observed"}:
            assert makers[f"made {thing}"] == found, thing


def test_the_first_cluster_makes_what_a_project_and_a_region_share() -> None:
    said = told(line.fleet("managed"))
    shared = {name: (n["made_by"], n["proxy_made_by"], n["subnetwork_made_by"]) for name, file in said.items() if (n := file["network"])}
    assert shared == {
        "euw4-a": ("euw4-a", "euw4-a", "euw4-a"),
        "usc1-a": ("euw4-a", "usc1-a", "usc1-a"),
        "usc1-b": ("euw4-a", "usc1-a", "usc1-b"),
    }
    assert {name: (file["location"], file["node_zones"]) for name, file in said.items()} == {
        "euw4-a": ("europe-west4", ["europe-west4-b", "europe-west4-c"]),
        "usc1-a": ("us-central1-a", []),
        "usc1-b": ("us-central1", []),
    }


def test_limits_have_room_for_every_shape_of_every_class() -> None:
    """chat: (8 + 1) machines of one chip, H100 or A100; small: (2 + 1) of one L4. 26 and 12 vCPU, 234 and 170 GiB; 32 and 128."""
    said = told(line.fleet("managed"))
    assert {one["resource_type"]: one["maximum"] for one in said["usc1-a"]["autoprovisioning_limits"]} == {
        "cpu": 64 + 9 * 26 + 3 * 32,
        "memory": 256 + 9 * 234 + 3 * 128,
        "nvidia-a100-80gb": 9,
        "nvidia-h100-80gb": 9,
        "nvidia-l4": 3,
    }
    assert said["usc1-b"]["autoprovisioning_limits"] == []


def test_who_fills_a_volume_reads_the_bucket_and_a_bucket_of_ones_own_is_no_stores() -> None:
    said = told(line.fleet("volumes"))
    filling = {(g["service_account"], g["role"]) for g in said["usc1-a"]["bucket_grants"] if g["bucket"] == "acme-models-us"}
    assert ("gemma-weights", "roles/storage.objectViewer") in filling and ("gemma-weights", "roles/storage.objectUser") in filling
    assert {one["name"] for one in said["usc1-a"]["buckets"]} == {"acme-models-us"}
    assert any(g["bucket"] == "acme-own" and g["service_account"] == "ours" for g in said["usc1-a"]["bucket_grants"])
    assert said["usc1-a"]["fuse_profiles"]["buckets"] == [{"name": "acme-models-us", "made_by": "usc1-a"}]
    assert {one["repository"] for one in said["euw4-b"]["registries"]} == {"hub", "vllm"}


@pytest.mark.parametrize(("said", "revision"), [({}, "v1.0.1"), ({"revision": "v0.9.0"}, "v0.9.0")])
def test_the_management_cluster_reads_its_revision_or_that_of_the_last_wave(spec: Any, said: dict[str, str], revision: str) -> None:
    spec["management"] |= said
    cluster = connected(spec)
    (sync,) = (obj.tree(cluster.facts) for obj in cluster.syncs)
    assert (sync["spec"]["git"]["revision"], sync["spec"]["git"]["dir"]) == (revision, "overlays/managed/management")


def test_compiled_verified_asked_and_not_removed_unseen(tmp_path: Path) -> None:
    (tmp_path / "specs").mkdir()
    text = line.text("managed")
    path = tmp_path / "specs/managed.yaml"
    path.write_text(text, encoding="utf-8")

    def run(*arguments: str) -> tuple[int, str]:
        done = line.inferspec(*arguments, "-f", "specs/managed.yaml", cwd=tmp_path)
        return done.returncode, done.stdout + done.stderr

    code, said = run("compile")
    assert code == 0 and "SPC011" not in said, said
    assert (tmp_path / "overlays/managed/management/kustomization.yaml").is_file()
    assert run("verify", "--all")[0] == 0
    code, said = run("why", "StorageBucket/acme-models-us", "spec.resourceID")
    assert code == 0 and "from the spec: storage.weights.buckets.us-central1" in said, said
    code, said = run("trace", "storage.weights.anywhereCache.ttl")
    assert code == 0 and "StorageAnywhereCache" in said and "172800s" in said, said
    assert run("compile", "--check")[0] == 0
    path.write_text(text.replace("  addresses: {llm-inference: create}\n", ""), encoding="utf-8")
    code, said = run("compile")
    assert code == 1 and "ComputeAddress cloud-serving/llm-inference-us-central1-prod" in said, said
    objects = tmp_path / "overlays/managed/management/objects.yaml"
    objects.write_text(objects.read_text(encoding="utf-8") + "# by hand\n", encoding="utf-8")
    path.write_text(text, encoding="utf-8")
    code, said = run("compile")
    assert code == 1 and "SYNC106" in said, said


def test_the_bucket_that_copies_come_from_is_made_though_no_cluster_reads_it() -> None:
    spec = line.data("managed")
    (store,) = [s for s in spec["storage"].values() if s.get("copy") == "storage-transfer"]
    writer = next(iter(spec["regions"][next(iter(spec["regions"]))]["clusters"]))
    store["buckets"]["asia1"], store["writers"] = "acme-models-asia", {"asia1": writer}
    spec["imports"].setdefault("buckets", {})["acme-models-asia"] = "create"
    fleet = line.resolved(line.written(spec))
    assert "acme-models-asia" in {one.name for one in fleet.cloud.of("buckets")}
    assert {job.bucket for job in fleet.downloads if job.location == "asia1"} == {"acme-models-asia"}
    others = {one.name for one in fleet.cloud.of("buckets")} & set(store["buckets"].values()) - {"acme-models-asia"}
    assert others and {(t.source, t.sink) for t in fleet.cloud.transfers} >= {("acme-models-asia", other) for other in others}


def test_a_security_policy_is_the_same_by_terraform_and_by_config_connector(spec: Any) -> None:
    """Denied first, then so many requests of a tenant, then everyone: what each says, in the order in which it is asked."""
    made = of_kind(spec, "ComputeSecurityPolicy")
    assert {name: (o["spec"]["resourceID"], o["spec"]["region"]) for name, o in made.items()} == {
        "edge-europe-west4-prod": ("edge", "europe-west4"),
        "edge-us-central1-prod": ("edge", "us-central1"),
    }
    del spec["management"]
    files = told(line.resolved(line.written(spec)))
    for name, region in (("euw4-a", "europe-west4"), ("usc1-a", "us-central1")):
        (policy,) = files[name]["security_policies"]
        assert (policy["name"], policy["location"], policy["made_by"]) == ("edge", region, name)
        said = [
            {
                "description": rule["description"],
                "priority": rule["priority"],
                "action": rule["action"],
                "preview": rule["preview"],
                "match": {"versionedExpr": "SRC_IPS_V1", "config": {"srcIpRanges": rule["ranges"]}},
                **({"rateLimitOptions": _limit(rule["rate"])} if rule["rate"] else {}),
            }
            for rule in policy["rules"]
        ]
        assert said == made[f"edge-{region}-prod"]["spec"]["rule"]
    assert [(r["priority"], r["action"], r["match"]["config"]["srcIpRanges"]) for r in said] == [
        (1000, "deny(403)", ["198.51.100.0/24", "2001:db8::/32"]),
        (2000, "throttle", ["*"]),
        (2147483647, "allow", ["*"]),
    ]
    assert said[1]["rateLimitOptions"]["enforceOnKeyName"] == "x-tenant"


def _limit(rate: dict[str, Any]) -> dict[str, Any]:
    return {
        "conformAction": "allow",
        "exceedAction": "deny(429)",
        "enforceOnKey": rate["key"],
        **({"enforceOnKeyName": rate["header"]} if rate["header"] else {}),
        "rateLimitThreshold": {"count": rate["requests"], "intervalSec": rate["seconds"]},
    }


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ({"allow": ["203.0.113.0/24"]}, [("allow", False, None), ("deny(403)", False, None)]),
        ({"allow": ["203.0.113.0/24"], "preview": True}, [("allow", True, None), ("deny(403)", True, None), ("allow", False, None)]),
        ({"allow": ["203.0.113.0/24"], "rate": {"requests": 5}}, [("throttle", False, "IP"), ("deny(403)", False, None)]),
        ({"deny": [f"10.0.{i}.0/24" for i in range(11)]}, [("deny(403)", False, None)] * 2 + [("allow", False, None)]),
    ],
    ids=["allowed", "preview", "allowed and limited", "more than a rule holds"],
)
def test_what_a_security_policy_does(spec: Any, policy: dict[str, Any], expected: list[tuple[str, bool, str | None]]) -> None:
    spec["cloudArmor"] = {"edge": policy}
    rules = told(line.resolved(line.written(spec)))["usc1-a"]["security_policies"][0]["rules"]
    assert [(rule["action"], rule["preview"], rule["rate"] and rule["rate"]["key"]) for rule in rules] == expected
    assert all(len(rule["ranges"]) <= 10 for rule in rules)


def test_a_global_gateway_has_a_global_policy(spec: Any) -> None:
    """Its chat is a pool, which a global gateway does not lead to: who makes what follows from the gateways alone."""
    spec["gateways"]["public"] |= {"class": "global-external", "tls": {"certificateMap": "llm"}}
    document, _ = load_text(line.written(spec))
    assert document is not None
    platform, _ = read_platform(document)
    assert platform is not None
    files = told(Fleet(platform, catalogue()))
    assert {name: [(p["location"], p["made_by"]) for p in file["security_policies"]] for name, file in files.items()} == {
        "euw4-a": [("global", "config-connector")],
        "usc1-a": [("global", "config-connector")],
        "usc1-b": [],
    }


def test_the_adapter_is_there_where_it_is_asked_for_and_may_read(spec: Any) -> None:
    """Its Service leads to its Pod, its API to its Service, and its account to the project's metrics, once for the project."""
    plan = line.fleet_plan("managed")
    for cluster in (c for c in plan.clusters if not c.folder):
        made = [obj.tree(cluster.facts) for obj in cluster.facets.get("metrics-adapter", ())]
        held = {f"{o['kind']} {o['metadata']['name']}": o for o in made}
        assert bool(held) == (cluster.name != "usc1-a")
        if not held:
            continue
        name = "custom-metrics-stackdriver-adapter"
        pod, service = held[f"Deployment {name}"]["spec"]["template"], held[f"Service {name}"]["spec"]
        assert service["selector"].items() <= pod["metadata"]["labels"].items()
        ports = {p["name"]: p["containerPort"] for p in pod["spec"]["containers"][0]["ports"]}
        assert ports[service["ports"][0]["targetPort"]] == service["ports"][0]["port"] == 443
        for version in ("v1beta1", "v1beta2"):
            api = held[f"APIService {version}.custom.metrics.k8s.io"]
            assert api["spec"]["service"] == {"name": name, "namespace": "custom-metrics"}
            assert api["metadata"]["name"] == f"{api['spec']['version']}.{api['spec']['group']}"
        for binding in ("ClusterRoleBinding custom-metrics:system:auth-delegator", "RoleBinding custom-metrics-auth-reader"):
            assert held[binding]["subjects"] == [{"kind": "ServiceAccount", "name": name, "namespace": "custom-metrics"}]
    del spec["management"]
    files = told(line.resolved(line.written(spec)))
    said = {"project": "acme-serving", "role": "roles/monitoring.viewer", "namespace": "custom-metrics", "service_account": name}
    assert {name: file["project_grants"] for name, file in files.items()} == {
        "euw4-a": [{**said, "made_by": "euw4-a"}],
        "usc1-a": [],
        "usc1-b": [{**said, "made_by": "euw4-a"}],
    }
    member = "principal://iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/acme-serving.svc.id.goog/subject"
    grants = [o["spec"] for o in of_kind(line.data("managed"), "IAMPolicyMember").values()]
    assert [g["resourceRef"] for g in grants if g["member"] == f"{member}/ns/custom-metrics/sa/{said['service_account']}"] == [
        {"apiVersion": f"resourcemanager.{CNRM}/v1beta1", "kind": "Project", "external": "projects/acme-serving"}
    ]
