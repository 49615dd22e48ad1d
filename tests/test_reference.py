"""specs/reference.yaml against the combinations of the reference architecture and of the tutorials, row by row, in what is emitted.

A row of reference_table.yaml is what stands there. ``differs`` is what the spec has instead; with ``code``, the compiler's answer
to the row as it stands is tried too.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
import yaml
from inferspec.catalog import catalogue
from inferspec.check import check
from inferspec.diagnostics import Diagnostic
from inferspec.emit.tree import cluster_objects
from inferspec.load import load_text
from inferspec.model.errors import read_platform
from inferspec.quantity import parse
from inferspec.resolve.fleet import Fleet

from tests import line

TABLE = yaml.safe_load((line.ROOT / "tests/reference_table.yaml").read_text(encoding="utf-8"))
NOTES = {"workload", "differs", "code", "says", "why"}
CLASS = "cloud.google.com/compute-class"
BUCKET = "acme-inference-models"
MOUNT_OPTIONS = {
    "implicit-dirs",
    "metadata-cache:ttl-secs:-1",
    "metadata-cache:stat-cache-max-size-mb:-1",
    "metadata-cache:type-cache-max-size-mb:-1",
    "metadata-cache:negative-ttl-secs:0",
    "file-cache:max-size-mb:-1",
    "file-cache:cache-file-for-range-read:true",
    "file-cache:enable-parallel-downloads:true",
    "file-system:kernel-list-cache-ttl-secs:-1",
}
"""Of the reference's vLLM base; only-dir comes with the model."""
TOKENS = ("max-model-len", "context-length", "max-total-tokens", "max_seq_len", "max_model_len", "max_target_length")
SHARE = ("gpu-memory-utilization", "gpu_memory_utilization")
OWN_PROBES = ("RayService",)
"""KubeRay gives the containers of Ray their probes."""


def rows() -> Iterator[dict[str, Any]]:
    """Each row with what its group says of all of them."""
    for group in TABLE:
        common = {key: v for key, v in group.items() if key in ("image", "read", "replicas", "args", "routed")}
        for said in group["rows"]:
            row = common | said | {"args": common.get("args", []) + said.get("args", []), "technique": group["technique"]}
            row["differs"] = group.get("differs", {}) | said.get("differs", {})
            yield row


ROWS = list(rows())


def wanted(row: dict[str, Any]) -> dict[str, Any]:
    """What the spec has to give: the row, with its differences."""
    instead = {key: v for key, v in row["differs"].items() if key not in NOTES}
    found = {key: v for key, v in row.items() if key not in NOTES} | instead
    return found | {"args": row["args"] + instead.get("args", [])}


# -- what is emitted ---------------------------------------------------------------------------------------------------


@cache
def workloads() -> dict[str, list[dict[str, Any]]]:
    """Objects that run model servers, by name."""
    plan, found = line.fleet_plan("reference"), {}
    for cluster in plan.clusters:
        for held in cluster_objects(plan, cluster).values():
            for identity, tree in held.items():
                server = tree["metadata"].get("labels", {}).get("app.kubernetes.io/component") == "server"
                if server and identity.kind in ("Deployment", "LeaderWorkerSet", "RayService"):
                    found.setdefault(identity.name, []).append(tree)
    return found


def pod(tree: dict[str, Any]) -> dict[str, Any]:
    """The Pod that answers requests, or in Ray the one that computes them."""
    spec = tree["spec"]
    if tree["kind"] == "RayService":
        return spec["rayClusterConfig"]["workerGroupSpecs"][0]["template"]["spec"]
    if tree["kind"] == "LeaderWorkerSet":
        return spec["leaderWorkerTemplate"]["leaderTemplate"]["spec"]
    return spec["template"]["spec"]


def hosts(tree: dict[str, Any]) -> int:
    if tree["kind"] == "RayService":
        return tree["spec"]["rayClusterConfig"]["workerGroupSpecs"][0]["numOfHosts"]
    return tree["spec"]["leaderWorkerTemplate"]["size"] if tree["kind"] == "LeaderWorkerSet" else 1


def read(text: str) -> Any:
    return json.loads(text) if text.startswith("{") else text


def arguments(container: dict[str, Any]) -> dict[str, Any]:
    """Flag without dashes -> value; JSON is read, so that the order of its keys is no matter."""
    pairs = (argument.lstrip("-").partition("=") for argument in container.get("args", ()))
    return {name: read(value) if sep else True for name, sep, value in pairs}


