"""The platform of N clusters that inferspec compiles in the bench."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from peer_forms import put
from peer_objects import REGIONS

_HEAD = """\
apiVersion: inferspec/v1alpha1
kind: Platform
name: fleet

projects:
{projects}

teams:
  assistants: {{namespace: assistants}}
  search: {{namespace: search}}

storage:
  weights:
    read: gcs-fuse
    buckets:
{buckets}

models:
  qwen3-32b:
    source: hf://Qwen/Qwen3-32B
    versions: {{v1: 9216db5781bf21249d130ec9da846c4624c16137}}
    store: weights
  qwen3-8b:
    source: hf://Qwen/Qwen3-8B
    versions: {{v1: b968826d9c46dd6066d109eabc6255188de91218}}
    store: weights

capacityClasses:
  h100: {{shape: a3-highgpu-8g, burst: [on-demand, spot]}}
  h100-mega: {{shape: a3-megagpu-8g, burst: [on-demand, spot]}}
  h100-half: {{shape: a3-highgpu-4g, baseline: [{{reservation: half}}], burst: [spot]}}
  h100-small: {{shape: a3-highgpu-1g, baseline: [{{reservation: small}}], burst: [spot]}}

objectives: {{interactive: 10}}

gateways:
  internal: {{class: regional-internal, where: all, host: llm.acme.example, tls: {{certificate: llm}}, timeout: 20m}}

delivery:
  configSync: {{repo: https://git.acme.example/platform.git, branch: main, auth: token, secretRef: git-creds}}
  waves:
    - {{where: {{stage: canary}}, revision: v1.1.0}}
    - {{where: all, revision: v1.0.0}}

serving:
  chat:
    team: assistants
    model: qwen3-32b@v1
    engine: vllm
    maxModelLen: 16384
    scale: {{min: 2, max: 4, metric: queue-depth, target: 8}}
    variants:
{variants}
    expose: [{{gateway: internal, as: qwen3-32b, objective: interactive}}]
    overrides:
{overrides}
  embed:
    team: search
    model: qwen3-8b@v1
    engine: vllm
    capacity: h100-small
    where: all
    maxModelLen: 8192
    scale: {{min: 2, max: 3, metric: queue-depth, target: 8}}
    callers: [assistants]
    overrides:
{small}

regions:
"""
_REGION = """\
  {region}:
    proxySubnet: 10.{number}.0.0/23
    reservations:
      half: {{name: half, zone: {zone}, shape: a3-highgpu-4g, nodes: 400}}
      small: {{name: small, zone: {zone}, shape: a3-highgpu-1g, nodes: 2000}}
    clusters:
"""
_CLUSTER = """\
      {name}:
        project: p{project}
        mode: autopilot
        stage: {stage}
        labels: {{class: {kind}, engine: e{engine}, size: s{size}}}
        gke: {{channel: regular, minVersion: 1.34.1-gke.1127000}}
        addons: [custom-metrics-adapter, inference-objective]
"""
_CLASSES = ("h100", "h100-mega", "h100-half")
_ZONES = {"us-central1": "a, b, c", "europe-west4": "b, c", "asia-northeast1": "b", "us-east5": "a", "us-west1": "a, b"}
OWN = 20
"""One cluster in so many has an override of its own."""


def spec(clusters: int, *, own_max: int = 6, seqs: int = 64) -> str:
    """The platform. ``own_max`` is a leaf of the first cluster alone, ``seqs`` one of all clusters that serve chat."""
    buckets = "".join(f"      {region}: acme-models-{region}\n" for region in REGIONS)
    variants = "".join(f"      {name}: {{capacity: {name}, where: {{label: {{class: {name}}}}}}}\n" for name in _CLASSES)
    text = _HEAD.format(
        projects="".join(f"  p{n}: {{id: acme-inference-{n}, number: {123456789000 + n}}}\n" for n in range(7)).rstrip("\n"),
        buckets=buckets.rstrip("\n"),
        variants=variants.rstrip("\n"),
        overrides="\n".join(_overrides(clusters, own_max, seqs)),
        small="\n".join(f"      - {{where: {{label: {{size: s{n}}}}}, scale: {{max: {4 + n}}}}}" for n in range(1, 5)),
    )
    for number, region in enumerate(REGIONS):
        text += _REGION.format(region=region, number=129 + number, zone=_ZONES[region][0])
        text += "".join(_cluster(i, region) for i in range(number, clusters, 5))
    return text


def _overrides(clusters: int, own_max: int, seqs: int) -> Iterator[str]:
    yield f"      - {{where: all, flags: {{max-num-seqs: {seqs}}}}}"
    yield "      - {where: {stage: canary}, env: {VLLM_LOGGING_LEVEL: DEBUG}}"
    for n in range(1, 4):
        yield f"      - {{where: {{label: {{engine: e{n}}}}}, flags: {{max-num-batched-tokens: {4096 * 2**n}}}}}"
    for n in range(1, 5):
        yield f"      - {{where: {{label: {{size: s{n}}}}}, scale: {{max: {4 + n}}}}}"
    for i in range(0, clusters, OWN):
        yield f"      - {{where: {{cluster: c{i:05d}}}, scale: {{max: {own_max if i == 0 else 10 + i % 13}}}}}"


def _cluster(i: int, region: str) -> str:
    return _CLUSTER.format(
        name=f"c{i:05d}",
        project=i % 7,
        stage="canary" if i % 50 < 2 else "prod",
        kind=_CLASSES[i % 3],
        engine=i % 4,
        size=i % 5,
    )


def write_spec(root: Path, clusters: int, **leaves: int) -> None:
    put(root / "specs/fleet.yaml", spec(clusters, **leaves))
