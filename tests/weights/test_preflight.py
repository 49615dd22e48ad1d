"""``preflight`` as a command. The cloud is a stand-in (tests/cloud.py), but where a test says that objects are on a real server."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from inferspec.plan.terraform import variables
from inferspec.preflight.listing import prerequisites
from inferspec.preflight.needs import needs

from tests import line
from tests.cloud import Cloud, sound
from tests.weights.conftest import Bench, ask

SPEC = line.text("platform")


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    with sound(line.fleet("platform")).up() as made:
        yield made


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    (tmp_path / "specs/teams").mkdir(parents=True)
    for path in (line.ROOT / "specs").rglob("*.yaml"):
        (tmp_path / "specs" / path.relative_to(line.ROOT / "specs")).parent.mkdir(exist_ok=True)
        (tmp_path / "specs" / path.relative_to(line.ROOT / "specs")).write_bytes(path.read_bytes())
    return tmp_path


def preflight(repository: Path, cloud: Cloud | None, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = cloud.environment() if cloud else {"NO_GCE_CHECK": "true", "GOOGLE_APPLICATION_CREDENTIALS": ""}
    return line.inferspec("preflight", "-f", "specs/platform.yaml", *arguments, cwd=repository, environment=environment)


def test_a_sound_cloud_has_no_errors_and_is_only_read(repository: Path, cloud: Cloud) -> None:
    """Clusters of two regions read the adapters' one bucket: that is all there is to say."""
    done = preflight(repository, cloud)
    assert done.returncode == 0, done.stdout + done.stderr
    table = done.stdout.partition("\n\n")[0].splitlines()[1:]
    assert {row.split()[0] for row in table} == {"bucket", "model", "secret", "reservation"}
    assert [row.split()[1:3] for row in table if row.split()[2] != "ok"] == [["acme-adapters", "warning"]]
    assert done.stderr == f"preflight: {len(table)} things looked at, 0 errors\n"
    assert cloud.asked and all(asked.startswith("GET ") for asked in cloud.asked)


def test_everything_the_fleet_needs_is_asked_for(repository: Path, cloud: Cloud) -> None:
    fleet = line.fleet("platform")
    assert preflight(repository, cloud).returncode == 0
    wanted = needs(fleet, fleet.places)
    assert {bucket["name"] for place in fleet.places for bucket in variables(fleet, place)["buckets"]} <= set(wanted.buckets)
    for name in wanted.buckets:
        assert f"GET /storage/v1/b/{name}" in cloud.asked
    listed = [asked for asked in cloud.asked if asked.endswith("/o")]
    assert len(listed) == len(wanted.models) > 7


def test_findings_point_at_the_spec_and_fail_the_run(repository: Path, cloud: Cloud) -> None:
    cloud.edit("/storage/v1/b/acme-models-usc1", ["location"], "ASIA")
    done = preflight(repository, cloud)
    assert done.returncode == 1
    number = next(i for i, text in enumerate(SPEC.splitlines(), 1) if "buckets: {us-central1: acme-models-usc1" in text)
    assert "error[STO202]: bucket acme-models-usc1 is in asia, us-central1 reads it" in done.stdout
    assert f"--> specs/platform.yaml:{number}:" in done.stdout
    assert "bucket" in done.stdout and " error " in done.stdout


def test_json_has_checks_and_diagnostics(repository: Path, cloud: Cloud) -> None:
    cloud.edit("/storage/v1/b/acme-models-usc1", ["softDeletePolicy", "retentionDurationSeconds"], "604800")
    done = preflight(repository, cloud, "--format", "json")
    assert done.returncode == 0, "a warning does not fail the run"
    said = json.loads(done.stdout)
    assert "STO206" in [d["code"] for d in said["diagnostics"]] and said["counts"]["error"] == 0
    assert {"kind": "bucket", "what": "acme-models-usc1", "state": "warning"}.items() <= next(
        c for c in said["checks"] if c["what"] == "acme-models-usc1"
    ).items()


