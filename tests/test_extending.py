"""What it takes to add something: a row, a file, a few lines of the spec, and nothing else."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from inferspec.diagnostics import Severity
from inferspec.pipeline import Request, vet
from inferspec.plan.fleet import plan

from tests import line

BY = 'source: measured, asOf: "2026-11-01"'
COMMIT = "9216db5781bf21249d130ec9da846c4624c16137"
SERVICE = """
  new:
    {team: assistants, model: MODEL, engine: ENGINE, capacity: l4, where: all, scale: {min: 1, max: 1}}
"""


def servers(folder: Path, spec: str, rows: dict[str, str] | None = None) -> dict[str, Any]:
    """The server container of each Deployment, by name; the spec must have no error."""
    (folder / "specs").mkdir()
    (folder / "specs/platform.yaml").write_text(spec)
    for name, text in (rows or {}).items():
        (folder / "catalog" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "catalog" / name).write_text(text)
    outcome = vet(Request(folder / "specs/platform.yaml", folder, date(2026, 11, 21)))
    assert not [d for d in outcome.diagnostics if d.severity is Severity.ERROR], outcome.diagnostics
    assert outcome.fleet is not None
    made, problems = plan(outcome.fleet)
    assert not problems
    objects = [o for facet in made.facets.values() for o in facet.base if o.identity.kind == "Deployment"]
    return {o.identity.name: o.tree()["spec"]["template"]["spec"]["containers"][0] for o in objects}


def with_service(model: str, engine: str) -> str:
    text = line.text("quickstart")
    return text.replace("objectives:", SERVICE.replace("MODEL", model).replace("ENGINE", engine).lstrip("\n") + "objectives:", 1)


def test_a_preset_is_a_row(tmp_path: Path) -> None:
    row = f"""rows:
- {{id: llama-box, {BY}, repositories: {{gpu: registry.acme.example/llama-box}}, port: 9000, healthPath: /ready,
    flags: {{model: {{name: --weights, owned: true}}, port: {{name: --listen, owned: true}}}},
    versions: [{{version: "1.2.0", images: {{gpu: v1.2.0}}}}]}}
"""
    made = servers(tmp_path, with_service("gemma-3-1b@v1", "llama-box"), {"presets.yaml": row})["new"]
    assert made["image"] == "registry.acme.example/llama-box:v1.2.0"
    assert made["args"] == ["--weights=/models/gemma-3-1b", "--listen=9000"]
    assert made["readinessProbe"]["httpGet"]["path"] == "/ready"


def test_an_engine_is_one_file(tmp_path: Path) -> None:
    text = f"""kind: engine
id: own
{BY.replace(", ", chr(10))}
repositories: {{gpu: registry.acme.example/own}}
command: [own, serve]
port: 8000
healthPath: /health
switches: "no-"
flags: {{model: {{name: --model, owned: true}}, maxModelLen: {{name: --context, owned: true}}, graphs: {{name: --graphs, value: false}}}}
versions: [{{version: "2.0.0", images: {{gpu: v2.0.0}}}}]
"""
    made = servers(tmp_path, with_service("gemma-3-1b@v1", "own@2.0.0"), {"engines/own.yaml": text})["new"]
    assert made["command"] == ["own", "serve"]
    assert made["args"] == ["--model=/models/gemma-3-1b", "--context=32768", "--no-graphs"]


def test_a_model_is_a_row(tmp_path: Path) -> None:
    row = f"""rows:
- {{id: acme-1b, huggingFace: acme/acme-1b, kind: llm, params: 1000000000, layers: 16, hiddenSize: 2048, heads: 16, kvHeads: 4,
    headDim: 128, contextLength: 16384, dtype: bfloat16, {BY}}}
"""
    model = "  acme:\n    {source: hf://acme/acme-1b, versions: {v1: dcc83ea841ab6100d6b47a070329e1ba4cf78752}, store: weights}\n"
    spec = with_service("acme@v1", "vllm").replace("models:\n", "models:\n" + model, 1)
    made = servers(tmp_path, spec, {"models.yaml": row})["new"]
    assert "--max-model-len=16384" in made["args"]


def test_an_accelerator_is_a_row_and_its_machine_another(tmp_path: Path) -> None:
    accelerator = f"""rows:
- {{id: x1, kind: gpu, nodeLabel: nvidia-x1, computeClassType: nvidia-x1, family: x1, arch: amd64, memoryGiB: 48, bandwidthGBps: 900,
    sm: 90, dtypes: [bf16, fp16, fp8], tflops: {{bf16: 400}}, bootDisks: [hyperdisk-balanced], quota: {{onDemand: NVIDIA_X1_GPUS}}, {BY}}}
"""
    machine = f"rows:\n- {{id: x1-standard-16, accelerator: x1, chips: 1, vcpu: 16, memoryGiB: 64, consumption: [on-demand, spot], {BY}}}\n"
    spec = line.text("quickstart").replace("shape: g2-standard-8", "shape: x1-standard-16")
    made = servers(tmp_path, spec, {"accelerators.yaml": accelerator, "machines.yaml": machine})["chat"]
    assert made["resources"]["limits"]["nvidia.com/gpu"] == 1


@pytest.mark.parametrize(
    ("added", "name"),
    [
        (
            {
                "models": "  qwen: {source: hf://Qwen/Qwen3-32B, versions: {v1: " + COMMIT + "}, store: weights}\n",
                "capacityClasses": "  v6e: {shape: ct6e-standard-8t, topology: 2x4, burst: [on-demand]}\n",
                "serving": "  qwen: {team: assistants, model: qwen@v1, engine: vllm, capacity: v6e, where: all}\n",
            },
            "qwen",
        ),
        (
            {
                "models": "  oss: {source: hf://openai/gpt-oss-20b, versions: {v1: " + COMMIT + "}, store: weights}\n",
                "capacityClasses": "  l4-x2: {shape: g2-standard-24, burst: [on-demand]}\n",
                "serving": "  oss:\n    {team: assistants, model: oss@v1, engine: vllm, capacity: l4-x2, where: all}\n",
            },
            "oss",
        ),
    ],
)
def test_a_model_on_another_accelerator_takes_six_lines(tmp_path: Path, added: dict[str, str], name: str) -> None:
    spec = line.text("quickstart")
    for section, text in added.items():
        spec = spec.replace(f"\n{section}:\n", f"\n{section}:\n{text}", 1)
    assert len(spec.splitlines()) - len(line.text("quickstart").splitlines()) <= 6
    assert name in servers(tmp_path, spec)


def test_editors_are_offered_what_the_catalogue_has() -> None:
    from inferspec.cli.schema import document

    defs = document()["$defs"]
    assert "vllm" in defs["Service"]["properties"]["engine"]["examples"]
    shapes = defs["CapacityClass"]["properties"]["shape"]["anyOf"][0]["examples"]
    assert {"ct6e-standard-8t", "a3-highgpu-1g"} <= set(shapes)
    assert "hf://Qwen/Qwen3-32B" in defs["Model"]["properties"]["source"]["examples"]
