"""What the installed vLLM takes as the values of a structured flag, field by field; a part of the table of `vllm_flags.py`.

Each field is asked by values of every kind, as the parser would be: a schema of the class does not show what its validators turn into
something else. ``values`` are the words of an enumeration, of any case if ``anyCase``; ``kinds`` the kinds of JSON else, where digits and
switch are text that stands for a number or a boolean. ``unless`` names the field that, where it is set, lets any value pass.
"""

from __future__ import annotations

import enum
import importlib
import json
import types
import typing
from typing import Any

import pydantic

PROBES: tuple[tuple[str, tuple[Any, ...]], ...] = (
    ("null", (None,)),
    ("boolean", (True,)),
    ("integer", (1, 2, 16, 4096)),
    ("number", (1.5, 0.5)),
    ("string", ("no such word",)),
    ("digits", ("1", "16")),
    ("switch", ("true",)),
    ("array", ([],)),
    ("object", ({},)),
)
REGISTERED = {
    ("KVTransferConfig", "kv_connector"): (
        "vllm.distributed.kv_transfer.kv_connector.factory",
        "KVConnectorFactory",
        "_registry",
        "kv_connector_module_path",
    )
}
"""Names that a field takes by a registry, which is asked when the server starts; and the field that brings a name of its own."""
INCOMPLETE = ("missing", "too_short")
"""What an empty object or array is told where it is of the right kind."""
HEEDED = ("temperature", "top_k", "top_p", "min_p", "typical_p", "max_new_tokens", "max_tokens", "repetition_penalty", "presence_penalty")
HEEDED += ("frequency_penalty", "stop", "seed", "n", "logprobs", "min_tokens", "do_sample", "num_beams", "length_penalty", "eos_token_id")
"""Keys that --override-generation-config is asked for: those of vLLM's requests and of generation_config.json."""


def fields(classes: dict[str, type]) -> dict[str, dict[str, Any]]:
    """By class and field: what it takes; nothing of a field that takes text, or cannot be asked."""
    found = {name: {key: rule for key in keys(cls) if (rule := _rule(name, cls, key))} for name, cls in classes.items()}
    return {name: rules for name, rules in found.items() if rules}


def keys(cls: type) -> list[str]:
    return sorted(getattr(cls, "__pydantic_fields__", {}))


def heeded() -> list[str]:
    """The keys of --override-generation-config that reach a request; vLLM drops the others in silence."""
    from vllm.config import ModelConfig

    taken = []
    for key in HEEDED:
        asked = types.SimpleNamespace(generation_config="vllm", override_generation_config={key: 1})
        if ModelConfig.get_diff_sampling_param(asked):  # type: ignore[arg-type]
            taken.append(key)
    return sorted(taken)


def _rule(name: str, cls: type, key: str) -> dict[str, Any]:
    if (name, key) in REGISTERED:
        module, holder, registry, unless = REGISTERED[name, key]
        return {"values": sorted(getattr(getattr(importlib.import_module(module), holder), registry)), "null": True, "unless": unless}
    kinds = [kind for kind, probes in PROBES if any(_takes(cls, key, probe) for probe in probes)]
    words = [word for word in _words(cls.__pydantic_fields__[key].annotation) if _takes(cls, key, word)]  # type: ignore[attr-defined]
    if words and not {"string", "array", "object"} & set(kinds):
        lower = {"anyCase": True} if any(isinstance(w, str) and w != w.swapcase() and _takes(cls, key, w.swapcase()) for w in words) else {}
        return {"values": words, **lower, **({"null": True} if "null" in kinds else {})}
    return {"kinds": kinds} if set(kinds) - {"null"} and "string" not in kinds else {}


def _words(annotation: Any) -> list[Any]:
    """Of a Literal, or names and numbers of an enumeration."""
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        return [*annotation.__members__, *(m.value for m in annotation if isinstance(m.value, (int, str)))]
    if typing.get_origin(annotation) is typing.Literal:
        return list(typing.get_args(annotation))
    return [word for inner in typing.get_args(annotation) for word in _words(inner)] if _is_union(annotation) else []


def _is_union(annotation: Any) -> bool:
    return typing.get_origin(annotation) in (typing.Union, types.UnionType)


def _takes(cls: type, key: str, value: Any) -> bool:
    """Whether the field itself is content: what the class says of several fields together does not count."""
    try:
        pydantic.TypeAdapter(cls).validate_json(json.dumps({key: value}))
    except pydantic.ValidationError as error:
        return not any(key in problem["loc"][:1] and problem["type"] not in INCOMPLETE for problem in error.errors())
    except (KeyError, AttributeError, TypeError, AssertionError):
        return False
    except Exception:  # what the class asks of the machine comes after the field was read
        return True
    return True