def test_a_bucket_that_is_not_there_says_so_once(repository: Path, cloud: Cloud) -> None:
    """Its models are not asked for: they would all say the same."""
    cloud.edit("/storage/v1/b/acme-models-usc1", [], None)
    done = preflight(repository, cloud, "--format", "json")
    said = json.loads(done.stdout)
    assert [d["code"] for d in said["diagnostics"] if d["severity"] == "error"] == ["STO201"]
    assert any(check["state"] == "not asked: no bucket" for check in said["checks"])
    assert not any(asked.endswith("/b/acme-models-usc1/o") for asked in cloud.asked)


def test_what_may_not_be_seen_is_told_apart_from_what_is_not_there(repository: Path, cloud: Cloud) -> None:
    cloud.failing["/b/acme-models-usc1"] = 403
    assert "this identity may not see it, if it exists (403)" in preflight(repository, cloud).stdout


def test_only_some_clusters(repository: Path, cloud: Cloud) -> None:
    done = preflight(repository, cloud, "--only", "euw4-prod")
    assert done.returncode == 0 and "acme-models-usc1/" not in done.stdout and "usc1-prod" not in done.stdout
    done = preflight(repository, cloud, "--only", "euw4-prodd")
    assert done.returncode == 3 and "did you mean euw4-prod?" in done.stderr


def test_a_busy_api_is_asked_again_and_a_dead_one_is_not_a_finding(repository: Path, cloud: Cloud) -> None:
    cloud.failing["/reservations/"] = 503
    done = preflight(repository, cloud)
    assert done.returncode == 4 and "answers 503; given up after 6 attempts" in done.stderr and done.stdout == ""
    cloud.failing["/reservations/"] = 401
    done = preflight(repository, cloud)
    assert done.returncode == 4 and "credentials do not work" in done.stderr


def test_without_credentials_one_message(repository: Path) -> None:
    done = preflight(repository, None)
    assert done.returncode == 4 and done.stdout == ""
    assert done.stderr.count("\n") == 1 and "there are no Google Cloud credentials" in done.stderr


def test_a_spec_with_errors_is_reported_and_nothing_asked(repository: Path, cloud: Cloud) -> None:
    (repository / "specs/platform.yaml").write_text(SPEC.replace("read: gcs-fuse", "read: gcs-fues", 1), encoding="utf-8")
    done = preflight(repository, cloud)
    assert done.returncode == 1 and "gcs-fues" in done.stdout and cloud.asked == []


def test_the_list_is_made_offline_and_has_what_terraform_gets(repository: Path) -> None:
    done = preflight(repository, None, "--list", "--format", "json")
    assert done.returncode == 0, done.stderr
    fleet = line.fleet("platform")
    for place, said in zip(fleet.places, json.loads(done.stdout), strict=True):
        told = variables(fleet, place)
        assert said["cluster"] == place.name and said["certificates"] == told["certificates"]
        assert {b["name"]: b["location"] for b in said["buckets"]}.items() >= {b["name"]: b["location"] for b in told["buckets"]}.items()
        scaled = [grant for grant in said["grants"] if grant["role"] == "roles/monitoring.viewer"]
        assert len(said["grants"]) - len(scaled) == len(told["bucket_grants"]) + len(told["secret_grants"])
        assert len(scaled) == any(fleet.is_scaled_by("hpa", key, place) for key in fleet.workload_keys)
    text = preflight(repository, None, "--list", "--only", "usc1-prod").stdout
    assert text.startswith("usc1-prod: us-central1, project acme-inference-prod\n  bucket       gs://acme-adapters, which stands already\n")
    assert "  reservation  acme-h100-chat of 6 a3-highgpu-1g in us-central1-a, project acme-inference-prod\n" in text
    assert "/subject/ns/assist-llm/sa/chat-gpu\n" in text and "  certificate  llm" in text


