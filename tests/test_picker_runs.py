"""The endpoint picker of gie-1.5 itself, v1.5.0, with what is emitted for it: arguments, configuration, rights, and the series it shows.

It speaks to the real API server as its own service account, and reads a metrics page that has the engine's series.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from inferspec.catalog import catalogue
from inferspec.emit.tree import cluster_objects

from tests import line
from tests.controlplane import ControlPlane, free_ports
from tests.webserver import Handler, serving

pytestmark = pytest.mark.controlplane

NAMESPACE = "picker-runs"
SERVER = f"127.77.{os.getpid() // 250 % 250}.{os.getpid() % 250 + 1}"
"""Address of the one Pod of the pool: its page is served here, at the port of the pool. Tests that run side by side have others."""
FLOW = {"flowControl": {"ttl": "30s", "maxRequests": 100, "fairness": "round-robin"}, "saturation": {"queueDepth": 3, "kvCache": 70}}
SHOWN = {"queue-depth": 7.0, "running": 3.0, "kv-cache-usage": 0.25}
"""Metric -> what the server's page says."""


def manifests(picker: dict[str, Any] | None = None, **more: Any) -> dict[str, dict[str, Any]]:
    """Kind/name -> manifest of the quickstart, in a namespace of this test's own."""
    spec = line.data("quickstart") | more
    spec["teams"]["assistants"]["namespace"] = NAMESPACE
    if picker is not None:
        spec["serving"]["chat"]["picker"] = picker
    plan = line.planned(line.written(spec))
    (cluster,) = plan.clusters
    return {f"{i.kind}/{i.name}": tree for part in cluster_objects(plan, cluster).values() for i, tree in part.items()}


def page() -> str:
    """What a server of the quickstart's engine version would show."""
    row = catalogue().engine("vllm")
    version = str(catalogue().stack("gie-1.5").engine_version("vllm", "gpu"))
    found = [(metric.series, value) for id, value in SHOWN.items() if (metric := row.metric(id, version)) is not None]
    assert len(found) == len(SHOWN)
    return "".join(f'# TYPE {series} gauge\n{series}{{model_name="gemma-3-1b"}} {value}\n' for series, value in found)


class Page(Handler):
    def do_GET(self) -> None:
        self.say(200, page().encode(), {"Content-Type": "text/plain; version=0.0.4"})


def pod(labels: dict[str, str], plane: ControlPlane) -> None:
    """A Pod that runs, as a kubelet would say it: the API server takes its status from whoever may write it."""
    container = {"name": "server", "image": "none"}
    tree = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "chat-0", "namespace": NAMESPACE, "labels": labels}}
    plane.apply({**tree, "spec": {"containers": [container], "automountServiceAccountToken": False}}, dry_run=False)
    ready = {"type": "Ready", "status": "True"}
    status = {"status": {"phase": "Running", "podIP": SERVER, "podIPs": [{"ip": SERVER}], "conditions": [ready]}}
    plane.request("PATCH", f"/api/v1/namespaces/{NAMESPACE}/pods/chat-0/status", status, "application/merge-patch+json")


def kubeconfig(plane: ControlPlane, account: str, folder: Path) -> Path:
    """As the service account itself: what the emitted Role does not give, it does not have."""
    asked = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 3600}}
    path = f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts/{account}/token"
    told = json.loads(plane.kubeconfig.read_text())
    told["users"][0]["user"] = {"token": plane.request("POST", path, asked)["status"]["token"]}
    (folder / "kubeconfig").write_text(json.dumps(told))
    return folder / "kubeconfig"


@contextmanager
def running(
    plane: ControlPlane, made: dict[str, dict[str, Any]], programs: Path, folder: Path
) -> Iterator[tuple[subprocess.Popen[bytes], int, Path]]:
    """The picker with the emitted arguments, less what this machine has otherwise: ports, and where the configuration stands."""
    plane.ensure_namespace(NAMESPACE)
    for wanted in ("ServiceAccount/chat-picker", "Role/chat-picker", "RoleBinding/chat-picker", "InferencePool/chat",
                   "InferenceObjective/chat-interactive"):  # fmt: skip
        plane.apply(made[wanted], dry_run=False)
    (text,) = made["ConfigMap/chat-picker"]["data"].values()
    (folder / "config.yaml").write_text(text)
    (container,) = made["Deployment/chat-picker"]["spec"]["template"]["spec"]["containers"]
    grpc, health, metrics = free_ports(3)
    own = {"--config-file": folder / "config.yaml", "--grpc-port": grpc, "--grpc-health-port": health, "--metrics-port": metrics}
    said = dict(argument.split("=", 1) for argument in container["args"])
    arguments = [f"{flag}={value}" for flag, value in {**said, **own}.items()]
    environment = {entry["name"]: entry["value"] for entry in container["env"]}
    log = folder / "log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [programs / "epp", *arguments],
            env={**environment, "KUBECONFIG": str(kubeconfig(plane, "chat-picker", folder)), "HOME": str(folder)},
            stdout=out, stderr=out, cwd=folder,
        )  # fmt: skip
    try:
        yield process, metrics, log
    finally:
        process.kill()
        process.wait()


