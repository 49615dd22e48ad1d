"""A model server: Deployment, Service, disruption budget, network policy, monitoring, autoscaler."""

from __future__ import annotations

import math
from pathlib import PurePosixPath
from typing import Any

from ...catalog.engine_parts import Sidecar
from ...resolve.fallback import tolerated
from ...resolve.images import server_image, sidecar_images
from ...resolve.telemetry import LOG_FILE
from ...resolve.workload import Workload
from ...values import Catalogue as FromCatalogue
from ...values import SpecAt, Value, derive, text
from ..row import Drawn, Row, environment, labels
from . import telemetry
from .arguments import arguments, command, environment_of, group_of, placed
from .network import ingress, pool_selector, reached, selector
from .node_options import class_tolerations
from .platform import SERVING_PRIORITY
from .volumes import fuse_annotations, gate, volumes

QUEUE = "kueue.x-k8s.io/queue-name"
"""Label of a Deployment or LeaderWorkerSet, which Kueue's webhook puts on its Pods (sigs.k8s.io/kueue@v0.19.2 pkg/controller/jobs)."""


def common(workload: Workload, component: str = "server") -> dict[str, Any]:
    return {
        "name": workload.name,
        "namespace": workload.namespace,
        "labels": labels(workload.platform.name, workload.name, component),
    }


def server(workload: Workload) -> list[Drawn]:
    """Everything a server needs whether or not it scales or is exposed."""
    w = workload
    own = {**common(w), "selector": selector(w)}
    found: list[Drawn] = [
        ("service-account", Row(**common(w), automount=False)),
        replicated(w),
        ("service", Row(**common(w), selector=reached(w), ports=[_service_port("http", w.engine.port)])),
        ("pod-disruption-budget", Row(**own, **_disruption(w))),
        ("network-policy", Row(**own, ingress=ingress(w))),
    ]
    if (logging := telemetry.log_settings(w)) is not None:
        found.append(("config-map", Row(**common(w) | {"name": telemetry.log_map(w)}, data={PurePosixPath(LOG_FILE).name: logging})))
    if w.engine.metrics_path:
        scraped = {"port": metrics_port_name(w), "path": w.engine.metrics_path, "interval": scrape_interval(w)}
        found.append(("pod-monitoring", Row(**common(w), selector=reached(w), target_labels=_target_labels(w), **scraped)))
    return found


def _target_labels(workload: Workload) -> list[str] | None:
    """The operator's own, and the node where an alert asks for its kind (PodMonitoring, targetLabels.metadata)."""
    usual = ["container", "pod", "top_level_controller_name", "top_level_controller_type"]
    return [*usual, "node"] if tolerated(workload) is not None else None


def scrape_interval(workload: Workload) -> Value:
    return text("{}s", workload.default("monitoring.interval"))


def _service_port(name: str, port: int) -> dict[str, Any]:
    return {"name": name, "port": port, "targetPort": name, "protocol": "TCP"}


def metrics_port_name(workload: Workload) -> str:
    return "metrics" if workload.engine.metrics_port else port_name(workload)


def replicated(workload: Workload) -> Drawn:
    """A Deployment, or a LeaderWorkerSet where one copy of the model spans nodes."""
    w = workload
    row = Row(
        **{**common(w), "labels": {**labels(w.platform.name, w.name, "server"), **_queued(w)}},
        annotations={"inferspec.dev/model": w.model_ref},
        replicas=None if w.autoscaled else w.scale("min"),
        max_surge=int(w.surges),
        max_unavailable=int(not w.surges),
    )
    if w.engine.workload == "ray-service":
        from .ray import ray_service

        return "ray-service", ray_service(w, row, pod(w))
    if w.layout.spans_nodes:
        group = group_of(w)
        row.size = w.layout.size
        row.annotations |= group.annotations if group is not None else {}
        row.leader, row.worker = pod(w), pod(w, worker=True)
        return "leader-worker-set", row
    parts = w.pod.startup_seconds, w.default("load.nodeSeconds"), w.default("weights.waitSeconds")
    row.selector = selector(w)
    row.progress_deadline = derive("start-up budget + time to get a node + wait for the weights", sum(int(v.v) for v in parts), *parts)
    row.pod = pod(w)
    return "deployment", row


def _queued(workload: Workload) -> dict[str, Any]:
    return {QUEUE: workload.queue} if workload.queue is not None else {}


def pod(workload: Workload, *, worker: bool = False) -> Row:
    """The Pod of a server. A ``worker`` of a group serves nothing: it has no ports and no probes, and ends with its leader."""
    w = workload
    chips = {w.accelerator.resource: w.chips}
    period = w.default("probes.startup.period")
    held = gate(w)
    sidecars = [*([routing_sidecar(w)] if w.half == "decode" else []), *(_sidecar(w, s) for s in w.engine.sidecars)]
    return Row(
        pod_labels={**labels(w.platform.name, w.name, "server"), **selector(w), **({} if worker else _for_picker(w))},
        pod_annotations=fuse_annotations(w.catalogue, w.pod.sidecar_memory, cache=_disk_cache(w)) if w.mounts.sidecar else None,
        service_account=w.name,
        priority_class=SERVING_PRIORITY,
        grace_seconds=w.pod.grace_seconds,
        drain_seconds=w.default("shutdown.preStopSleep"),
        node_selector={"cloud.google.com/compute-class": w.capacity_name},
        tolerations=_tolerations(w),
        # Pods of one group belong together.
        spread=None if w.layout.spans_nodes else selector(w),
        init=held is not None or bool(sidecars),
        gate=held,
        image=server_image(w),
        command=command(w, worker=worker) or None,
        args=arguments(w, worker=worker) or None,
        env=_environment(w) or None,
        sidecars=sidecars,
        probe_port=port_name(w),
        ports=None if worker else _ports(w),
        requests={"cpu": w.pod.cpu, "memory": w.pod.memory, **chips},
        limits={"memory": w.pod.memory, **chips},
        health_path=None if worker else placed(w, (w.engine.health_path,))[0],
        startup_period=period,
        startup_failures=derive(
            "start-up budget / period", math.ceil(int(w.pod.startup_seconds.v) / int(period.v)), w.pod.startup_seconds, period
        ),
        probe_timeout=w.default("probes.timeout"),
        readiness_period=w.default("probes.readiness.period"),
        readiness_failures=w.default("probes.readiness.failures"),
        liveness_period=w.default("probes.liveness.period"),
        liveness_failures=w.default("probes.liveness.failures"),
        **volumes(w),
        logging=telemetry.log_map(w) if telemetry.log_settings(w) is not None else None,
        shm_size=text("{}Gi", w.pod.shm),
    )