def test_the_list_names_what_people_set_up_beside_terraform(repository: Path) -> None:
    """Who asks for the series that servers scale on, the zone of a gateway's host, the template that screens its requests."""
    fleet = line.fleet("scaling")
    for place in fleet.places:
        grants = prerequisites(fleet, place)["grants"]
        said = {grant["to"].split("/subject/")[1] for grant in grants if grant["role"] == "roles/monitoring.viewer"}
        by = {fleet.workload_at(key, place).scaled_by for key in fleet.workload_keys if fleet.is_placed(key, place)}
        readers = {"hpa": "ns/custom-metrics/sa/custom-metrics-stackdriver-adapter", "keda": "ns/keda/sa/keda-operator"}
        assert said == {readers[one] for one in by if one}, place.name
    fleet = line.fleet("managed")
    images = {place.name: prerequisites(line.fleet("capacity"), place)["diskImages"] for place in line.fleet("capacity").places}
    assert images == {name: ["projects/acme-prod/global/images/acme-images"] for name in ("usc1-prod", "euw4-prod")}
    templates = [name for place in fleet.places for name in prerequisites(fleet, place)["modelArmorTemplates"]]
    assert templates and all(name.startswith("projects/acme-") and "/templates/" in name for name in templates)
    keys = {place.name: prerequisites(fleet, place) for place in fleet.places}
    named = (("us-central1", "secrets"), ("us", "nodes"), ("us-central1", "weights"))
    ring = [f"projects/acme-keys/locations/{at}/keyRings/gke/cryptoKeys/{key}" for at, key in named]
    services = "container-engine-robot", "compute-system", "gs-project-accounts"
    agents = [f"serviceAccount:service-123456789012@{of}.iam.gserviceaccount.com" for of in services]
    held = [{"role": "roles/cloudkms.cryptoKeyEncrypterDecrypter", "on": key, "to": to} for key, to in zip(ring, agents, strict=True)]
    assert [grant for grant in keys["usc1-a"]["grants"] if "cloudkms" in grant["role"]] == held
    assert keys["usc1-a"]["keys"] == sorted(ring) and keys["euw4-a"]["keys"] == []
    done = preflight(repository, None, "--list", "--only", "usc1-prod")
    assert "  zone         projects/acme-inference-prod/managedZones/llm-acme-internal (Cloud DNS)\n" in done.stdout


def test_a_model_is_found_on_a_real_server(bench: Bench, repository: Path, cloud: Cloud) -> None:
    """Published by `models publish` to fake-gcs-server; what fake-gcs-server says of the bucket is not judged here."""
    bench.revision = bench.hub.add("google/gemma-3-1b-it", bench.files)
    spec = line.text("quickstart").replace("dcc83ea841ab6100d6b47a070329e1ba4cf78752", bench.revision)
    spec = spec.replace("acme-inference-models", bench.bucket)
    (repository / "specs/quickstart.yaml").write_text(spec, encoding="utf-8")
    target = f"gs://{bench.bucket}/google/gemma-3-1b-it/{bench.revision}"

    def found() -> list[str]:
        environment = cloud.environment() | {"STORAGE_EMULATOR_HOST": bench.server}
        done = line.inferspec(
            "preflight", "-f", "specs/quickstart.yaml", "--format", "json", cwd=repository, environment=environment
        )  # fmt: skip
        return [d["code"] for d in json.loads(done.stdout)["diagnostics"] if d["code"] in ("STO201", "STO207", "STO208")]

    assert found() == ["STO207"]
    assert bench.publish("--source", "hf://google/gemma-3-1b-it", "--to", target) == 0, bench.err
    assert found() == []
    key = quote(f"google/gemma-3-1b-it/{bench.revision}/config.json", safe="")
    assert ask(bench.server, "DELETE", f"/storage/v1/b/{bench.bucket}/o/{key}")[0] == 200
    assert found() == ["STO208"]
