"""One key of a structured flag: what an engine takes as its value."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from .record import Record


class Field(Record):
    """What an engine takes as one key of a structured flag: ``values``, of any case if ``any_case``, or ``kinds`` of JSON.

    digits and switch are text that stands for a number or a boolean. ``unless`` names the key that, where it is said, lets any value pass.
    """

    values: tuple[Any, ...] = ()
    any_case: bool = False
    null: bool = False
    kinds: tuple[str, ...] = ()
    unless: str = ""

    def problem(self, value: Any) -> str:
        if self.kinds:
            return "" if _is_of(value, self.kinds) else f"wants {_kind(self.kinds)}, not {json.dumps(value)}"
        if value is None and self.null:
            return ""
        said = value.lower() if self.any_case and isinstance(value, str) else value
        taken = [v.lower() if self.any_case and isinstance(v, str) else v for v in self.values]
        if any(type(v) is type(said) and v == said for v in taken):
            return ""
        words = tuple(str(v) for v in self.values)
        return f"wants one of {listed_names(words)}, not {json.dumps(value)}{meant(words, str(value))}"


_KINDS = {"array": "an array", "object": "an object", "switch": "true or false", "number": "a number", "integer": "an integer"}


def _kind(kinds: Sequence[str]) -> str:
    return " or ".join(
        text for kind, text in _KINDS.items() if kind in kinds and (kind not in ("number", "integer") or "switch" not in kinds)
    )


def _is_of(value: Any, kinds: Sequence[str]) -> bool:
    """Whether a JSON value is of one of the kinds, or text that the engine reads as one."""
    if isinstance(value, str):
        return ("digits" in kinds and _is_number(value)) or ("switch" in kinds and value.lower() in _SWITCHES)
    if isinstance(value, float):
        return "number" in kinds or ("integer" in kinds and value.is_integer())
    kind = {type(None): "null", bool: "boolean", int: "integer", list: "array", dict: "object"}[type(value)]
    return kind in kinds


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


_SWITCHES = ("true", "false", "yes", "no", "on", "off", "t", "f", "y", "n", "1", "0")
"""Text that pydantic takes for a boolean."""
MOST_NAMES = 8
"""Names that a message lists, of those that the engine takes."""


def listed_names(names: Sequence[str]) -> str:
    more = len(names) - MOST_NAMES
    return ", ".join(names[:MOST_NAMES]) + (f" and {more} more" if more > 0 else "")


def meant(names: Sequence[str], said: str) -> str:
    """The nearest name, whatever the case; none with other digits: float8 is not float, nor 17 a 1."""
    import difflib

    if longer := [name for name in names if name.lower().startswith(f"{said.lower()}_")]:
        return f"; did you mean {' or '.join(map(repr, longer[:3]))}?"
    by_form = {name.lower(): name for name in names if re.findall("[0-9]+", name) == re.findall("[0-9]+", said)}
    near = difflib.get_close_matches(said.lower(), list(by_form), 1)
    return f"; did you mean {by_form[near[0]]!r}?" if near else ""
