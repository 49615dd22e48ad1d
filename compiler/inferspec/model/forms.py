"""What every part of the spec is made of: closed maps, text of one form, lists that a single item may stand for."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.alias_generators import to_camel
from pydantic_core import CoreSchema, PydanticCustomError, core_schema


class Closed(BaseModel):
    """A map of the spec: unknown keys are errors, values are never coerced, keys are camelCase."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, alias_generator=to_camel, validate_by_name=False, defer_build=True)


class Grammar:
    """Text of one form, with one message where it has another. The regular expression is also what the JSON Schema publishes."""

    def __init__(self, pattern: str, what: str, example: str, limit: int = 63) -> None:
        self.pattern, self.what, self.example, self.limit = pattern, what, example, limit
        self._fits: Callable[[str], object] | None = None

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._checked, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {**handler(schema), "pattern": f"^(?:{self.pattern})$", "maxLength": self.limit, "examples": [self.example]}

    def _checked(self, value: str) -> str:
        if len(value) > self.limit:
            raise PydanticCustomError(
                "too_long",
                "{what} has at most {limit} characters, this has {found}",
                {"what": self.what, "limit": self.limit, "found": len(value)},
            )
        if self._fits is None:  # compiled when first needed: a spec uses a third of the grammars
            self._fits = re.compile(self.pattern).fullmatch
        if not self._fits(value):
            raise PydanticCustomError(
                "grammar", "{found} is not {what}, such as {example}", {"found": repr(value), "what": self.what, "example": self.example}
            )
        return value


class Time(Grammar):
    """A time with its unit. A bare number is answered with what it may be: nobody knows whether it counts seconds or minutes."""

    def __init__(self, pattern: str, what: str, example: str, limit: int, units: Iterable[str]) -> None:
        super().__init__(pattern, what, example, limit)
        self.units = tuple(units)

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self._with_unit, super().__get_pydantic_core_schema__(source, handler))

    def _with_unit(self, value: Any) -> Any:
        if type(value) in (int, float) or (isinstance(value, str) and value.isdecimal()):
            said = [f"{value}{unit}" for unit in self.units]
            raise PydanticCustomError(
                "unit",
                "{found} is {what} without its unit: say {said}",
                {"found": str(value), "what": self.what, "said": f"{', '.join(said[:-1])} or {said[-1]}"},
            )
        return value


T = TypeVar("T")


class _Many:
    """A list of the spec is a tuple in the model; with ``one`` a single item stands for a list of it."""

    def __init__(self, *, one: bool) -> None:
        self.one = one

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self._tuple, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        many = handler(schema)
        return {"anyOf": [many["items"], {**many, "minItems": 1}]} if self.one else many

    def _tuple(self, value: Any) -> Any:
        if isinstance(value, (list, tuple)):
            if self.one and not value:
                raise PydanticCustomError("too_short", "an empty list", {"min_length": 1, "actual_length": 0})
            return tuple(value)
        return (value,) if self.one else value


OneOrMany = Annotated[tuple[T, ...], _Many(one=True)]
"""``a`` or ``[a, b]`` in the spec; always a tuple in the model."""
Items = Annotated[tuple[T, ...], _Many(one=False)]
"""A list of the spec, a tuple in the model."""
