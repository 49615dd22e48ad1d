"""A model server: Deployment, Service, disruption budget, network policy, monitoring, autoscaler."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ...catalog import Catalogue
from ...resolve.workload import Workload
from ...values import SENTINEL, Default, Derived, SpecAt, Value, derive, text
from ..row import Drawn, Row, environment, labels
from .arguments import arguments
from .platform import SERVING_PRIORITY

HEALTH_CHECKERS = ("35.191.0.0/16", "130.211.0.0/22")
"""Sources of Google Cloud health checks (Cloud Load Balancing documentation, "Health checks overview")."""
COLLECTORS = ("gmp-system", "gke-gmp-system")
"""Namespaces of Managed Prometheus collectors on Standard and on Autopilot (llm-d-router v0.10.0 charts, values for GKE)."""


def selector(workload: Workload) -> dict[str, str]:
    """Immutable for the life of the Deployment: never a version or a hash."""
    return {"app": workload.name}


def common(workload: Workload, component: str = "server") -> dict[str, Any]:
    return {
        "name": workload.name,
        "namespace": workload.namespace,
        "labels": labels(workload.platform.name, workload.name, component),
    }


def server(workload: Workload) -> list[Drawn]:
    """Everything a server needs whether or not it scales or is exposed."""
    found: list[Drawn] = [
        ("service-account", Row(**common(workload), automount=False)),
        ("deployment", deployment(workload)),
        (
            "service",
            Row(
                **common(workload),
                selector=selector(workload),
                ports=[{"name": "http", "port": workload.engine.port, "targetPort": "http", "protocol": "TCP"}],
            ),
        ),
        ("pod-disruption-budget", Row(**common(workload), selector=selector(workload), max_unavailable=_disruption(workload))),
        ("network-policy", Row(**common(workload), selector=selector(workload), ingress=ingress(workload))),
        (
            "pod-monitoring",
            Row(
                **common(workload), selector=selector(workload), port="http", interval=text("{}s", workload.default("monitoring.interval"))
            ),
        ),
    ]
    return found


def deployment(workload: Workload) -> Row:
    w = workload
    spare = bool(w.capacity.burst)
    accelerator = w.accelerator
    node = w.default("load.nodeSeconds")
    chips = {accelerator.resource: w.chips}
    period = w.default("probes.startup.period")
    return Row(
        **common(w),
        annotations={"inferspec.dev/model": w.model_ref},
        replicas=None if w.autoscaled else w.scale("min"),
        selector=selector(w),
        # A burst can lend one more node for a rolling update; a reservation alone is full, so the old server goes first.
        max_surge=1 if spare else 0,
        max_unavailable=0 if spare else 1,
        progress_deadline=derive(
            "start-up budget + time to get a node", int(w.pod.startup_seconds.v) + int(node.v), w.pod.startup_seconds, node
        ),
        pod_labels={**labels(w.platform.name, w.name, "server"), **selector(w), **_engine_label(w)},
        pod_annotations=fuse_annotations(w.catalogue, w.pod.sidecar_memory),
        service_account=w.name,
        priority_class=SERVING_PRIORITY,
        grace_seconds=w.pod.grace_seconds,
        drain_seconds=w.default("shutdown.preStopSleep"),
        node_selector={"cloud.google.com/compute-class": w.capacity_name},
        tolerations=_tolerations(w),
        image=_image(w),
        command=list(w.engine.command),
        args=arguments(w),
        env=_environment(w),
        port=w.engine.port,
        requests={"cpu": w.pod.cpu, "memory": w.pod.memory, **chips},
        limits={"memory": w.pod.memory, **chips},
        health_path=w.engine.health_path,
        startup_period=period,
        startup_failures=derive(
            "start-up budget / period", math.ceil(int(w.pod.startup_seconds.v) / int(period.v)), w.pod.startup_seconds, period
        ),
        probe_timeout=w.default("probes.timeout"),
        readiness_period=w.default("probes.readiness.period"),
        readiness_failures=w.default("probes.readiness.failures"),
        liveness_period=w.default("probes.liveness.period"),
        liveness_failures=w.default("probes.liveness.failures"),
        model_path=model_path(w),
        bucket=w.bucket,
        mount_options=_mount_options(w),
        cache_size=w.pod.cache_size,
        tmp_size=text("{}Gi", w.default("storage.fuseBufferGiB")),
        shm_size=text("{}Gi", w.pod.shm),
    )


def fuse_annotations(catalogue: Catalogue, memory: Value) -> dict[str, Any]:
    """Sidecar resources in figures: "0", no limit, is refused on Autopilot (Cloud Storage FUSE CSI driver documentation)."""
    sidecar = catalogue.default("storage.fuseSidecar")
    return {
        "gke-gcsfuse/volumes": "true",
        "gke-gcsfuse/memory-request": memory,
        "gke-gcsfuse/memory-limit": memory,
        **{f"gke-gcsfuse/{key}": Value(amount, Default("storage.fuseSidecar")) for key, amount in sidecar.items()},
    }


def model_path(workload: Workload) -> str:
    """Only this model's folder is mounted; the path says which model, not which version, so that it never changes."""
    return f"/models/{workload.model_key}"