def shown(port: int) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/metrics")
        return connection.getresponse().read().decode()
    except OSError:
        return ""
    finally:
        connection.close()


@pytest.mark.parametrize("picker", [None, {"preset": "prefix-heavy"}, FLOW], ids=["balanced", "prefix-heavy", "flow-control"])
def test_it_starts_reads_its_servers_and_shows_the_series_we_name(
    control_plane: ControlPlane, real_programs: Path, tmp_path: Path, picker: dict[str, Any] | None
) -> None:
    made, rows = manifests(picker), catalogue().stack("gie-1.5").metrics
    wanted = {rows[id]["series"]: value for id, value in {**SHOWN, "ready": 1.0}.items()}
    with serving(Page, (SERVER, 8000)), running(control_plane, made, real_programs, tmp_path) as (process, port, log):
        pod(made["InferencePool/chat"]["spec"]["selector"]["matchLabels"], control_plane)
        end, found = time.monotonic() + 60, dict[str, float]()
        while time.monotonic() < end and process.poll() is None and found != wanted:
            time.sleep(0.1)
            said = re.findall(r'(?m)^(\w+)\{name="chat"\} (\S+)$', shown(port))
            found = {series: float(value) for series, value in said if series in wanted}
        told = log.read_text(errors="replace")
        assert found == wanted, told[-4000:]
        assert "forbidden" not in told


def test_it_takes_the_collector_and_the_share_that_are_emitted(control_plane: ControlPlane, real_programs: Path, tmp_path: Path) -> None:
    made = manifests(observability={"traces": {"collector": "http://otel.observability.svc:4317", "sample": 5}})
    with running(control_plane, made, real_programs, tmp_path) as (process, _, log):
        told, end = "", time.monotonic() + 60
        while time.monotonic() < end and process.poll() is None and "trace exporter" not in told:
            time.sleep(0.1)
            told = log.read_text(errors="replace")
    (line_,) = [entry for entry in map(json.loads, told.splitlines()) if "trace exporter" in entry.get("msg", "")]
    assert line_["type"] == "otlp", "it writes spans into its own log otherwise"
    assert "unsupported sampler" not in told and "trace error" not in told


def test_without_a_right_of_its_role_it_sees_no_pool(control_plane: ControlPlane, real_programs: Path, tmp_path: Path) -> None:
    made = manifests()
    rules = made["Role/chat-picker"]["rules"]
    made["Role/chat-picker"]["rules"] = [rule for rule in rules if "inferencepools" not in rule["resources"]]
    assert len(made["Role/chat-picker"]["rules"]) < len(rules)
    with running(control_plane, made, real_programs, tmp_path) as (process, _, log):
        told, end = "", time.monotonic() + 60
        while time.monotonic() < end and process.poll() is None and "forbidden" not in told:
            time.sleep(0.1)
            told = log.read_text(errors="replace")
    assert "inferencepools" in told and "forbidden" in told


@pytest.mark.parametrize("fault", ["type: queue-scorer", "pluginRef: queue-scorer"])
def test_with_a_fault_in_its_configuration_it_ends(control_plane: ControlPlane, real_programs: Path, tmp_path: Path, fault: str) -> None:
    made = manifests()
    ((key, text),) = made["ConfigMap/chat-picker"]["data"].items()
    assert fault in text
    made["ConfigMap/chat-picker"]["data"] = {key: text.replace(fault, fault.replace("queue", "cue"))}
    with running(control_plane, made, real_programs, tmp_path) as (process, _, log):
        assert process.wait(60) != 0
        assert "cue-scorer" in log.read_text(errors="replace")