def told(tree: dict[str, Any], container: dict[str, Any]) -> dict[str, Any]:
    """Everything the engine is told: its arguments, and the document it reads instead."""
    found = arguments(container)
    for variable in container.get("env", ()):
        if variable["name"] == "MODEL_YAML":
            found |= yaml.safe_load(variable["value"])
    if tree["kind"] == "RayService":
        found |= engine_arguments(tree)
    return found


def engine_arguments(tree: dict[str, Any]) -> dict[str, Any]:
    return json.loads(tree["spec"]["serveConfigV2"])["applications"][0]["args"]["llm_configs"][0]["engine_kwargs"]


def first(found: dict[str, Any], names: tuple[str, ...]) -> Any:
    return next((found[name] for name in names if name in found), None)


def folder(model: str) -> str:
    """Where the weights of a Hugging Face id stand in the bucket: lower case, and the revision of the spec."""
    spec = next(m for m in line.data("reference")["models"].values() if m["source"] == f"hf://{model}")
    return f"{model.lower()}/{spec['versions']['v1']}"


# -- the table ---------------------------------------------------------------------------------------------------------


def test_the_table_and_the_spec_have_the_same_workloads() -> None:
    listed = [row["workload"] for row in ROWS]
    assert sorted(listed) == sorted(workloads())
    assert [name for name, found in workloads().items() if len(found) != 1] == []


def test_the_table_has_as_many_rows_as_the_reference() -> None:
    """ComfyUI on CPU is the one that no spec can say."""
    assert [g["technique"] for g in TABLE if len(g["rows"]) != g.get("count", len(g["rows"]))] == []
    assert sum(g.get("count", 0) for g in TABLE) == 28 + 20 + 6 + 4 + 2 + 8 + 3 * (10 + 3) + 8 + 2 + 2 + 3 + 4


def test_the_spec_is_at_most_a_thousand_lines() -> None:
    assert len(line.text("reference").splitlines()) <= 1000


def test_a_difference_differs_and_says_why() -> None:
    for row in ROWS:
        differs = row["differs"]
        same = [key for key, v in differs.items() if key not in NOTES and row.get(key) == v]
        assert same == [] and (not differs or differs["why"]), row["workload"]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["workload"])
def test_a_row_is_served_as_it_says(row: dict[str, Any]) -> None:
    row, (tree,) = {"hosts": 1, **wanted(row)} | {"was": row}, workloads()[row["workload"]]
    spec = pod(tree)
    server = next(c for c in spec["containers"] if any(r.endswith(("/gpu", "/tpu")) for r in c["resources"]["requests"]))
    asked, limits = server["resources"]["requests"], server["resources"]["limits"]
    found = told(tree, server)
    assert server["image"] == row["image"]
    assert spec["nodeSelector"][CLASS] == row["class"]
    assert next(n for r, n in asked.items() if r.endswith(("/gpu", "/tpu"))) == row["chips"]
    assert hosts(tree) == row["hosts"]
    if "tokens" in row:
        assert int(first(found, TOKENS)) == row["tokens"]
    if "share" in row:
        assert float(first(found, SHARE)) == row["share"]
    if "replicas" in row:
        assert tree["spec"]["replicas"] == row["replicas"]
    for key in ("cpu", "memory"):
        if row.get(key) == "derived":
            assert parse(asked[key]) < parse(str(row["was"][key]))
        elif key in row:
            assert asked[key] == row[key]
    assert asked["memory"] == limits["memory"]
    assert arguments({"args": row["args"]}).items() <= found.items()
    assert row.get("engine", {}).items() <= found.items()
    assert row.get("env", {}).items() <= {v["name"]: v.get("value") for v in server.get("env", ())}.items()
    if "devices" in row:
        said = tree["spec"]["template"]["metadata"]["annotations"][f"devices.gke.io/container.{server['name']}"]
        assert [device["path"] for device in yaml.safe_load(said)] == row["devices"]
    weights(spec, found, row)
    if tree["kind"] not in OWN_PROBES:
        probes(spec)