def _disk_cache(workload: Workload) -> Value | None:
    """Size of a file cache on the node's own disks, which the sidecar asks the node for."""
    w = workload
    return w.pod.cache_size if w.mounts.fused and w.pod.cache_medium.v == "local-ssd" else None


def _sidecar(workload: Workload, sidecar: Sidecar) -> Row:
    return Row(
        name=sidecar.name,
        image=sidecar_images(workload)[sidecar.name],
        args=list(sidecar.args) or None,
        ports=None,
        requests={"cpu": sidecar.cpu, "memory": sidecar.memory},
        limits={"memory": sidecar.memory},
    )


def port_name(workload: Workload) -> str:
    """Of the engine's own port; ``http`` is where requests come to."""
    return "engine" if workload.half == "decode" else "http"


def routing_sidecar(workload: Workload) -> Row:
    """Sends a prompt to the server that the picker chose for it, then the request on to the engine behind it."""
    w = workload
    told = w.stack.disaggregated
    at = FromCatalogue(f"stacks.{w.stack.id}.disaggregated")
    own = [f"--port={w.engine.port}", f"--model-server-port={told.server_port}", f"--kv-connector={w.engine.disaggregation.connector}"]
    return Row(
        name="routing-proxy",
        image=sidecar_images(w)["routing-proxy"],
        args=[*own, *told.args],
        ports=[{"name": "http", "containerPort": w.engine.port, "protocol": "TCP"}],
        requests={key: Value(amount, at) for key, amount in told.requests.items()},
        limits={"memory": Value(told.requests["memory"], at)},
    )


def _ports(workload: Workload) -> list[dict[str, Any]]:
    engine = workload.engine
    found = [{"name": port_name(workload), "containerPort": workload.engine_port, "protocol": "TCP"}]
    if engine.metrics_port:
        found.append({"name": "metrics", "containerPort": engine.metrics_port, "protocol": "TCP"})
    return found


def _for_picker(workload: Workload) -> dict[str, str]:
    """What the picker of an exposed service reads: the engine, and which half of the work a Pod does."""
    if not workload.half:
        return _engine_label(workload)
    return {**_engine_label(workload), **pool_selector(workload), workload.stack.labels["role"]: workload.half}


def _engine_label(workload: Workload) -> dict[str, str]:
    label = workload.engine.engine_label
    return {workload.stack.labels["engineType"]: label} if workload.pooled else {}


def _tolerations(workload: Workload) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [{"key": workload.accelerator.resource, "operator": "Exists", "effect": "NoSchedule"}]
    if workload.accelerator.arch == "arm64":
        found.append({"key": "kubernetes.io/arch", "operator": "Equal", "value": "arm64", "effect": "NoSchedule"})
    if any(source.kind == "spot" for source in (*workload.capacity.baseline, *workload.capacity.burst)):
        found.append({"key": "cloud.google.com/gke-spot", "operator": "Equal", "value": "true", "effect": "NoSchedule"})
    return found + class_tolerations(workload.capacity, workload.capacity_name)


OF_POD = {"POD_IP": "status.podIP", "POD_NAME": "metadata.name"}
"""What a flag or a variable may quote as ``$(NAME)`` (policy/pack/SRV005.cue) -> its field; the kubelet puts it in."""


def _environment(workload: Workload) -> list[dict[str, Any]]:
    own = {name: said.value for name, said in workload.settings.env.items()}
    written = environment(**{**environment_of(workload), **own})
    said = [str(value.v) for value in (*own.values(), *(flag.value for flag in workload.settings.flags.values()))]
    quoted = {name: field for name, field in OF_POD.items() if name not in own and any(f"$({name})" in value for value in said)}
    if workload.half and (address := workload.engine.disaggregation.pod_ip_env):
        quoted[address] = OF_POD["POD_IP"]
    # First: a variable can quote those before it.
    return [*({"name": name, "valueFrom": {"fieldRef": {"fieldPath": field}}} for name, field in quoted.items()), *written]


def _disruption(workload: Workload) -> dict[str, Value | None]:
    said = workload.service.disruption
    share = Value(said, SpecAt(("serving", workload.service_name, "disruption"))) if said is not None else None
    if workload.engine.workload != "ray-service":
        most = text("{}%", share) if share is not None else workload.default("pdb.maxUnavailable")
        return {"max_unavailable": most, "min_available": None}
    # A RayCluster has no scale subresource: a budget by share or by maxUnavailable would block every eviction (kuberay issue 2662).
    low = workload.scale("min")
    least = int(low.v) * int(workload.layout.size.v) + 1
    gone = max(1, least * said // 100) if said else int(workload.default("pdb.maxUnavailable").v) if said is None else 0
    kept = derive(f"{least} Pods, the head and the fewest workers, less {gone}", least - gone, low, workload.layout.size)
    return {"max_unavailable": None, "min_available": kept}
