"""Which scalars may stand in a manifest, and which bare text a YAML reader takes for something other than a string."""

from __future__ import annotations

import re
from typing import Any

MARK_OPEN, MARK_CLOSE = "\ue000", "\ue001"
"""Private-use characters around a hole's number in a rendered template; no other text may contain them."""

LARGEST_INTEGER = 2**53
"""Above it, kustomize rounds an integer in every object that a patch touches."""

# C0 without tab, newline and carriage return; DEL and C1 with NEL; line and paragraph separators; the byte order mark;
# surrogates and non-characters, which no YAML reader takes; the two marks.
_UNSTORABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff\ue000\ue001]")

_WORDS = frozenset({"", "~", "=", "<<", "null", "true", "false", "yes", "no", "on", "off", "y", "n"})

# Every number of YAML 1.1 (PyYAML, go-yaml v2, which the API server uses), of YAML 1.2 and of go-yaml v3, underscores removed.
_NUMBER = re.compile(
    r"[-+]?(?:0[bB][01]+|0[oO][0-7]+|0[xX][0-9a-fA-F]+"
    r"|[0-9]+(?::[0-5]?[0-9])+(?:\.[0-9]*)?"
    r"|(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
    r"|\.(?:inf|nan))",
    re.IGNORECASE,
)
_DATE = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:(?:[Tt]|[ \t]+)[0-9]{1,2}:.*)?", re.DOTALL)


def retyped(text: str) -> bool:
    """Whether some reader takes the bare scalar ``text`` for a boolean, number, date, null or merge key."""
    if text.lower() in _WORDS or _DATE.fullmatch(text):
        return True
    return _NUMBER.fullmatch(text.replace("_", "")) is not None


def refusal(value: Any) -> str:
    """Why ``value`` cannot be a scalar of a manifest; empty if it can."""
    kind = type(value)
    if kind is str:
        found = _UNSTORABLE.search(value)
        return f"character U+{ord(found[0]):04X} does not survive YAML" if found else ""
    if kind is bool:
        return ""
    if kind is int:
        return "" if -LARGEST_INTEGER <= value <= LARGEST_INTEGER else f"{value} is beyond 2^53 and would be rounded"
    if kind is float:
        return f"{value} is a float: write a quantity as a string"
    if value is None:
        return "null: omit the field"
    return f"{kind.__name__} is not a scalar of a manifest"
