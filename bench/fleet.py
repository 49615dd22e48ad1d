"""The fleets of the bench: N clusters for the peers, in each tool's own form, and a platform of N clusters for inferspec.

    python bench/fleet.py peers  DIR [CLUSTERS]    DIR/helm, DIR/kustomize, DIR/jsonnet
    python bench/fleet.py spec   DIR [CLUSTERS]    DIR/specs/fleet.yaml

The peers' cluster is 25 objects with 52 values from 14 fields. One description, with a mark wherever a value of the cluster
stands, gives the content of every tool, so the tools do the same work; `measure` says what it amounts to.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml

REGIONS = ("us-central1", "europe-west4", "asia-northeast1", "us-east5", "us-west1")
EXPECTED = {"objects": 25, "patched objects": 15, "values": 52}
Values = dict[str, Any]
_MARK = re.compile(r"XX([a-z]+)XX")


class _Dumper(yaml.SafeDumper):
    """Block style as `kubectl` and kustomize write it; the C dumper would give the same bytes."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def dump(tree: Any) -> str:
    return yaml.dump(tree, Dumper=_Dumper, sort_keys=False, width=1 << 20)


# -- the peers' fleet --------------------------------------------------------------------------------------------------------


def fields(i: int) -> Values:
    """The 14 fields of cluster ``i``."""
    region = REGIONS[i % 5]
    cluster = f"c{i:05d}"
    return {
        "cluster": cluster,
        "region": region,
        "bucket": f"models-{region}-{i % 11}",
        "host": f"{cluster}.inference.example.com",
        "image": f"us-docker.pkg.dev/acme/vllm:v0.{8 + i % 4}.0",
        "accel": ("nvidia-h100-80gb", "nvidia-l4", "nvidia-h200-141gb")[i % 3],
        "gpus": (8, 1, 8)[i % 3],
        "replicas": 1 + i % 5,
        "minr": 1 + i % 2,
        "maxr": 4 + i % 13,
        "pvc": f"{500 + 100 * (i % 5)}Gi",
        "machine": ("a3", "g2", "a3")[i % 3],
        "project": f"acme-{i % 7}",
        "zone": f"{region}-{'abc'[i % 3]}",
    }


def objects(v: Values) -> list[dict[str, Any]]:
    """The 25 objects of a cluster."""
    return [*_shared(v), *_server("llama", 8000, v), *_server("gemma", 8001, v), *_gateway(v)]


def marked() -> list[dict[str, Any]]:
    """The objects with a mark for each field."""
    return objects({name: f"XX{name}XX" for name in fields(0)})


def _labels(name: str, v: Values) -> Values:
    return {
        "app.kubernetes.io/name": name,
        "app.kubernetes.io/part-of": "inference",
        "platform/cluster": v["cluster"],
        "platform/region": v["region"],
    }


def _named(name: str, **more: Any) -> Values:
    return {"name": name, "namespace": "inference", **more}


