"""Flag tables: every flag of one engine version, and what the engine refuses as its value."""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import Any

from .flagfields import Field, listed_names, meant
from .record import EMPTY, Record, build, mapped


class Late(Record):
    """What an engine checks of a value after its parser took the word.

    ``values`` are the names it has registered, ``any_case`` if it takes them in capitals too, ``plugin`` the flag that registers more.
    ``object``: only a JSON object will do; ``keys`` are those it may have, ``fields`` what it takes as their values, ``heeded`` those
    that it looks at: the others are dropped in silence.
    """

    values: tuple[str, ...] = ()
    any_case: bool = False
    plugin: str = ""
    object: bool = False
    keys: tuple[str, ...] = ()
    fields: Mapping[str, Field] = mapped(Field, default=EMPTY)
    heeded: tuple[str, ...] = ()
    constraints: Mapping[str, float] = EMPTY

    def problem(self, value: str, parsed: Any) -> str:
        if (self.object or self.keys) and not isinstance(parsed, dict):
            return f"wants a JSON object, not {value!r}"
        if self.keys and (strange := sorted(set(parsed) - set(self.keys))):
            return f"has no key {strange[0]!r}: it has {listed_names(self.keys)}{meant(self.keys, strange[0])}"
        for key, field in self.fields.items():
            if key in parsed and not (field.unless and parsed.get(field.unless)) and (problem := field.problem(parsed[key])):
                return f"{key} {problem}"
        if self.values and value and (value.lower() if self.any_case else value) not in self.values:
            return f"wants one of {listed_names(self.values)}, not {value!r}{meant(self.values, value)}"
        return _outside(parsed, self.constraints) if isinstance(parsed, (int, float)) else ""


class FlagSpec(Record):
    """One flag of an engine's own parser."""

    names: tuple[str, ...]
    kind: str
    dest: str = ""
    group: str = ""
    hidden: tuple[str, ...] = ()
    optional: bool = False
    schema: str = ""
    normalised: bool = False
    nargs: str = ""
    choices: tuple[Any, ...] = ()
    default: Any = None
    deprecated: bool = False
    positional: bool = False
    constraints: Mapping[str, float] = EMPTY
    late: Late = Late()

    def problem(self, value: str | None, plugged: bool = False) -> str:
        """Why the parser, or the config class behind it, refuses ``value``; "" if it does not. None stands for a bare flag.

        ``plugged``: a plugin registers names that the table does not have.
        """
        if self.kind == "bool_flag":
            return "takes no value" if value is not None else ""
        if value is None:
            return "" if self.nargs == "?" else "needs a value"
        if self.optional and value in ("None", ""):
            return ""
        parse = _PARSERS.get(self.kind)
        try:
            parsed = parse(value) if parse else value
        except ValueError:
            return f"wants {_WANTS.get(self.kind, self.kind)}, not {value!r}"
        if self.choices:
            said = value.lower().replace("-", "_") if self.normalised else value
            if said not in map(str, self.choices):
                known = tuple(str(c) for c in self.choices if c is not None)
                return f"wants one of {listed_names(known)}, not {value!r}{meant(known, value)}"
        if isinstance(parsed, (int, float)) and (problem := _outside(parsed, self.constraints)):
            return problem
        return "" if plugged else self.late.problem(value, parsed)

    def strangers(self, value: str) -> str:
        """Keys of an object that the engine takes and does not look at; empty where it looks at all."""
        if not self.late.heeded or (self.optional and value in ("None", "")):
            return ""
        said = json.loads(value)
        return ", ".join(sorted(set(said) - set(self.late.heeded))) if isinstance(said, dict) else ""


NEAR = 0.8
"""How much of a flag's name a mistyped one has: less, and it is another flag (num-scheduler-steps, max-num-scheduled-tokens)."""


_LIMITS: dict[str, tuple[str, Callable[[float, float], bool]]] = {
    "ge": ("at least", operator.ge),
    "gt": ("more than", operator.gt),
    "le": ("at most", operator.le),
    "lt": ("less than", operator.lt),
    "multiple_of": ("a multiple of", lambda value, step: value % step == 0),
}


def _outside(value: float, limits: Mapping[str, float]) -> str:
    for name, limit in limits.items():
        if name in _LIMITS and not _LIMITS[name][1](value, limit):
            return f"wants {_LIMITS[name][0]} {limit}, not {value}"
    return ""


def human_int(text: str) -> int:
    """``32k`` is 32,000 and ``32K`` is 32,768, as in vLLM's human_readable_int; only the decimal suffixes take a fraction."""
    match = re.fullmatch(r"(-?[0-9]+(?:\.[0-9]+)?)([kmgtKMGT]?)", text)
    if not match or ("." in match[1] and match[2] not in tuple("kmgt")):
        raise ValueError(text)
    power = "kmgt".find(match[2].lower()) + 1 if match[2] else 0
    return int(float(match[1]) * (1000 if match[2].islower() else 1024) ** power) if power else int(match[1])


def _json_or_str(text: str) -> object:
    return json.loads(text) if text.lstrip().startswith("{") else text


_PARSERS: dict[str, Callable[[str], object]] = {
    "int": int,
    "float": float,
    "json": json.loads,
    "json_or_str": _json_or_str,
    "human_int": human_int,
    "human_int_or_auto": lambda text: -1 if text == "auto" else human_int(text),
}
_WANTS = {
    "int": "an integer",
    "float": "a number",
    "json": "JSON",
    "json_or_str": "JSON or text",
    "human_int": "an integer (8192, 32k, 32K)",
    "human_int_or_auto": "an integer (8192, 32k, 32K) or auto",
}


class FlagTable:
    """Every flag of one engine version, by each of its names. The first key of its file is ``ENGINE: VERSION``.

    Names are exact: the parser takes prefixes, a manifest must not.
    """

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.version: str = next(iter(data.values()))
        self.source: str = data["source"]
        self.schemas: dict[str, list[str]] = data["schemas"]
        self._fields: dict[str, dict[str, Any]] = data.get("fields", {})
        self._heeded: dict[str, list[str]] = data.get("heeded", {})
        self.env = frozenset(data["env"])
        self._late: dict[str, dict[str, Any]] = data.get("late", {})
        self._rows: list[dict[str, Any]] = data["flags"]
        self._built: dict[int, FlagSpec] = {}

    @cached_property
    def _index(self) -> dict[str, int]:
        return {name: i for i, row in enumerate(self._rows) for name in (*row["names"], *row.get("hidden", ()))}

    def find(self, name: str) -> FlagSpec | None:
        """By any name, hidden ones included, with or without the dashes: ``--max-num-seqs`` and ``max-num-seqs``; None if there is none."""
        at = self._index.get(name, self._index.get(f"--{name}"))
        if at is None:
            return None
        if at not in self._built:
            row = self._rows[at]
            name, schema = row["names"][0], row.get("schema", "")
            keys: dict[str, Any] = {"keys": self.schemas[schema], "fields": self._fields.get(schema, {})} if schema else {}
            late = build(Late, keys | {"heeded": self._heeded.get(name, [])} | self._late.get(name, {}))
            self._built[at] = build(FlagSpec, row | {"nargs": str(row.get("nargs", "")), "late": late})
        return self._built[at]

    def near(self, name: str) -> list[str]:
        import difflib

        return difflib.get_close_matches(name if name.startswith("-") else f"--{name}", list(self._index), n=3, cutoff=NEAR)

    def __iter__(self) -> Iterator[str]:
        return iter(self._index)

    def __len__(self) -> int:
        return len(self._rows)
