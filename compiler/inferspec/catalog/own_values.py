"""A default of a team's own: one that the package has, of its type, and no less than nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from .fitting import Fault, Steps, near, shown
from .forms import MOST

PERCENT = "percent"
_DURATION = re.compile(r"[0-9]+(\.[0-9]+)?(ms|s|m|h)")
_QUANTITY = re.compile(r"[0-9]+(\.[0-9]+)?(m|k|M|G|T|P|Ki|Mi|Gi|Ti|Pi)?")


def default_faults(row: Mapping[str, Any], package: Mapping[str, Mapping[str, Any]], at: Steps) -> Iterator[Fault]:
    key = str(row["id"])
    if key not in package:
        meant = near(key, package)
        way = f"did you mean '{meant}'?" if meant else "the defaults are those of docs/catalogue.md"
        yield Fault((*at, "id"), f"{key}: the compiler has no default of that name", way)
        return
    ours = package[key]
    if "unit" in row and row["unit"] != ours.get("unit", ""):
        own = ours.get("unit") or "none"
        yield Fault(
            (*at, "unit"), f"{key}: its unit is {own}, not {shown(row['unit'])}", "the compiler counts in that unit: leave the key out"
        )
    if "oneOf" in row:
        yield Fault((*at, "oneOf"), f"{key}: what its value may be is the compiler's", "leave the key out", key=True)
    if "value" in row:
        most = 100 if ours.get("unit") == PERCENT else MOST
        yield from _alike(ours["value"], row["value"], (*at, "value"), f"{key}: value", most, ours.get("oneOf", ()))


def _alike(ours: Any, value: Any, at: Steps, name: str, most: float, words: Any) -> Iterator[Fault]:
    """``value`` beside the package's ``ours``: a map has each of its keys, a list items of its kind."""
    if isinstance(ours, dict) and isinstance(value, dict):
        if lacking := [key for key in ours if key not in value]:
            yield Fault(at, f"{name} lacks {', '.join(lacking)}", "a map takes the place of the package's: it says each of its keys")
            return
        of_all = list(ours.values())
        for key, item in value.items():
            model = ours[key] if key in ours else of_all[0]
            decimal = isinstance(model, int) and not isinstance(model, bool) and any(isinstance(other, float) for other in of_all)
            yield from _alike(float(model) if decimal else model, item, (*at, key), f"{name}.{key}", most, ())
    elif isinstance(ours, list) and isinstance(value, list):
        for i, item in enumerate(value):
            yield from _alike(ours[0], item, (*at, i), f"{name}[{i}]", most, ())
    elif told := _misfit(ours, value, most, words):
        yield Fault(at, f"{name} is {shown(value)}, where {told} belongs", f"the package has {shown(ours)}")


def _misfit(ours: Any, value: Any, most: float, words: Any) -> str:
    """What belongs there instead; empty for a value that fits."""
    if isinstance(ours, bool):
        return "" if isinstance(value, bool) else "true or false"
    if isinstance(ours, (int, float)):
        what = "a whole number" if isinstance(ours, int) else "a number"
        least = 0 if ours >= 0 else -MOST
        sound = isinstance(value, int if isinstance(ours, int) else (int, float)) and not isinstance(value, bool) and least <= value <= most
        return "" if sound else what + (" from 0" if ours >= 0 else "") + (f" to {most:g}" if most != MOST else "")
    if isinstance(ours, str):
        if words and value not in words:
            return f"one of {', '.join(words)}"
        for form, what in (
            (_DURATION, "a duration such as 10s"),
            (_QUANTITY, "a quantity such as 500m or 8Gi, in quotes where it is a number"),
        ):
            if form.fullmatch(ours):
                return "" if isinstance(value, str) and form.fullmatch(value) else what
        return "" if isinstance(value, str) and value.strip() else "text"
    return "a map" if isinstance(ours, dict) else "a list"
