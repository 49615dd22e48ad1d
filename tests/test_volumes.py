"""Every volume of every Pod leads to weights: claims, classes and volumes exist, and who fills, who waits and who reads mean one folder."""

from __future__ import annotations

from typing import Any

import pytest
from inferspec.emit.tree import cluster_objects
from inferspec.plan.objects import ClusterPlan

from tests import line

GIVEN = {"gcsfusecsi-serving", "dynamic-rwo", "premium-rwo", "standard-rwx", "premium-rwx", "zonal-rwx", "enterprise-rwx"}
"""Classes that GKE and its drivers bring."""


def held(name: str, cluster: ClusterPlan, kind: str) -> list[dict[str, Any]]:
    parts = cluster_objects(line.fleet_plan(name), cluster).values()
    return [tree for part in parts for identity, tree in part.items() if identity.kind == kind]


def pods(name: str, cluster: ClusterPlan) -> list[tuple[str, str, dict[str, Any]]]:
    """(namespace, name, Pod spec) of servers and Jobs."""
    found = []
    for kind in ("Deployment", "Job"):
        for tree in held(name, cluster, kind):
            found.append((tree["metadata"]["namespace"], tree["metadata"]["name"], tree["spec"]["template"]["spec"]))
    for tree in held(name, cluster, "LeaderWorkerSet"):
        template = tree["spec"]["leaderWorkerTemplate"]
        metadata = tree["metadata"]
        found += [(metadata["namespace"], metadata["name"], template[half]["spec"]) for half in ("leaderTemplate", "workerTemplate")]
    return found


@pytest.mark.parametrize("name", list(line.SPECS))
def test_what_pods_mount_exists(name: str) -> None:
    for cluster in line.fleet_plan(name).clusters:
        claims = {(c["metadata"]["namespace"], c["metadata"]["name"]): c["spec"] for c in held(name, cluster, "PersistentVolumeClaim")}
        maps = {(c["metadata"]["namespace"], c["metadata"]["name"]) for c in held(name, cluster, "ConfigMap")}
        mounted = set()
        for namespace, _, spec in pods(name, cluster):
            for volume in spec.get("volumes", []):
                if "persistentVolumeClaim" in volume:
                    mounted.add((namespace, volume["persistentVolumeClaim"]["claimName"]))
                if "configMap" in volume:
                    assert (namespace, volume["configMap"]["name"]) in maps
        assert mounted == claims.keys(), "a claim that nobody mounts, or a mount without a claim"


@pytest.mark.parametrize("name", list(line.SPECS))
def test_claims_can_be_bound(name: str) -> None:
    for cluster in line.fleet_plan(name).clusters:
        classes = {c["metadata"]["name"] for c in held(name, cluster, "StorageClass")} | GIVEN
        snapshots = {c["metadata"]["name"] for c in held(name, cluster, "VolumeSnapshotClass")}
        volumes = {v["metadata"]["name"]: v["spec"] for v in held(name, cluster, "PersistentVolume")}
        bound = set()
        for claim in held(name, cluster, "PersistentVolumeClaim"):
            spec, metadata = claim["spec"], claim["metadata"]
            if "volumeName" in spec:
                volume = volumes[spec["volumeName"]]
                bound.add(spec["volumeName"])
                assert volume["claimRef"] == {"namespace": metadata["namespace"], "name": metadata["name"]}
                assert volume["storageClassName"] == spec["storageClassName"] and set(spec["accessModes"]) <= set(volume["accessModes"])
                assert volume["capacity"]["storage"] == spec["resources"]["requests"]["storage"]
            else:
                assert spec["storageClassName"] in classes
        assert bound == volumes.keys()
        for job in held(name, cluster, "Job"):
            told = {e["name"]: e["value"] for e in job["spec"]["template"]["spec"]["containers"][0]["env"]}
            if "SNAPSHOT" in told:
                assert told["SNAPSHOT_CLASS"] in snapshots


@pytest.mark.parametrize("name", list(line.SPECS))
def test_a_server_waits_for_what_it_reads(name: str) -> None:
    """Every folder a container mounts is one that its init container asks for; what a Job fills is what is asked for."""
    for cluster in line.fleet_plan(name).clusters:
        filled = {}
        for namespace, _, spec in pods(name, cluster):
            for container in spec["containers"]:
                if container["name"] == "hydrate":
                    claim = spec["volumes"][1]["persistentVolumeClaim"]["claimName"].removesuffix("-fill")
                    filled[namespace, claim, container["args"][1].removeprefix("/volume/")] = container["args"][0]
        for namespace, workload, spec in pods(name, cluster):
            server = next((c for c in spec["containers"] if c["name"] == "server"), None)
            if server is None:
                continue
            volumes = {v["name"]: v for v in spec["volumes"]}
            gate = next((c for c in spec.get("initContainers", []) if c["name"] == "weights"), None)
            asked = set(gate["args"]) if gate else set()
            for mount in server["volumeMounts"]:
                volume = volumes[mount["name"]]
                if "persistentVolumeClaim" in volume and "subPath" in mount:
                    claim = volume["persistentVolumeClaim"]["claimName"]
                    assert f"complete=/volumes/{claim}/{mount['subPath']}" in asked, workload
                    if not shared(name, cluster, claim):
                        assert (namespace, claim, mount["subPath"]) in filled, workload
                elif volume.get("csi", {}).get("driver") == "gcsfuse.csi.storage.gke.io" and mount["mountPath"] != "/dynamic-adapters":
                    attributes = volume["csi"]["volumeAttributes"]
                    folder = f"gs://{attributes['bucketName']}/{attributes['mountOptions'].rpartition('only-dir:')[2]}"
                    assert {f"complete={folder}", f"standing={folder}"} & asked, workload
            streamed = [a.partition("=")[2] for a in server.get("args", []) if a.startswith("--model=gs://")]
            assert all({f"complete={s}", f"standing={s}"} & asked for s in streamed), workload


