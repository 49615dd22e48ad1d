"""What a proof found on one object or file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Finding:
    """``object``: ``Kind namespace/name``; ``field``: JSON pointer into it; ``file``: where it stands, if it is about a file."""

    code: str
    message: str
    object: str = ""
    field: str = ""
    file: str = ""


def pointer(*steps: str | int) -> str:
    """A JSON pointer (RFC 6901) of its steps."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps)


def mapping(value: Any) -> Mapping[str, Any]:
    """``value`` if it is a mapping, else an empty one: a wrong type is the schema's finding, not ours."""
    return value if isinstance(value, Mapping) else {}


def sequence(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def group_of(tree: Mapping[str, Any]) -> str:
    """The API group of an object, "" for the core group."""
    api = str(tree.get("apiVersion", ""))
    return api.rpartition("/")[0]


def title(tree: Mapping[str, Any]) -> str:
    """``Deployment chat/server``."""
    metadata = mapping(tree.get("metadata"))
    namespace = f"{metadata['namespace']}/" if metadata.get("namespace") else ""
    return f"{tree.get('kind', '?')} {namespace}{metadata.get('name', '?')}"