def _mount_options(workload: Workload) -> Value:
    options = workload.catalogue.default("storage.fuseMountOptions")
    return text(",".join(options) + ",only-dir:{}", workload.prefix)


def _image(workload: Workload) -> Value:
    if workload.service.image is not None:
        return Value(workload.service.image, SpecAt(("serving", workload.service_name, "image")))
    image = workload.engine.image(str(workload.engine_version.v), workload.accelerator.kind)
    assert image is not None, "check.references refuses a version without an image"
    return Value(image, Derived(f"image of {workload.engine.id} for {workload.accelerator.kind}", (workload.engine_version,)))


def _engine_label(workload: Workload) -> dict[str, str]:
    return {workload.stack.labels["engineType"]: workload.engine.engine_label} if workload.service.expose else {}


def _tolerations(workload: Workload) -> list[dict[str, str]]:
    found = [{"key": workload.accelerator.resource, "operator": "Exists", "effect": "NoSchedule"}]
    if any(source.kind == "spot" for source in (*workload.capacity.baseline, *workload.capacity.burst)):
        found.append({"key": "cloud.google.com/gke-spot", "operator": "Equal", "value": "true", "effect": "NoSchedule"})
    return found


def _environment(workload: Workload) -> list[dict[str, Any]]:
    own = {name: said.value for name, said in workload.settings.env.items()}
    set_by_engine: dict[str, Value | str] = {**workload.engine.env["all"], **workload.engine.env.get(workload.accelerator.kind, {})}
    return environment(**{**set_by_engine, **own})


def _disruption(workload: Workload) -> Value:
    if workload.service.disruption is None:
        return workload.default("pdb.maxUnavailable")
    said = Value(workload.service.disruption, SpecAt(("serving", workload.service_name, "disruption")))
    return text("{}%", said)


def proxies(workload: Workload) -> Value | None:
    """The proxy-only subnet of the region; None where the region's owner did not say (check.gateways warns)."""
    region = workload.subject.region
    if region is None:
        return Value(SENTINEL, Derived("the proxy-only subnet of the cluster's region"))
    subnet = workload.platform.regions[region].proxy_subnet
    return Value(subnet, SpecAt(("regions", region, "proxySubnet"))) if subnet else None


def from_gateway(workload: Workload, *ports: int) -> dict[str, Any]:
    """Load balancer proxies and health checkers, or anybody where the proxy-only subnet is not written down."""
    rule: dict[str, Any] = {"ports": [{"protocol": "TCP", "port": port} for port in ports]}
    subnet = proxies(workload)
    if subnet is None:
        return rule
    return {"from": [{"ipBlock": {"cidr": subnet}}, *({"ipBlock": {"cidr": c}} for c in HEALTH_CHECKERS)], **rule}


def from_namespaces(namespaces: Sequence[str | Value], port: int) -> dict[str, Any]:
    wanted = {"key": "kubernetes.io/metadata.name", "operator": "In", "values": list(namespaces)}
    return {"from": [{"namespaceSelector": {"matchExpressions": [wanted]}}], "ports": [{"protocol": "TCP", "port": port}]}


def ingress(workload: Workload) -> list[dict[str, Any]]:
    """Gateway, picker, monitoring and declared callers; nobody else."""
    port = workload.engine.port
    rules: list[dict[str, Any]] = []
    if workload.service.expose:
        rules.append(from_gateway(workload, port))
        rules.append(
            {"from": [{"podSelector": {"matchLabels": {"app": f"{workload.name}-picker"}}}], "ports": [{"protocol": "TCP", "port": port}]}
        )
    rules.append(from_namespaces(COLLECTORS, port))
    if workload.service.callers:
        said = [Value(name, SpecAt(("serving", workload.service_name, "callers", i))) for i, name in enumerate(workload.service.callers)]
        rules.append(from_namespaces(said, port))
    return rules


def autoscaler(workload: Workload) -> list[Drawn]:
    metric = str(workload.scale("metric").v)
    series = workload.engine.metric(metric, str(workload.engine_version.v))
    assert series is not None, "check.scaling refuses a metric the version does not export"
    name = f"prometheus.googleapis.com|{series.series}|{series.type}"
    return [
        (
            "horizontal-pod-autoscaler",
            Row(
                **common(workload),
                min=workload.scale("min"),
                max=workload.scale("max"),
                metric=Value(
                    name,
                    Derived(
                        f"{metric} of {workload.engine.id}, read by the custom metrics adapter",
                        (workload.scale("metric"), workload.engine_version),
                    ),
                ),
                target=_target(workload, metric),
                up_window=workload.default("scale.upStabilization"),
                up_period=workload.default("scale.upPeriod"),
                down_window=workload.default("scale.downStabilization"),
                down_period=workload.default("scale.downPeriod"),
            ),
        )
    ]


def _target(workload: Workload, metric: str) -> Value:
    """The series of KV cache use counts to 1: percent become thousandths, as Kubernetes writes them."""
    target = workload.target
    if metric == "kv-cache-usage":
        return derive("percent as thousandths of 1", f"{int(target.v) * 10}m", target)
    return text("{}", target)
