"""Kubernetes quantities: ``80Gi``, ``500m``, ``1e3``. Grammar: k8s.io/apimachinery/pkg/api/resource.Quantity.

Compared as numbers, never as text: ``1024Mi`` is ``1Gi``. Values are exact fractions.
"""

from __future__ import annotations

import re
from fractions import Fraction

_GRAMMAR = re.compile(r"([+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+))(?:([KMGTPE]i)|([numkMGTPE])|[eE]([+-]?[0-9]{1,3}))?\Z")
_BINARY: dict[str, int] = {f"{letter}i": 1024**power for power, letter in enumerate("KMGTPE", start=1)}
_DECIMAL = {letter: Fraction(10) ** power for letter, power in zip("numkMGTPE", (-9, -6, -3, 3, 6, 9, 12, 15, 18), strict=True)}
_UNITS = "n u m k M G T P E, Ki Mi Gi Ti Pi Ei"


def parse(text: str | int | float) -> Fraction:
    """The number a quantity stands for. ValueError says what is wrong with the text."""
    if isinstance(text, bool):
        raise ValueError(f"{text!r} is not a quantity")
    match = _GRAMMAR.match(str(text))
    if not match:
        unit = re.sub(r"\A[+-]?[0-9.]*", "", str(text))
        raise ValueError(f"{text!r} is not a quantity" + (f": unit {unit!r} is none of {_UNITS}" if unit else ""))
    number, binary, decimal, exponent = match.groups()
    value = Fraction(number.rstrip(".") if number.endswith(".") else number)
    if binary:
        return value * _BINARY[binary]
    if decimal:
        return value * Fraction(_DECIMAL[decimal])
    power = int(exponent or 0)
    return value * Fraction(10**power) if power >= 0 else value / Fraction(10**-power)


def binary(amount: int) -> str:
    """Bytes as the shortest binary quantity that says them exactly: 16,106,127,360 -> ``15Gi``."""
    for unit, size in reversed(_BINARY.items()):
        if amount and amount % size == 0:
            return f"{amount // size}{unit}"
    return str(amount)