def weights(spec: dict[str, Any], found: dict[str, Any], row: dict[str, Any]) -> None:
    """The model's own folder of the bucket, mounted read-only with the options of the reference, or streamed."""
    if row.get("read") == "run-ai-streamer":
        assert found["model"] == f"gs://{BUCKET}/{folder(row['model'])}"
        assert found["load-format"] == "runai_streamer"
        return
    csi = next(v["csi"] for v in spec["volumes"] if v["name"] == "weights")
    assert csi["driver"] == "gcsfuse.csi.storage.gke.io" and csi["readOnly"] is True
    assert csi["volumeAttributes"]["bucketName"] == BUCKET
    assert set(csi["volumeAttributes"]["mountOptions"].split(",")) == MOUNT_OPTIONS | {f"only-dir:{folder(row['model'])}"}


def probes(spec: dict[str, Any]) -> None:
    """The reference has readiness alone, for 16 hours; a server that hangs is found within two minutes here."""
    probed = next(c for c in spec["containers"] if "startupProbe" in c)
    assert probed["startupProbe"]["periodSeconds"] * probed["startupProbe"]["failureThreshold"] >= 600
    for kind in ("readinessProbe", "livenessProbe"):
        assert probed[kind]["periodSeconds"] * probed[kind]["failureThreshold"] <= 120


def test_a_download_has_room_for_the_copies_in_the_repository() -> None:
    """gpt-oss-20b: the copies are left out; FLUX.2: the transformer stands there twice, and both come."""
    plan, found = line.fleet_plan("reference"), {}
    for cluster in plan.clusters:
        for held in cluster_objects(plan, cluster).values():
            for identity, tree in held.items():
                if identity.kind == "Job":
                    (scratch,) = (v["ephemeral"] for v in tree["spec"]["template"]["spec"]["volumes"] if "ephemeral" in v)
                    claim = scratch["volumeClaimTemplate"]["spec"]
                    found[identity.name.rpartition("-weights-")[0]] = claim["resources"]["requests"]["storage"]
    assert {key: parse(found[key]) for key in ("gpt-oss-20b", "flux-2-klein-4b")} == {
        "gpt-oss-20b": parse("16Gi"),
        "flux-2-klein-4b": parse("27Gi"),
    }


# -- what the compiler says to the rows that differ --------------------------------------------------------------------


@cache
def answers() -> dict[str, list[Diagnostic]]:
    """Findings by workload of a spec that has every refused row as the reference has it."""
    spec, paths = line.data("reference"), {}
    for row in ROWS:
        if "code" in row["differs"]:
            paths[row["workload"]] = as_it_stands(spec, row)
    document, _ = load_text(line.written(spec), "spec.yaml")
    assert document is not None
    platform, problems = read_platform(document)
    assert platform is not None and problems == []
    found = check(Fleet(platform, catalogue()), document, line.TODAY)[1]
    return {name: [d for d in found if d.path[: len(path)] == path] for name, path in paths.items()}


def as_it_stands(spec: Any, row: dict[str, Any]) -> tuple[str, ...]:
    """Put the row's own values into the spec; the path of its variant."""
    service, variant = next((s, v) for s, held in spec["serving"].items() for v in held["variants"] if f"{s}-{v}" == row["workload"])
    differs, own = row["differs"], spec["serving"][service]["variants"][variant]
    if differs.keys() & {"class", "chips"}:
        own["capacity"] = row["class"]
        if not row["class"].startswith("tpu-"):
            own["tensorParallel"] = row["chips"]
    if row.get("hosts", 1) > 1 and "hosts" in differs and not row["class"].startswith("tpu-"):
        own["pipelineParallel"] = row["hosts"]
    if "tokens" in differs:
        own["maxModelLen"] = row["tokens"]
    if "share" in differs:
        own["flags"]["gpu-memory-utilization"] = row["share"]
    for argument in arguments({"args": differs.get("args", [])}):
        own["flags"].pop(argument)
    if differs.keys() & {"cpu", "memory"}:
        own["resources"] = {key: row[key] for key in ("cpu", "memory") if key in row}
    if "read" in differs:
        spec["serving"][service].pop("read", None)
    return ("serving", service, "variants", variant)


@pytest.mark.parametrize("row", [row for row in ROWS if "code" in row["differs"]], ids=lambda row: row["workload"])
def test_the_compiler_answers_the_row_as_it_stands(row: dict[str, Any]) -> None:
    found = [d for d in answers()[row["workload"]] if d.code == row["differs"]["code"]]
    told = "\n".join(text for d in found for text in (d.message, *d.notes))
    assert row["differs"]["says"] in told, told or [d.code for d in answers()[row["workload"]]]
