"""A server inside Ray: one RayService, its head without chips, its workers one group."""

from __future__ import annotations

import json
from typing import Any

from ...resolve.workload import Workload
from ...values import Default, Value, derive
from ..row import Row
from .arguments import model_location, settled, typed


def ray_service(workload: Workload, row: Row, worker: Row) -> Row:
    """``row`` has what every server has; ``worker`` is its Pod. Ray starts its own processes and knows when they are healthy."""
    w = workload
    low, high = w.scale("min"), w.scale("max")
    worker.health_path = None
    worker.command = worker.args = None
    row.ray_version = w.engine_version if w.engine_version.v else None
    row.serve_config = serve_config(w)
    row.autoscaled = True if low.v != high.v else None
    row.replicas = None if row.autoscaled else low
    row.min, row.max = low, high
    # Ray's autoscaler, beside the head, asks the API server for workers.
    row.head_token = low.v != high.v
    row.hosts = w.layout.size
    row.worker = worker
    row.head_cpu = w.default("ray.headCpu")
    row.head_memory = w.default("ray.headMemory")
    row.head_env = worker.env
    return row


def ongoing(workload: Workload) -> Value:
    """Requests at once that a replica is to have: what Ray scales by, whatever the metric of other engines is."""
    asked = workload.settings.get("scale.target")
    return asked if asked is not None else Value(workload.catalogue.default("scale.target")["running"], Default("scale.target"))


def serve_config(workload: Workload) -> Value:
    """Ray Serve's application file as JSON, which is YAML (Ray documentation, "Serving LLMs": build_openai_app)."""
    w = workload
    values = settled(w)
    low, high = w.scale("min"), w.scale("max")
    served, where = w.served_name(), model_location(w)
    engine: dict[str, Any] = {name.replace("-", "_"): typed(value) for name, value in values.items()}
    if w.layout.spans_nodes:
        engine["distributed_executor_backend"] = "ray"
    target = ongoing(w)
    scaling = {"min_replicas": low.v, "max_replicas": high.v, "target_ongoing_requests": target.v}
    replicas: dict[str, Any] = {"autoscaling_config": scaling}
    if low.v == high.v:
        replicas = {"num_replicas": low.v}
    model = {
        "model_loading_config": {"model_id": served.v, "model_source": where.v},
        "engine_kwargs": engine,
        "deployment_config": replicas,
    }
    application = {
        "name": w.name,
        "import_path": "ray.serve.llm:build_openai_app",
        "route_prefix": "/",
        "args": {"llm_configs": [model]},
    }
    config = {"proxy_location": "EveryNode", "http_options": {"host": "0.0.0.0", "port": w.engine.port}, "applications": [application]}
    return derive("Ray Serve application", json.dumps(config, indent=1, sort_keys=True), served, where, low, high, target, *values.values())
