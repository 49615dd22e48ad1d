"""What Pods run, as it is emitted: the order of the download Job, the wait before a server, the filling of a volume.

Storage is fake-gcs-server; the metadata server and the API server's answers to a snapshot are stand-ins of ours.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.error
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from inferspec import programs
from inferspec.emit.tree import cluster_objects
from inferspec.plan.objects import ClusterPlan
from inferspec.weights.files import SourceFile, chosen
from inferspec.weights.manifest import MANIFEST

from tests import line
from tests.webserver import Handler, serving
from tests.weights.conftest import Bench
from tests.weights.faults import Fault, Proxy
from tests.weights.hub import Hub

HERE = Path(programs.__file__).parent


@pytest.fixture(scope="module")
def metadata() -> Iterator[str]:
    """Gives a token, as GKE's metadata server does; fake-gcs-server does not look at it."""

    class Answers(Handler):
        def do_GET(self) -> None:
            assert self.headers["Metadata-Flavor"] == "Google"
            self.say(200, json.dumps({"access_token": "token", "expires_in": 3600}).encode())

    with serving(Answers) as address:
        yield address


class Pod:
    """Runs a program as a container would, against the servers of the test."""

    def __init__(self, bench: Bench, metadata: str, folder: Path) -> None:
        self.bench, self.metadata, self.log = bench, metadata, folder / "termination-log"
        self.storage = bench.server

    def run(self, program: str, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        told = {"STORAGE_ENDPOINT": self.storage, "GCE_METADATA_HOST": self.metadata, "TERMINATION_LOG": str(self.log)}
        quick = {"WAIT_SECONDS": "0.2", "PERIOD_SECONDS": "0.05", "NAMESPACE": "chat-llm"}
        return subprocess.run(
            [sys.executable, str(HERE / program), *arguments],
            env={"PATH": os.environ["PATH"], **told, **quick, **more},
            capture_output=True,
            text=True,
            timeout=60,
        )

    def gate(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        return self.run("gate.py", *arguments, **more)


@pytest.fixture
def pod(bench: Bench, metadata: str, tmp_path: Path) -> Pod:
    return Pod(bench, metadata, tmp_path)


def spec_of(bench: Bench) -> dict[str, Any]:
    """The quickstart with the repository and the bucket of the bench."""
    spec = line.data("quickstart")
    spec["storage"]["weights"]["buckets"] = {"us-central1": bench.bucket}
    spec["models"]["gemma-3-1b"] |= {"source": "hf://Acme/Tiny", "versions": {"v1": bench.revision}, "size": "1Gi"}
    spec["models"]["gemma-3-1b"]["architecture"] = {
        "parameters": 999885952, "layers": 26, "hiddenSize": 1152, "attentionHeads": 4, "kvHeads": 1, "headDim": 256,
        "contextLength": 32768,
    }
    del spec["models"]["gemma-3-1b"]["secret"], spec["secrets"]
    spec["images"] = {"models": "us-docker.pkg.dev/acme/tools/inferspec-models:0.1.0"}
    return spec


def objects(spec: Any) -> Iterator[dict[str, Any]]:
    plan = line.planned(line.written(spec))
    clusters: tuple[ClusterPlan, ...] = plan.clusters
    for part in cluster_objects(plan, clusters[0]).values():
        yield from part.values()


def test_the_emitted_job_publishes_what_the_emitted_server_waits_for(bench: Bench, pod: Pod, monkeypatch: pytest.MonkeyPatch) -> None:
    made = list(objects(spec_of(bench)))
    (job,) = [o["spec"]["template"]["spec"]["containers"][0] for o in made if o["kind"] == "Job"]
    (server,) = [o["spec"]["template"]["spec"] for o in made if o["kind"] == "Deployment" and o["metadata"]["name"] == "chat"]
    waits = server["initContainers"][0]["args"]
    assert pod.gate(*waits).returncode == 1, "nothing is there yet"
    for entry in job["env"]:
        monkeypatch.setenv(entry["name"], entry["value"])
    monkeypatch.setenv("MODEL_SCRATCH", str(bench.scratch))
    assert "command" not in job, "the image's own entry point is the program"
    assert bench.run("models", *job["args"]) == 0, bench.err
    assert bench.whole()
    done = pod.gate(*waits)
    assert (done.returncode, done.stdout) == (0, f"{waits[0]}: complete\n")


def test_the_gate_waits_within_bounds_and_says_what_is_missing(bench: Bench, pod: Pod) -> None:
    assert bench.publish() == 0
    where = f"complete={bench.target}"
    assert pod.gate(where).returncode == 0
    listed = json.loads(bench.content("inferspec-manifest.json"))["files"]
    bench.put("config.json", b"{}")
    done = pod.gate(where)
    said = f"no weights after 0.2 s: {bench.target}/config.json has 2 bytes, the manifest says {listed['config.json']['bytes']}"
    assert done.returncode == 1 and pod.log.read_text() == said and said in done.stderr


def test_the_gate_goes_on_as_soon_as_the_weights_are_there(bench: Bench, pod: Pod) -> None:
    with bench.started() as publishing:
        done = pod.gate(f"complete={bench.target}", WAIT_SECONDS="30")
        assert publishing.wait(30) == 0
    assert done.returncode == 0 and done.stdout.startswith("waiting: 404 for ")


def test_weights_of_others_need_their_files_and_no_manifest(bench: Bench, pod: Pod) -> None:
    where = f"standing={bench.target}"
    assert "is empty" in pod.gate(where).stderr
    bench.put("config.json", b"{}")
    assert pod.gate(where).returncode == 0
    bench.put("model.safetensors.index.json", b'{"weight_map": {"a": "model-1.safetensors"}}')
    assert "lacks model-1.safetensors" in pod.gate(where).stderr
    bench.put("model-1.safetensors", b"x")
    assert pod.gate(where).returncode == 0


def test_a_storage_server_that_is_away_is_waited_for(bench: Bench, pod: Pod, proxied: Any) -> None:
    assert bench.publish() == 0
    proxy: Proxy = proxied(bench.server)
    proxy.faults = [Fault(when=lambda method, path: True, times=2, status=503), Fault(when=lambda method, path: True, refused=True)]
    pod.storage = proxy.url
    done = pod.gate(f"complete={bench.target}", WAIT_SECONDS="30")
    assert done.returncode == 0 and "waiting: 503 for " in done.stdout and proxy.met == 3


def test_reads_that_are_cut_go_on_where_they_ended(bench: Bench, pod: Pod, tmp_path: Path, proxied: Any) -> None:
    assert bench.publish() == 0
    proxy: Proxy = proxied(bench.server)
    proxy.faults = [Fault(when=lambda method, path: "safetensors?" in path, times=3, cut=70_000)]
    pod.storage = proxy.url
    done = pod.run("hydrate.py", bench.target, str(tmp_path / "volume"), READERS="1")
    assert done.returncode == 0 and proxy.met == 3, done.stderr
    assert pod.gate(f"complete={tmp_path / 'volume'}").returncode == 0


def test_a_volume_is_filled_whole_and_once(bench: Bench, pod: Pod, tmp_path: Path) -> None:
    assert bench.publish() == 0
    target = tmp_path / "volume" / "acme"
    done = pod.run("hydrate.py", bench.target, str(target))
    assert done.returncode == 0, done.stderr
    for name, file in json.loads((target / "inferspec-manifest.json").read_text())["files"].items():
        assert (target / name).read_bytes() == bench.files[name] and file["bytes"] == len(bench.files[name])
    assert not list(target.rglob("*.part"))
    assert pod.gate(f"complete={target}").returncode == 0
    again = pod.run("hydrate.py", bench.target, str(target))
    assert again.stdout == f"{target} is complete\n"
    (target / "config.json").unlink()
    assert "config.json has no bytes" in pod.gate(f"complete={target}").stderr


def test_a_filling_that_was_cut_goes_on(bench: Bench, pod: Pod, tmp_path: Path) -> None:
    assert bench.publish() == 0
    target, name = tmp_path / "volume", "model-00001-of-00002.safetensors"
    target.mkdir()
    (target / f"{name}.part").write_bytes(bench.files[name][:1000])
    assert pod.gate(f"complete={target}").returncode == 1, "half a volume has no manifest"
    assert pod.run("hydrate.py", bench.target, str(target)).returncode == 0
    assert (target / name).read_bytes() == bench.files[name]


def test_what_was_changed_in_between_is_not_taken(bench: Bench, pod: Pod, tmp_path: Path) -> None:
    assert bench.publish() == 0
    target, name = tmp_path / "volume", "model-00001-of-00002.safetensors"
    bench.put(name, b"?" * len(bench.files[name]))
    done = pod.run("hydrate.py", bench.target, str(target))
    assert done.returncode == 1 and "its sha256 differs" in done.stderr
    assert not (target / name).exists() and not (target / "inferspec-manifest.json").exists()


def test_a_volume_waits_for_the_bucket(bench: Bench, pod: Pod, tmp_path: Path) -> None:
    done = pod.run("hydrate.py", bench.target, str(tmp_path / "volume"))
    assert done.returncode == 1 and done.stderr.startswith("gave up after 0.2 s: 404 for ")


@pytest.fixture
def hydrate(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(HERE))
    monkeypatch.setenv("NAMESPACE", "chat-llm")
    monkeypatch.setenv("PERIOD_SECONDS", "0.01")
    import importlib

    return importlib.reload(importlib.import_module("hydrate"))


def test_the_snapshot_is_made_once_and_waited_for(hydrate: Any) -> None:
    calls: list[tuple[str, str]] = []

    def call(method: str, path: str, body: Any = None) -> Any:
        calls.append((method, path))
        if method == "POST" and len(calls) > 1:
            raise urllib.error.HTTPError(path, 409, "exists", {}, None)  # type: ignore[arg-type]
        return {"status": {"readyToUse": len(calls) > 3}}

    hydrate.kept("qwen-1", "volumes-disks", "qwen-1-fill", call)
    base = "/apis/snapshot.storage.k8s.io/v1/namespaces/chat-llm/volumesnapshots"
    assert calls == [("POST", base), *[("GET", f"{base}/qwen-1")] * 3]
    hydrate.kept("qwen-1", "volumes-disks", "qwen-1-fill", call)


REPOSITORIES = {
    "duplicates": ["config.json", "model.safetensors", "original/model.safetensors", "metal/model.bin", "pytorch_model.bin", "a/b.gguf"],
    "weights of torch": ["config.json", "pytorch_model.bin", "original/params.pth"],
    "names that look like patterns": ["config.json", "model[1].safetensors", "model1.safetensors", "x.onnx"],
}


@pytest.mark.parametrize("name", REPOSITORIES)
def test_the_script_downloads_what_the_publisher_publishes(name: str, hub: Hub, tmp_path: Path) -> None:
    files = {file: f"{file} {name}".encode() for file in REPOSITORIES[name]}
    revision = hub.add("Acme/Tiny", files)
    store = tmp_path / "store"
    text = programs.source("download.py").replace('"/store"', repr(str(store))).replace('"/scratch/model"', repr(str(tmp_path / "scratch")))
    said = {"MODEL_REPOSITORY": "Acme/Tiny", "MODEL_REVISION": revision, "MODEL_PREFIX": "tiny", "MANIFEST": MANIFEST}
    ran = {"HF_ENDPOINT": hub.url, "HF_HUB_DISABLE_XET": "1", "HOME": str(tmp_path), "PATH": os.environ["PATH"]}
    done = subprocess.run([sys.executable, "-c", text], env={**ran, **said}, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    wanted = {file.name for file in chosen([SourceFile(file, 1) for file in files], (), (), all_formats=False)}
    there = {path.relative_to(store / "tiny").as_posix(): path.read_bytes() for path in (store / "tiny").rglob("*") if path.is_file()}
    manifest = json.loads(there.pop(MANIFEST))
    assert there == {file: files[file] for file in wanted} and set(manifest["files"]) == wanted
