"""What tests of alerts and of dashboards ask: series that the catalogue confirms, and the real promtool."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import yaml
from inferspec.resolve.objectives import pool_series
from inferspec.resolve.workload import Workload


def exported(workload: Workload) -> set[str]:
    """Series that the catalogue confirms for the engine's version, the stack's picker and the collector."""
    version = str(workload.engine_version.v)
    own = {m.series for m in workload.engine.metrics if m.exists_in(version) and not m.unverified}
    stack = workload.stack
    gated = {row["series"] for id, row in stack.metrics.items() if pool_series(workload, id) is not None}
    return own | gated | {row["series"] for row in stack.collector_metrics.values()}


def promtool(programs: Path, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [programs / "promtool", *arguments], cwd=cwd, capture_output=True, text=True, timeout=120, env={}, check=False
    )


def rule_file(folder: Path, name: str, groups: list[dict[str, Any]]) -> str:
    """The groups of a Rules object as a rule file of Prometheus: the fields are the same."""
    (folder / name).write_text(yaml.safe_dump({"groups": groups}, sort_keys=False), encoding="utf-8")
    return name
