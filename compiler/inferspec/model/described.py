"""What the keys of a spec mean: the text under each field of the models, read from their source when somebody asks.

pydantic would read it for every model at every start, which costs more than checking a spec.
"""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterator
from functools import cache

from .forms import Closed


@cache
def describe() -> None:
    """Give every field of every model its description."""
    models = models_of(Closed)
    held = {module: texts(module) for module in dict.fromkeys(model.__module__ for model in models)}
    for model in models:
        for owner in reversed(model.__mro__):
            for name, text in held.get(owner.__module__, {}).get(owner.__name__, {}).items():
                if name in model.model_fields and model.model_fields[name].description is None:
                    model.model_fields[name].description = text


def models_of(base: type[Closed]) -> list[type[Closed]]:
    """Every model below ``base``."""
    return [model for direct in base.__subclasses__() for model in (direct, *models_of(direct))]


def texts(module: str) -> dict[str, dict[str, str]]:
    """Class -> field -> the string that stands right under the field."""
    tree = ast.parse(inspect.getsource(sys.modules[module]))
    return {node.name: dict(_under(node)) for node in tree.body if isinstance(node, ast.ClassDef)}


def _under(node: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for field, text in zip(node.body, node.body[1:], strict=False):
        match field, text:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(told))):
                yield name, inspect.cleandoc(told)
