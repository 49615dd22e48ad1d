"""A key of the spec with a default of its own, as a value that knows whether anybody wrote it."""

from __future__ import annotations

from pydantic.alias_generators import to_camel

from ..diagnostics import SpecPath
from ..model.forms import Closed
from ..values import Derived, SpecAt, Value


def written(held: Closed, field: str, at: SpecPath) -> Value:
    """The value of ``field``; ``at`` is where ``held`` stands."""
    key = to_camel(field)
    origin = SpecAt((*at, key)) if field in held.model_fields_set else Derived(f"{key} unless it is set")
    return Value(getattr(held, field), origin)