def _shared(v: Values) -> Iterator[dict[str, Any]]:
    yield {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "inference", "labels": _labels("inference", v)}}
    account = f"inference@{v['project']}.iam.gserviceaccount.com"
    annotations = {"iam.gke.io/gcp-service-account": account}
    yield {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": _named("inference", annotations=annotations)}
    data = {name: v[name] for name in ("cluster", "region", "bucket", "project")}
    yield {"apiVersion": "v1", "kind": "ConfigMap", "metadata": _named("platform"), "data": data}
    claim = {"accessModes": ["ReadOnlyMany"], "storageClassName": "hyperdisk-ml", "resources": {"requests": {"storage": v["pvc"]}}}
    yield {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": _named("model-cache"), "spec": claim}
    yield {
        "apiVersion": "cloud.google.com/v1",
        "kind": "ComputeClass",
        "metadata": {"name": "inference"},
        "spec": {
            "nodePoolAutoCreation": {"enabled": True},
            "whenUnsatisfiable": "DoNotScaleUp",
            "activeMigration": {"optimizeRulePriority": False},
            "priorities": [
                {"machineFamily": v["machine"], "spot": spot, "gpu": {"type": v["accel"], "count": v["gpus"]}} for spot in (False, True)
            ],
        },
    }
    yield {
        "apiVersion": "scheduling.k8s.io/v1",
        "kind": "PriorityClass",
        "metadata": {"name": "inference-high"},
        "value": 1000000,
        "globalDefault": False,
        "description": "online inference",
    }


def _server(name: str, port: int, v: Values) -> Iterator[dict[str, Any]]:
    yield {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": _named(name, labels=_labels(name, v)),
        "spec": {
            "replicas": v["replicas"],
            "selector": {"matchLabels": {"app": name}},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}},
            "template": {
                "metadata": {
                    "labels": {"app": name, "platform/region": v["region"]},
                    "annotations": {"gke-gcsfuse/volumes": "true"},
                },
                "spec": _pod(name, port, v),
            },
        },
    }
    ports = [{"name": "http", "port": 80, "targetPort": "http", "protocol": "TCP"}]
    spec: Values = {"type": "ClusterIP", "selector": {"app": name}, "ports": ports}
    yield {"apiVersion": "v1", "kind": "Service", "metadata": _named(name, labels=_labels(name, v)), "spec": spec}
    metric = {
        "metric": {"name": "prometheus.googleapis.com|vllm:gpu_cache_usage_perc|gauge"},
        "target": {"type": "AverageValue", "averageValue": "800m"},
    }
    spec = {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
        "minReplicas": v["minr"],
        "maxReplicas": v["maxr"],
        "metrics": [{"type": "Pods", "pods": metric}],
        "behavior": {"scaleDown": {"stabilizationWindowSeconds": 300}},
    }
    yield {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": _named(name), "spec": spec}
    spec = {
        "selector": {"matchLabels": {"app": name}},
        "endpoints": [{"port": "http", "path": "/metrics", "interval": "15s"}],
        "targetLabels": {"fromPod": [{"from": "platform/region", "to": "region"}]},
    }
    yield {"apiVersion": "monitoring.googleapis.com/v1", "kind": "PodMonitoring", "metadata": _named(name), "spec": spec}
    spec = {
        "selector": {"matchLabels": {"app": name}},
        "targetPorts": [{"number": port}],
        "endpointPickerRef": {"name": f"{name}-epp", "port": {"number": 9002}},
    }
    yield {"apiVersion": "inference.networking.k8s.io/v1", "kind": "InferencePool", "metadata": _named(name), "spec": spec}
    spec = {"priority": 10, "poolRef": {"group": "inference.networking.k8s.io", "name": name}}
    version = "inference.networking.x-k8s.io/v1alpha2"
    yield {"apiVersion": version, "kind": "InferenceObjective", "metadata": _named(name), "spec": spec}
    match = {"path": {"type": "PathPrefix", "value": "/"}, "headers": [{"name": "X-Gateway-Model-Name", "value": name}]}
    backend = {"group": "inference.networking.k8s.io", "kind": "InferencePool", "name": name}
    spec = {
        "parentRefs": [{"name": "inference"}],
        "hostnames": [v["host"]],
        "rules": [{"matches": [match], "backendRefs": [backend]}],
    }
    yield {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": _named(name), "spec": spec}


def _pod(name: str, port: int, v: Values) -> Values:
    def probe(**more: int) -> Values:
        return {"httpGet": {"path": "/health", "port": "http"}, **more}

    return {
        "serviceAccountName": "inference",
        "priorityClassName": "inference-high",
        "terminationGracePeriodSeconds": 130,
        "nodeSelector": {
            "cloud.google.com/compute-class": "inference",
            "cloud.google.com/gke-accelerator": v["accel"],
            "topology.kubernetes.io/zone": v["zone"],
        },
        "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}],
        "containers": [
            {
                "name": "vllm",
                "image": v["image"],
                "command": ["python3", "-m", "vllm.entrypoints.openai.api_server"],
                "args": [
                    f"--model=/models/{name}",
                    f"--port={port}",
                    "--gpu-memory-utilization=0.9",
                    f"--tensor-parallel-size={v['gpus']}",
                    "--enable-prefix-caching",
                ],
                "env": [
                    {"name": "MODEL_BUCKET", "value": v["bucket"]},
                    {"name": "REGION", "value": v["region"]},
                    {"name": "HF_HUB_OFFLINE", "value": "1"},
                ],
                "ports": [{"name": "http", "containerPort": port, "protocol": "TCP"}],
                "resources": {
                    "requests": {"cpu": "16", "memory": "200Gi", "nvidia.com/gpu": v["gpus"]},
                    "limits": {"memory": "200Gi", "nvidia.com/gpu": v["gpus"]},
                },
                "startupProbe": probe(periodSeconds=10, failureThreshold=180),
                "readinessProbe": probe(periodSeconds=5),
                "livenessProbe": probe(periodSeconds=10, failureThreshold=3),
                "volumeMounts": [
                    {"name": "dshm", "mountPath": "/dev/shm"},
                    {"name": "models", "mountPath": "/models", "readOnly": True},
                ],
            }
        ],
        "volumes": [
            {"name": "dshm", "emptyDir": {"medium": "Memory", "sizeLimit": "64Gi"}},
            {"name": "models", "persistentVolumeClaim": {"claimName": "model-cache"}},
        ],
    }


def _gateway(v: Values) -> Iterator[dict[str, Any]]:
    listener = {
        "name": "https",
        "port": 443,
        "protocol": "HTTPS",
        "hostname": v["host"],
        "tls": {"mode": "Terminate", "certificateRefs": [{"name": "tls"}]},
    }
    yield {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "Gateway",
        "metadata": _named("inference", labels=_labels("inference", v)),
        "spec": {"gatewayClassName": "gke-l7-regional-external-managed", "listeners": [listener]},
    }
    target = {"group": "inference.networking.k8s.io", "kind": "InferencePool", "name": "llama"}
    spec: Values = {"targetRef": target, "default": {"timeoutSec": 300, "logging": {"enabled": True}}}
    yield {"apiVersion": "networking.gke.io/v1", "kind": "GCPBackendPolicy", "metadata": _named("inference"), "spec": spec}
    check = {"type": "HTTP", "httpHealthCheck": {"requestPath": "/health", "port": 8000}}
    spec = {"targetRef": target, "default": {"config": check}}
    yield {"apiVersion": "networking.gke.io/v1", "kind": "HealthCheckPolicy", "metadata": _named("inference"), "spec": spec}
    container = {
        "name": "download",
        "image": "us-docker.pkg.dev/acme/downloader:v1",
        "args": ["--all"],
        "env": [{"name": "BUCKET", "value": v["bucket"]}],
        "volumeMounts": [{"name": "models", "mountPath": "/models"}],
    }
    pod = {
        "restartPolicy": "Never",
        "serviceAccountName": "inference",
        "containers": [container],
        "volumes": [{"name": "models", "persistentVolumeClaim": {"claimName": "model-cache"}}],
    }
    spec = {"backoffLimit": 3, "template": {"spec": pod}}
    yield {"apiVersion": "batch/v1", "kind": "Job", "metadata": _named("download-models"), "spec": spec}
    spec = {"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [{"from": [{"podSelector": {}}]}]}
    yield {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": _named("default-deny"), "spec": spec}


def file_name(manifest: dict[str, Any]) -> str:
    return f"{manifest['kind'].lower()}-{manifest['metadata']['name']}.yaml"


def measure() -> dict[str, int]:
    """What one cluster amounts to: a wrong fixture shows here."""
    texts = [dump(manifest) for manifest in objects(fields(0))]
    patched = [ops for manifest in marked() if (ops := list(_marks(manifest)))]
    return {
        "objects": len(texts),
        "patched objects": len(patched),
        "values": sum(map(len, patched)),
        "bytes": sum(map(len, texts)),
        "lines": sum(text.count("\n") for text in texts),
    }


def _marks(node: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """JSON pointer and text of every leaf with a mark."""
    if isinstance(node, dict):
        for key, item in node.items():
            yield from _marks(item, f"{path}/{key.replace('~', '~0').replace('/', '~1')}")
    elif isinstance(node, list):
        for index, item in enumerate(node):
            yield from _marks(item, f"{path}/{index}")
    elif isinstance(node, str) and _MARK.search(node):
        yield path, node


def _filled(text: str, values: Values) -> Any:
    whole = _MARK.fullmatch(text)
    return values[whole[1]] if whole else _MARK.sub(lambda found: str(values[found[1]]), text)


def write_helm(root: Path, clusters: int) -> None:
    """A chart of 25 templates and a file of values for each cluster."""
    _put(root / "chart/Chart.yaml", "apiVersion: v2\nname: fleet\nversion: 1.0.0\n")
    for manifest in marked():
        _put(root / "chart/templates" / file_name(manifest), _MARK.sub(r"{{ .Values.\1 }}", dump(manifest)))
    for i in range(clusters):
        _put(root / f"values/c{i:05d}.yaml", dump(fields(i)))


def write_kustomize(root: Path, clusters: int) -> None:
    """Cluster 0 as the base, and for each cluster an overlay of JSON 6902 patches."""
    first = objects(fields(0))
    for manifest in first:
        _put(root / "base" / file_name(manifest), dump(manifest))
    _put(root / "base/kustomization.yaml", dump({"resources": [file_name(manifest) for manifest in first]}))
    targets = [(_target(manifest), ops) for manifest in marked() if (ops := list(_marks(manifest)))]
    for i in range(clusters):
        values = fields(i)
        patches = [
            {"target": target, "patch": json.dumps([{"op": "replace", "path": p, "value": _filled(text, values)} for p, text in ops])}
            for target, ops in targets
        ]
        _put(root / f"overlays/c{i:05d}/kustomization.yaml", dump({"resources": ["../../base"], "patches": patches}))


def _target(manifest: dict[str, Any]) -> Values:
    group, _, version = manifest["apiVersion"].rpartition("/")
    return {**({"group": group} if group else {}), "version": version, "kind": manifest["kind"], "name": manifest["metadata"]["name"]}


def write_jsonnet(root: Path, clusters: int) -> None:
    """One function of a cluster; `fleet.jsonnet` is for standard output, `files.jsonnet` for `-m`."""
    body = re.sub(r'"(?:[^"\\]|\\.)*"', _jsonnet_text, json.dumps({file_name(m): m for m in marked()}, indent=1))
    _put(root / "cluster.libsonnet", f"function(c) {body}\n")
    _put(root / "clusters.json", json.dumps([fields(i) for i in range(clusters)]))
    head = "local cluster = import 'cluster.libsonnet';\nlocal clusters = import 'clusters.json';\n"
    _put(root / "fleet.jsonnet", head + "{ [c.cluster]: cluster(c) for c in clusters }\n")
    _put(root / "files.jsonnet", head + "std.foldl(function(all, c) all + { [c.cluster + '.json']: cluster(c) }, clusters, {})\n")


def _jsonnet_text(found: re.Match[str]) -> str:
    text = json.loads(found[0])
    parts = _MARK.split(text)
    if len(parts) == 1:
        return found[0]
    pieces = [f"c.{part}" if n % 2 else json.dumps(part) for n, part in enumerate(parts) if n % 2 or part]
    return " + ".join(pieces)


# -- inferspec's fleet -------------------------------------------------------------------------------------------------------

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
        zones: [{zones}]
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
        zones=_ZONES[region],
        kind=_CLASSES[i % 3],
        engine=i % 4,
        size=i % 5,
    )


def write_spec(root: Path, clusters: int, **leaves: int) -> None:
    _put(root / "specs/fleet.yaml", spec(clusters, **leaves))


def _put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


PEERS: dict[str, Callable[[Path, int], None]] = {"helm": write_helm, "kustomize": write_kustomize, "jsonnet": write_jsonnet}


def main(arguments: list[str]) -> int:
    if len(arguments) < 2 or arguments[0] not in ("peers", "spec"):
        print(__doc__, file=sys.stderr)
        return 2
    root, clusters = Path(arguments[1]), int(arguments[2]) if len(arguments) > 2 else 10
    if arguments[0] == "spec":
        write_spec(root, clusters)
        return 0
    found = measure()
    print(", ".join(f"{number} {what}" for what, number in found.items()), "in each cluster")
    for name, write in PEERS.items():
        write(root / name, clusters)
    return 0 if EXPECTED.items() <= found.items() else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
