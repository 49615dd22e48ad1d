"""Quota limits as Google's tools print them: ``gcloud compute regions describe``, or QuotaInfos of the Cloud Quotas API."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from . import NO_INPUT, USAGE
from .stop import Stop

Key = tuple[str, str, str, str]
"""(project id or number, "" where the file does not say; region; metric, in capitals without its service; dimension)."""

LARGEST = 32 * 2**20
"""Bytes of a file of limits: that of every region of a project is a tenth of it."""
UNLIMITED = -1
_PROJECT = re.compile(r"projects/([^/]+)/")


def normal(metric: str) -> str:
    """``compute.googleapis.com/nvidia_l4_gpus`` and ``NVIDIA_L4_GPUS`` are one quota."""
    return metric.rpartition("/")[2].upper()


def read(name: str) -> dict[Key, int]:
    """Limits of the file. Raises Stop where it is not there, no JSON, or holds no quota that can be read."""
    path = Path(name)
    if not path.is_file():
        raise Stop(NO_INPUT, f"there is no file {name}")
    if path.stat().st_size > LARGEST:
        raise Stop(USAGE, f"{name} is larger than {LARGEST // 2**20} MiB")
    try:
        root = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise Stop(USAGE, f"{name} is not JSON: {error}") from None
    found = dict(_limits(root))
    if not found:
        raise Stop(USAGE, f"{name} holds no quota: 'gcloud compute regions describe REGION --format json' prints them")
    return found


def _limits(root: Any) -> Iterator[tuple[Key, int]]:
    items = root.get("quotaInfos", [root]) if isinstance(root, dict) else root
    for item in items if isinstance(items, list) else []:
        if isinstance(item, dict):
            yield from _region(item)
            yield from _info(item)


def _region(item: Mapping[str, Any]) -> Iterator[tuple[Key, int]]:
    """A region of the Compute Engine API: a list of metric and limit."""
    where, project = item.get("name"), _project(item.get("selfLink"))
    quotas = item.get("quotas")
    if not isinstance(where, str):
        return
    region = where if "/regions/" in str(item.get("selfLink", "/regions/")) else "global"  # a project has a list of its own
    for quota in quotas if isinstance(quotas, list) else []:
        limit = _number(quota.get("limit")) if isinstance(quota, dict) else None
        if limit is not None and isinstance(quota.get("metric"), str):
            yield (project, region, normal(quota["metric"]), ""), limit


def _info(item: Mapping[str, Any]) -> Iterator[tuple[Key, int]]:
    """A QuotaInfo: a metric, and a limit for each set of dimensions."""
    metric, held = item.get("metric"), item.get("dimensionsInfos")
    if not isinstance(metric, str) or not isinstance(held, list):
        return
    for info in held:
        details = info.get("details") if isinstance(info, dict) else None
        limit = _number(details.get("value")) if isinstance(details, dict) else None
        if limit is None:
            continue
        told = info.get("dimensions")
        dimensions = {str(k): str(v) for k, v in told.items()} if isinstance(told, dict) else {}
        region = dimensions.pop("region", "")
        everywhere = info.get("applicableLocations")
        regions = [region] if region else [r for r in everywhere if isinstance(r, str)] if isinstance(everywhere, list) else []
        for where in regions or ["global"]:
            yield (_project(item.get("name")), where, normal(metric), ",".join(f"{k}={v}" for k, v in sorted(dimensions.items()))), limit


def _project(said: Any) -> str:
    found = _PROJECT.search(said) if isinstance(said, str) else None
    return found[1] if found else ""


def _number(said: Any) -> int | None:
    """A limit as a number or as digits; None for what is neither."""
    if isinstance(said, bool) or not isinstance(said, int | float | str):
        return None
    try:
        return int(float(said))
    except (ValueError, OverflowError):
        return None
