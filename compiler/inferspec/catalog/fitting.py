"""Whether a team's own data fits the record it is to become: every key, type, bound and word, each with its place.

The package's rows are held to the same by a test; a start without a ``catalog/`` folder does not load this.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Collection, Iterator, Mapping
from types import NoneType, UnionType
from typing import Any, Literal, NamedTuple, Union, get_args, get_origin, get_type_hints

from .forms import MOST, Within, Written
from .record import Record

Steps = tuple[str | int, ...]
"""Keys and indexes from the top of the file."""


class Fault(NamedTuple):
    """What is wrong at a place of a file; ``key`` underlines the key there, not its value."""

    steps: Steps
    message: str
    help: str = ""
    key: bool = False


def hints(cls: type[Record]) -> Mapping[str, Any]:
    """Key of a file -> what its value may be."""
    if cls.__qualname__ not in _HINTS:
        known = get_type_hints(cls, include_extras=True)
        _HINTS[cls.__qualname__] = {key: known[name] for key, (name, _, _) in cls._shape.items()}
    return _HINTS[cls.__qualname__]


_HINTS: dict[str, Mapping[str, Any]] = {}


def near(word: str, known: Collection[str]) -> str:
    """The one that ``word`` was meant to be; empty where none is like it. Letters' case and dashes count for nothing."""
    bare = {re.sub(r"[-_ ]", "", k).lower(): k for k in known}
    found = difflib.get_close_matches(re.sub(r"[-_ ]", "", word).lower(), bare, 1)
    return bare[found[0]] if found else ""


def unknown(key: str, known: Collection[str], at: Steps, name: str) -> Fault:
    meant = near(key, known)
    way = f"did you mean '{meant}'?" if meant else f"the keys are {', '.join(sorted(known))}"
    return Fault((*at, key), f"{name}: unknown key '{key}'", way, key=True)


def faults(cls: type[Record], data: Mapping[str, Any], at: Steps, name: str) -> Iterator[Fault]:
    """Keys that the record has not, and values it cannot have. What is missing is told by ``missing``."""
    shape = hints(cls)
    for key, value in data.items():
        if key not in shape:
            yield unknown(key, shape, at, name)
        elif value is not None or not _clears(cls, key):
            yield from judge(shape[key], value, (*at, key), name, key)


def missing(cls: type[Record], data: Mapping[str, Any]) -> list[str]:
    """Required keys that are not there, nor meant by a mistyped one."""
    meant = {near(key, cls._shape) for key in data if key not in cls._shape}
    return [key for key, (_, required, _) in cls._shape.items() if required and data.get(key) is None and key not in meant | data.keys()]


def judge(hint: Any, value: Any, at: Steps, name: str, key: str) -> Iterator[Fault]:
    """What is wrong with one value; ``key`` is how a message calls its place."""
    plain, marks = _bare(hint)
    origin, args = get_origin(plain), get_args(plain)
    if origin in (Union, UnionType):
        tried = [list(judge(one, value, at, name, key)) for one in args if one is not NoneType]
        if not (value is None and NoneType in args) and all(tried):
            yield tried[0][0] if len(tried) == 1 else _misfit(plain, value, at, name, key)
    elif isinstance(value, Mapping) and isinstance(plain, type) and issubclass(plain, Record):
        yield from faults(plain, value, at, f"{name}: {key}")
        if lacking := missing(plain, value):
            yield Fault(at, f"{name}: {key} lacks {', '.join(lacking)}")
    elif isinstance(value, Mapping) and origin is Mapping:
        for inner, item in value.items():
            yield from (f._replace(key=True) for f in judge(args[0], inner, (*at, inner), name, f"a key of {key}"))
            yield from judge(args[1], item, (*at, inner), name, f"{key}.{inner}")
    elif isinstance(value, list) and origin is tuple and (args[-1] is Ellipsis or len(args) == len(value)):
        for i, item in enumerate(value):
            yield from judge(args[0] if args[-1] is Ellipsis else args[i], item, (*at, i), name, f"{key}[{i}]")
    elif not _fits(plain, marks, value):
        yield _misfit(hint, value, at, name, key)


def worded(hint: Any) -> str:
    """What belongs there, for messages and for docs/catalogue.md."""
    hint, marks = _bare(hint)
    origin, args = get_origin(hint), get_args(hint)
    if origin is Literal:
        return "one of " + ", ".join(str(word) for word in args if word != "")
    if origin in (Union, UnionType):
        return " or ".join("null" if one is NoneType else worded(one) for one in args)
    if origin is tuple:
        of = args[0] if args[-1] is Ellipsis else args
        return f"a list of {worded(of)}" if args[-1] is Ellipsis else f"a list of {len(args)}: {worded(args[0])}"
    if origin is not None:
        inner = worded(args[1])
        return "a map of maps" if inner == "a map" else f"a map, each {inner}"
    if written := next((mark for mark in marks if isinstance(mark, Written)), None):
        return written.what
    bound = next((mark for mark in marks if isinstance(mark, Within)), None)
    plain = {bool: "true or false", int: "a whole number", float: "a number", str: "text", Any: "any value"}.get(hint, "a map")
    if bound is None:
        return plain
    most = f" to {bound.most:g}" if bound.most != MOST else ""
    return f"{plain} {'above' if bound.above else 'from'} {bound.least:g}{' up' if bound.above and most else ''}{most}"


def shown(value: Any) -> str:
    """A value as a file writes it, cut where it is long."""
    text = f"'{value}'" if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else text[:57] + "..."


def _clears(cls: type[Record], key: str) -> bool:
    """Whether null is a value of an optional record: then there is none."""
    name, required, _ = cls._shape[key]
    return not required and getattr(cls, name) is None


def _bare(hint: Any) -> tuple[Any, tuple[Any, ...]]:
    marks: tuple[Any, ...] = getattr(hint, "__metadata__", ())
    return (hint.__origin__ if marks else hint), marks


def _fits(hint: Any, marks: tuple[Any, ...], value: Any) -> bool:
    if get_origin(hint) is Literal:
        return isinstance(value, str) and value in get_args(hint)
    if hint is Any:
        return True
    if isinstance(value, bool) or hint is bool:
        return isinstance(value, bool) and hint is bool
    if not (isinstance(hint, type) and isinstance(value, (int, float) if hint is float else hint)):
        return False
    return all(mark.holds(value) for mark in marks)


def _misfit(hint: Any, value: Any, at: Steps, name: str, key: str) -> Fault:
    plain = _bare(hint)[0]
    if get_origin(plain) is Literal and isinstance(value, str):
        words = [word for word in get_args(plain) if word]
        meant = near(value, words)
        told = f"{name}: {key} is {shown(value)}, which is none of {', '.join(words)}"
        return Fault(at, told, f"did you mean '{meant}'?" if meant else "")
    quoted = "write it in quotes" if plain is str and isinstance(value, (int, float)) else ""
    return Fault(at, f"{name}: {key} is {shown(value)}, where {worded(hint)} belongs", quoted)