def shared(name: str, cluster: ClusterPlan, claim: str) -> bool:
    """Whether the volume is of an instance that another cluster of the region may fill."""
    volumes = [v["spec"] for v in held(name, cluster, "PersistentVolume")]
    return any(v["claimRef"]["name"] == claim and "lustre" in v["csi"]["driver"] for v in volumes)


def test_an_instance_that_exists_is_filled_once() -> None:
    jobs = {c.name: [j["metadata"]["name"] for j in held("volumes", c, "Job")] for c in line.fleet_plan("volumes").clusters}
    assert any(job.startswith("gemma-weights-fill") for job in jobs["euw4-a"])
    assert not any(job.startswith("gemma-weights-fill") for job in jobs["euw4-b"])
    assert not any("-weights-v1-" in job for job in jobs["euw4-b"]), "euw4-a writes the bucket of both"


def test_a_store_can_name_the_cluster_that_writes_its_bucket() -> None:
    spec = line.data("volumes")
    spec["storage"]["shared"]["writers"] = {"us-central1": "usc1-a", "eur4": "euw4-a"}
    spec["regions"]["europe-west4"]["clusters"]["aaa-first"] = spec["regions"]["europe-west4"]["clusters"]["euw4-a"]
    fleet = line.resolved(line.written(spec))
    writers = {d.bucket: d.writer.name for d in fleet.downloads if d.artefact.key == "gemma"}
    assert writers == {"acme-models-eu": "euw4-a", "acme-models-us": "usc1-a"}


def test_every_image_comes_from_the_mirror() -> None:
    images = set()
    for cluster in line.fleet_plan("volumes").clusters:
        for _, _, spec in pods("volumes", cluster):
            images |= {c["image"] for c in (*spec["containers"], *spec.get("initContainers", []))}
    assert images and {image.partition("/")[0] for image in images} == {"europe-west4-docker.pkg.dev"}
    assert "europe-west4-docker.pkg.dev/acme-inference-prod/vllm/vllm-openai:v0.32.0" in images, "the longest prefix counts"


def test_a_faster_volume_shortens_the_start_up_budget() -> None:
    spec = line.data("volumes")
    del spec["serving"]["gemma"]["startup"]

    def budget(throughput: int, most: int) -> int:
        spec["storage"]["shared"]["lustre"]["us-central1"] |= {"size": "72000Gi", "throughput": throughput}
        spec["serving"]["gemma"]["scale"]["max"] = most
        fleet = line.resolved(line.written(spec))
        place = next(p for p in fleet.places if p.name == "usc1-a")
        key = next(k for k in fleet.workload_keys if k.service == "gemma")
        return int(fleet.workload_at(key, place).pod.startup_seconds.v)

    assert budget(1000, 2) < budget(125, 80) < budget(125, 160)


def test_an_instance_that_gke_makes_is_in_the_network_of_its_clusters() -> None:
    """Of two projects in a region each has its own; what a store says itself counts before it."""
    spec = line.data("volumes")
    clusters, instance = spec["regions"]["us-central1"]["clusters"], spec["storage"]["shared"]["lustre"]["us-central1"]
    spec["projects"]["lab"] = {"id": "acme-inference-lab", "number": 210987654321, "network": {"name": "trials"}}
    clusters["usc1-b"] = {**clusters["usc1-a"], "project": "lab"}
    said = instance.pop("network")
    spec["serving"] = {name: s for name, s in spec["serving"].items() if not s["model"].startswith("oss")}

    def networks() -> dict[str, str]:
        made = line.planned(line.written(spec))
        parts = {c.name: cluster_objects(made, c).values() for c in made.clusters}
        trees = {name: [tree for part in held for tree in part.values()] for name, held in parts.items()}
        lustre = "lustre.csi.storage.gke.io"
        return {name: t["parameters"]["network"] for name, held in trees.items() for t in held if t.get("provisioner") == lustre}

    assert networks() == {"usc1-a": "default", "usc1-b": "projects/acme-inference-lab/global/networks/trials"}
    instance["network"] = said
    assert networks() == {"usc1-a": said, "usc1-b": said}


def test_an_adapter_brings_a_token_of_its_own_or_that_of_its_model() -> None:
    def token(secret: str | None) -> str:
        spec = line.data("volumes")
        spec["secrets"]["lora"] = {"secretManager": "projects/acme-inference-prod/secrets/lora", "version": 7}
        if secret:
            spec["serving"]["gemma"]["adapters"]["law"]["secret"] = secret
        drawn = line.planned(line.written(spec))
        (tree,) = {
            str(tree): tree
            for cluster in drawn.clusters
            for part in cluster_objects(drawn, cluster).values()
            for identity, tree in part.items()
            if identity.kind == "SecretProviderClass" and identity.name.startswith("gemma-law")
        }.values()
        return str(tree["spec"]["parameters"]["secrets"])

    assert "secrets/hf/versions/1" in token(None)
    assert "secrets/lora/versions/7" in token("lora")
