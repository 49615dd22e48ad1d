"""One cluster of the peers' fleet: 25 objects with 52 values from 14 fields."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

REGIONS = ("us-central1", "europe-west4", "asia-northeast1", "us-east5", "us-west1")
Values = dict[str, Any]


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
