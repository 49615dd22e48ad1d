"""A picker's configuration as text: block YAML, quoted wherever a reader could take a word for something else."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
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
            yield f"{_line(key)}: {_line(value)}"
            continue
        yield f"{_line(key)}:"
        if isinstance(value, Mapping):
            yield from (f"  {line}" for line in _block(value))
            continue
        for item in value:
            block = isinstance(item, Mapping) and item and not isinstance(item, Inline)
            inner = list(_block(item)) if block else [_line(item)]
            yield from (f"{'  ' if i else '- '}{line}" for i, line in enumerate(inner))


def _flow(value: Any) -> str:
    """JSON, which is YAML; numbers without an exponent, which YAML 1.1 reads as text."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_flow(key)}: {_flow(value[key])}" for key in sorted(value)) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_flow, value)) + "]"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else format(Decimal(repr(value)), "f")
    return json.dumps(value, ensure_ascii=False)


def _line(value: Any) -> str:
    """Plain where every reader takes the word for text."""
    return value if isinstance(value, str) and _BARE.fullmatch(value) and not retyped(value) else _flow(value)
