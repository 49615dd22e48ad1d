"""Values that know where they came from.

In a row that a view hands to a template, a ``Value`` is a hole and anything plain is shape. A ``Value`` therefore refuses
every operator: decisions and arithmetic belong to the view, which uses ``derive`` and ``text`` so that inputs stay known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from .diagnostics import SpecPath

Scalar = str | int | bool


@dataclass(frozen=True, slots=True)
class SpecAt:
    """Written in the spec at ``path``."""

    path: SpecPath


@dataclass(frozen=True, slots=True)
class Default:
    """A row of ``catalog/defaults.yaml``."""

    key: str


@dataclass(frozen=True, slots=True)
class Catalogue:
    """A fact of the catalogue: ``machines.g2-standard-8.memoryGiB``."""

    row: str


@dataclass(frozen=True, slots=True)
class Fact:
    """What a cluster is (name, region, project ...). ``name`` is its key in ``ClusterPlan.facts``.

    ``inputs``: what else took part, where a text holds more than the fact itself.
    """

    name: str
    inputs: tuple[Value, ...] = ()


@dataclass(frozen=True, slots=True)
class Derived:
    """Computed by ``rule`` (one line of English, with the arithmetic) from ``inputs``."""

    rule: str
    inputs: tuple[Value, ...] = ()


Origin = SpecAt | Default | Catalogue | Fact | Derived

SENTINEL = "set-by-cluster"
"""What a base holds where a cluster's fact belongs; finding it in a built object is an error."""


def _refuse(self: Value, *_: Any) -> NoReturn:
    raise TypeError("compute in the view: a Value is opaque to templates")


@dataclass(frozen=True, slots=True, eq=False)
class Value:
    """A scalar and its origin. ``v`` of a cluster fact is ``SENTINEL`` until the fact is bound."""

    v: Scalar
    origin: Origin = field(repr=False)

    __str__ = __format__ = __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = _refuse
    __add__ = __radd__ = __sub__ = __mul__ = __mod__ = __iter__ = __contains__ = __len__ = _refuse
    __hash__ = _refuse

    @property
    def fact(self) -> str | None:
        """Name of the cluster fact this value stands for, or None."""
        return self.origin.name if isinstance(self.origin, Fact) else None


def cluster_fact(name: str, *inputs: Value) -> Value:
    return Value(SENTINEL, Fact(name, inputs))


def derive(rule: str, v: Scalar, *inputs: Value) -> Value:
    """A computed value. Inputs must not be cluster facts: those need a derived fact of their own."""
    if any(i.fact for i in inputs):
        raise ValueError(f"{rule}: derived from a cluster fact; declare a derived fact instead")
    return Value(v, Derived(rule, inputs))


def text(template: str, *inputs: Value) -> Value:
    """``text("--model={}", path)``: a string with its parts known."""
    return derive(f"text {template!r}", template.format(*(_plain(i.v) for i in inputs)), *inputs)


def bind(value: Value, facts: Mapping[str, Scalar]) -> Scalar:
    """The scalar of ``value`` in the cluster that ``facts`` describes."""
    return facts[value.origin.name] if isinstance(value.origin, Fact) else value.v


def _plain(v: Scalar) -> str:
    return str(v).lower() if isinstance(v, bool) else str(v)
