"""Engines of the spec: a container of the team's own as the catalogue would have it."""

from __future__ import annotations

from functools import lru_cache

from ..catalog import Engine
from ..model.serving import Container


@lru_cache(maxsize=256)
def own_container(engine: Engine, container: Container) -> Engine:
    """``engine`` (the row ``custom``) with what the spec's ``container`` says."""
    metrics = container.metrics
    said = {
        "command": container.command,
        "args": container.args,
        "port": container.port,
        "health_path": container.health,
        "paths": container.paths,
        "metrics_path": metrics.path if metrics is not None else "",
        "metrics_port": metrics.port or 0 if metrics is not None and metrics.port != container.port else 0,
    }
    return Engine(**(engine.__dict__ | said))
