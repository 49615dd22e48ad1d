"""A picker's configuration as text: block YAML, quoted wherever a reader could take a word for something else."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ...resolve.picker_config import Inline
from ..scalars import retyped

_BARE = re.compile(r"[A-Za-z](?:[-A-Za-z0-9_./]*[A-Za-z0-9])?")


def text(document: Mapping[str, Any]) -> str:
    return "".join(f"{line}\n" for line in _block(document))


def _block(node: Mapping[str, Any]) -> Iterator[str]:
    """Lines of a map; lists stand below their key, not further in."""
    for key, value in node.items():
        if isinstance(value, Inline) or not (isinstance(value, (Mapping, list, tuple)) and value):
            yield f"{_scalar(key)}: {_flow(value)}"
            continue
        yield f"{_scalar(key)}:"
        if isinstance(value, Mapping):
            yield from (f"  {line}" for line in _block(value))
            continue
        for item in value:
            inner = [_flow(item)] if isinstance(item, Inline) or not isinstance(item, Mapping) else list(_block(item))
            yield from (f"{'  ' if i else '- '}{line}" for i, line in enumerate(inner))


def _flow(value: Any) -> str:
    """A scalar, or JSON, which is YAML."""
    if isinstance(value, (Mapping, list, tuple)):
        return json.dumps(value, sort_keys=True, ensure_ascii=False)
    return _scalar(value)


def _scalar(value: Any) -> str:
    if isinstance(value, str) and _BARE.fullmatch(value) and not retyped(value):
        return value
    whole = isinstance(value, float) and value.is_integer()
    return json.dumps(int(value) if whole else value, ensure_ascii=False)
