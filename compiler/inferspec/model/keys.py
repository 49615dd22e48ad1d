"""What the model has at a path of the spec: its models, its fields, its keys, and what they are for."""

from __future__ import annotations

import types
from collections.abc import Iterator
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel

from ..diagnostics import SpecPath
from .platform import Platform


def models_at(path: SpecPath) -> list[type[BaseModel]]:
    """The models that describe what stands at ``path``: several where a value has alternatives. Their fields are described."""
    from .described import describe

    describe()
    here: list[Any] = [Platform]
    for step in path:
        here = [inner for annotation in here for inner in _inside(annotation, step)]
    return [m for a in here for m in _models(a)]


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif get_origin(annotation) in (Union, types.UnionType) or hasattr(annotation, "__metadata__"):
        for argument in get_args(annotation):
            yield from _models(argument)


def _inside(annotation: Any, step: str | int) -> Iterator[Any]:
    origin = get_origin(annotation)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        for field in annotation.model_fields.values():
            if field.alias == step:
                yield field.annotation
    elif origin in (Union, types.UnionType) or hasattr(annotation, "__metadata__"):
        for argument in get_args(annotation):
            if argument is not type(None):
                yield from _inside(argument, step)
    elif origin is dict:
        yield get_args(annotation)[1]
    elif origin is tuple:
        yield get_args(annotation)[0]


def field_at(path: SpecPath) -> Any:
    """The pydantic field written at ``path``, or None for a key of a free map or a list item."""
    for model in models_at(path[:-1]):
        for field in model.model_fields.values():
            if field.alias == path[-1]:
                return field
    return None


def keys_at(path: SpecPath) -> set[str]:
    """The keys that the model has there."""
    return {str(f.alias) for model in models_at(path) for f in model.model_fields.values()}


def described_at(path: SpecPath) -> str:
    """What the key at ``path`` is for; an item of a list or a free map is described by the key that holds it."""
    for end in range(len(path), 0, -1):
        field = field_at(path[:end])
        if field is not None:
            return f"{path[end - 1]}: {field.description.replace('``', chr(39))}" if field.description else ""
        if path[end - 1] in keys_at(path[: end - 1]):
            return ""
    return ""
