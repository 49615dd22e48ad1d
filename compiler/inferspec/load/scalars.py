"""Which value an unquoted scalar has, and which ones readers disagree about.

Specs follow the YAML 1.2 core schema (yaml.org/spec/1.2.2, section 10.3) less every form that a YAML 1.1 reader, or a
1.2 reader, would take for something else. Full dates (``2027-03-31``) are text in 1.2 and lose nothing, so they stay text.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from .limits import MAX_INTEGER


class Ambiguous(NamedTuple):
    """Why a scalar is refused. ``certain`` is the one text it can only have meant, or empty where there are two."""

    code: str
    why: str
    help: str
    certain: str = ""


_WORDS: dict[str, str] = {
    **dict.fromkeys(("yes", "Yes", "YES", "on", "On", "ON", "y", "Y"), "true"),
    **dict.fromkeys(("no", "No", "NO", "off", "Off", "OFF", "n", "N"), "false"),
}
_SPELT: dict[str, str] = {
    **dict.fromkeys(("True", "TRUE"), "true"),
    **dict.fromkeys(("False", "FALSE"), "false"),
    **dict.fromkeys(("~", "Null", "NULL"), "null"),
}
_PLAIN: dict[str, bool | None] = {"": None, "null": None, "true": True, "false": False}

_SUSPECT = frozenset("0123456789+-.=<")
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]*)\Z")
_DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]*)\.[0-9]+\Z")

_BASE_60 = r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?"
_EXPONENT = r"[-+]?(?:\.[0-9]+|[0-9][0-9_]*(?:\.[0-9_]*)?)[eE][-+]?[0-9]+"
_TIME = r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:(?:[Tt]|[ \t]+)[0-9].*)?"
_POINT = r"[-+]?(?:[0-9][0-9_]*)?\.[0-9_]*[0-9][0-9_]*|[-+]?[0-9][0-9_]*\."

_QUOTE = "quote it if it is text"
_NUMBER = f"{_QUOTE}, write a plain decimal number if it is a number"

_RETYPED: tuple[tuple[re.Pattern[str], str, str], ...] = tuple(
    (re.compile(rf"(?:{pattern})\Z"), why, help)
    for pattern, why, help in (
        (r"[-+]?0[0-9_]+", "is octal to some YAML readers and decimal to others", _NUMBER),
        (r"[-+]?0o[0-7_]+", "is an octal number in YAML 1.2 and text in YAML 1.1", _NUMBER),
        (r"[-+]?0x[0-9a-fA-F_]+", "is read as a hexadecimal number", _NUMBER),
        (r"[-+]?0b[01_]+", "is a binary number in YAML 1.1 and text in YAML 1.2", _NUMBER),
        (_BASE_60, "is a number in base 60 in YAML 1.1 and text in YAML 1.2", "quote it"),
        (_EXPONENT, "is a number to some YAML readers and text to others", _NUMBER),
        (r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)", "is a number that JSON cannot hold", "write a finite number"),
        (_TIME, "is a time in YAML 1.1 and text in YAML 1.2", "quote it"),
        (r"[-+]?[0-9][0-9_]*_[0-9_]*", "is a number in YAML 1.1 and text in YAML 1.2", _NUMBER),
        (_POINT, "is a number that readers and writers spell otherwise", _NUMBER),
    )
)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")


def resolve(text: str) -> str | int | float | bool | Ambiguous | None:
    """The value of the plain scalar ``text``, or why it has none."""
    if text in _PLAIN:
        return _PLAIN[text]
    if text in _WORDS:
        why = f"is {_WORDS[text]} in YAML 1.1 and text in YAML 1.2"
        return Ambiguous("SYN032", why, f"{_QUOTE}, write {_WORDS[text]} if it is not")
    if text in _SPELT:
        return Ambiguous("SYN032", f"is another spelling of {_SPELT[text]}", f"write {_SPELT[text]}, or {_QUOTE}", _SPELT[text])
    if text[0] not in _SUSPECT:
        return text
    if _INTEGER.match(text):
        return _integer(text)
    if _DECIMAL.match(text):
        return _decimal(text)
    return _retyped(text)


def _integer(text: str) -> int | Ambiguous:
    if len(text) > 17 or abs(int(text)) > MAX_INTEGER:  # int() of thousands of digits is itself a trap
        return Ambiguous("SYN033", "is beyond 2^53, where JSON readers change integers", _QUOTE)
    if text == "-0":
        return Ambiguous("SYN032", "is zero with a sign", "write 0", "0")
    return int(text)


def _decimal(text: str) -> float | Ambiguous:
    value = float(text)
    if repr(value) == text:
        return value
    stripped = text.rstrip("0")
    shorter = stripped + "0" if stripped.endswith(".") else stripped
    if repr(float(shorter)) == shorter and shorter != text:
        why = f"becomes {shorter} when it is read as a number"
        return Ambiguous("SYN034", why, f"{_QUOTE} (a version), write {shorter} if it is a number")
    return Ambiguous("SYN034", "has more digits than a number keeps", f"{_QUOTE}, write fewer digits if it is a number")


def _retyped(text: str) -> str | Ambiguous:
    if text in ("=", "<<"):
        return Ambiguous("SYN032", "has a meaning of its own in YAML 1.1", "quote it")
    if _DATE.match(text):
        return text
    if _INTEGER.match(text[1:]) and text[0] == "+":
        why = "is a number to some YAML readers and text to others"
        return Ambiguous("SYN032", why, f"write {text[1:]}, or {_QUOTE}", text[1:])
    for pattern, why, help in _RETYPED:
        if pattern.match(text):
            return Ambiguous("SYN032", why, help)
    return text
