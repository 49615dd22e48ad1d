"""How long a request may be once a spec overrides the model's config.json."""

from __future__ import annotations

import json
from typing import Any

_LENGTH = "max_position_embeddings"
_ROPES = ("rope_scaling", "rope_parameters")


def overridden_context(overrides: str, known: int) -> int:
    """Tokens after ``hf-overrides``; ``known`` where they say nothing of it, 0 where that is not known.

    A factor of the rope stretches the length that it names, or the model's own (vllm 0.32.0 config/model.py
    _get_and_verify_max_len). What is no JSON may be anything.
    """
    try:
        said = json.loads(overrides)
    except ValueError:
        return 0
    maps = list(_maps(said))
    length = max([held[_LENGTH] for held in maps if _is_number(held.get(_LENGTH))], default=known)
    ropes = [rope for held in maps for key in _ROPES if isinstance(rope := held.get(key), dict)]
    for rope in ropes:
        if not _is_number(rope.get("factor")):
            return 0  # another kind of rope, or one for each kind of layer
        own = rope.get(f"original_{_LENGTH}")
        length = max(length, rope["factor"] * (own if _is_number(own) else length))
    return int(length)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 10**9


def _maps(node: Any) -> list[dict[str, Any]]:
    """The map and those below it: parts of a model have configurations of their own."""
    if not isinstance(node, dict):
        return []
    return [node, *[held for key, item in node.items() if key not in _ROPES for held in _maps(item)]]
