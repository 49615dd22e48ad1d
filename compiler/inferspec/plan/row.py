"""What views hand to templates: records, labels and a few shapes that several objects share."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from ..values import Value

Row = SimpleNamespace
"""A record for one template. Attributes are ``Value`` (a hole), or plain (shape)."""


Drawn = tuple[str, Row]
"""Template name and its row."""

PREFIX = "inferspec.dev"
"""Prefix of our own labels and annotations; ``app.kubernetes.io/managed-by`` belongs to Config Sync."""


def labels(platform: str, name: str, component: str, **more: Any) -> dict[str, Any]:
    return {
        "app.kubernetes.io/name": name,
        "app.kubernetes.io/component": component,
        "app.kubernetes.io/part-of": platform,
        **{key.replace("__", "/").replace("_", "-"): value for key, value in more.items()},
    }


def environment(**variables: Value | str) -> list[dict[str, Any]]:
    return [{"name": name, "value": value} for name, value in variables.items()]
