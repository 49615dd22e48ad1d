"""What the installed vLLM checks of a flag's value after its parser took the word; a part of the table of `vllm_flags.py`.

Version 0.11.2 lays its registries out differently: its table has no such part.
"""

from __future__ import annotations

import collections.abc
import dataclasses
import enum
import importlib
import typing
from typing import Any

CONSTRAINTS = ("ge", "gt", "le", "lt", "multiple_of", "min_length", "max_length")
ANY_CASE = {"anyCase": True}
REGISTRIES: tuple[tuple[str, str, str, tuple[str, ...], dict[str, Any]], ...] = (
    ("--quantization", "vllm.model_executor.layers.quantization", "QUANTIZATION_METHODS", (), ANY_CASE),
    ("--load-format", "vllm.model_executor.model_loader", "_LOAD_FORMAT_TO_MODEL_LOADER", (), ANY_CASE),
    ("--tool-call-parser", "vllm.tool_parsers", "ToolParserManager", (), {"plugin": "--tool-parser-plugin"}),
    ("--reasoning-parser", "vllm.reasoning", "ReasoningParserManager", (), {"plugin": "--reasoning-parser-plugin"}),
    ("--attention-backend", "vllm.v1.attention.backends.registry", "AttentionBackendEnum", ("auto",), ANY_CASE),
    ("--mamba-backend", "vllm.config.mamba", "MambaBackendEnum", (), ANY_CASE),
    ("--config-format", "vllm.transformers_utils.config", "_CONFIG_FORMAT_TO_CONFIG_PARSER", ("auto",), {}),
    ("--data-parallel-backend", "vllm.config.parallel", "DataParallelBackend", (), {}),
    ("--optimization-level", "vllm.config.vllm", "OptimizationLevel", (), {}),
)
"""Flag, where its names are held, names that stand for a choice among them, and what else is to be said."""
OBJECTS = ("--additional-config", "--limit-mm-per-prompt")
"""Objects whose annotations are of another form."""
LIMITS = {"--sse-keep-alive-interval": {"ge": 0}}
"""Limits that validate_parsed_serve_args has in its code."""


def late(flags: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """By flag: registered names, the keys of an object that the parser takes for any JSON, limits of nested classes."""
    held = {flag["names"][0] for flag in flags}
    found: dict[str, dict[str, Any]] = {}
    for flag, module, name, more, said in REGISTRIES:
        if flag in held and (registry := getattr(importlib.import_module(module), name, None)) is not None:
            found[flag] = {"values": sorted({*_names(registry), *more}), **said}
    for flag in flags:
        name = flag["names"][0]
        if name in OBJECTS:
            found[name] = {"object": True}
        elif name in LIMITS:
            found[name] = {"constraints": LIMITS[name]}
        elif flag["kind"] in ("json", "json_or_str") and not flag.get("schema") and (rule := _object(_annotation(flag))):
            found[name] = rule
        elif not flag.get("constraints") and name not in found and (limits := _nested_limits(flag)):
            found[name] = {"constraints": limits}
    return found


def _names(registry: Any) -> list[str]:
    if hasattr(registry, "list_registered"):
        return list(registry.list_registered())
    if isinstance(registry, type) and issubclass(registry, enum.IntEnum):
        return [str(member.value) for member in registry]
    if isinstance(registry, type) and issubclass(registry, enum.Enum):
        return [name.lower() for name in registry.__members__]
    return list(typing.get_args(registry) or registry)


def _fields(name: str) -> dict[str, Any]:
    return dict(getattr(getattr(importlib.import_module("vllm.config"), name, None), "__pydantic_fields__", {}))


def _annotation(flag: dict[str, Any]) -> Any:
    described = _fields(flag["group"]).get(flag["dest"])
    return getattr(described, "annotation", None)


def _object(annotation: Any) -> dict[str, Any]:
    """For an annotation that only objects satisfy: that, and the keys if it is a configuration class."""
    members = [m for m in (typing.get_args(annotation) if _is_union(annotation) else (annotation,)) if m is not type(None)]
    classes = [m for m in members if isinstance(m, type) and dataclasses.is_dataclass(m)]
    mappings = [m for m in members if (typing.get_origin(m) or m) in (dict, collections.abc.Mapping)]
    callables = [m for m in members if typing.get_origin(m) is collections.abc.Callable]
    if not members or len(classes) + len(mappings) + len(callables) < len(members):
        return {}
    keys = {"keys": sorted(f.name for f in dataclasses.fields(classes[0]) if f.init)} if classes and not mappings else {}
    return {"object": True, **keys}


def _is_union(annotation: Any) -> bool:
    import types

    return typing.get_origin(annotation) in (typing.Union, types.UnionType)


def _nested_limits(flag: dict[str, Any]) -> dict[str, Any]:
    """Constraints of a field of that name in a class that the flag's own class is made of, or in the whole configuration."""
    for described in (*_fields(flag["group"]).values(), None):
        inner = getattr(described, "annotation", None) if described else getattr(importlib.import_module("vllm.config"), "VllmConfig", None)
        field = getattr(inner, "__pydantic_fields__", {}).get(flag["dest"])
        limits = {c: getattr(i, c) for i in getattr(field, "metadata", ()) for c in CONSTRAINTS if getattr(i, c, None) is not None}
        if limits:
            return limits
    return {}
