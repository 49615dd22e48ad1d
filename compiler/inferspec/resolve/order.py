"""One order for every map of a spec: by key. The order in which people write keys then never reaches what is emitted."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel


def ordered(node: Any) -> Any:
    """A copy with the maps below in the order of their keys; lists keep theirs, because there it means something."""
    if isinstance(node, BaseModel):
        told = {name: item for name, item in node.__dict__.items() if isinstance(item, BaseModel | dict | tuple)}
        return node.model_copy(update={name: ordered(item) for name, item in told.items()}) if told else node
    if isinstance(node, dict):
        return {key: ordered(node[key]) for key in sorted(node)}
    return tuple(map(ordered, node)) if isinstance(node, tuple) else node
