"""What a check says to a user: one frozen value per problem.

A mistake in the spec is a ``Diagnostic``, never an exception; an exception is a bug or a broken environment.
Lines and columns count from 1, as editors do.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from typing import Self

SpecPath = tuple[str | int, ...]
"""Keys and list indexes from the root of the spec: ``("serving", "chat", "scale", "max")``."""


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"
    INFO = "info"

    @property
    def rank(self) -> int:
        """0 for an error, 2 for an info: sorts the worst first."""
        return list(type(self)).index(self)


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of one line of a file. ``end_column`` is exclusive; ``label`` is the text beside the caret."""

    file: str
    line: int
    column: int
    end_column: int = 0
    label: str = ""

    def __post_init__(self) -> None:
        if self.line < 1 or self.column < 1:
            raise ValueError(f"a span counts from 1: {self.file}:{self.line}:{self.column}")

    def labelled(self, label: str) -> Self:
        return replace(self, label=label)


@dataclass(frozen=True, slots=True)
class Edit:
    """Replace the text from (line, column) up to (end_line, end_column), exclusive."""

    file: str
    line: int
    column: int
    end_line: int
    end_column: int
    text: str


@dataclass(frozen=True, slots=True)
class Fix:
    title: str
    edits: tuple[Edit, ...]


@dataclass(frozen=True, slots=True)
class Waiver:
    """An exception somebody answers for: ``policies/waivers.yaml``."""

    rule: str
    at: SpecPath
    reason: str
    owner: str
    expires: date


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One problem, one place, one way out.

    code      registered code, with a page in ``inferspec/rules/<code>.md``
    message   what is wrong, in one line, no trailing stop
    span      the line of the spec that has to change
    related   other lines that contribute, each with a label
    path      the spec path the finding is about; waivers and policies address it
    object    identity of the rendered object, if the finding is about one; ``field`` its JSON pointer
    notes     the reason, with its arithmetic, a line each
    help      the way out
    cause     the wrong name it comes of, such as "teams.assist": findings of one cause become one (check.once)
    presumes  what was read whole if it is true, such as "clusters": it is dropped where a part of that was left out
    """

    code: str
    message: str
    span: Span
    severity: Severity = Severity.ERROR
    path: SpecPath = ()
    related: tuple[Span, ...] = ()
    notes: tuple[str, ...] = ()
    help: str = ""
    object: str = ""
    field: str = ""
    fix: Fix | None = None
    waiver: Waiver | None = None
    cause: str = ""
    presumes: tuple[str, ...] = ()

    @property
    def order(self) -> tuple[str, int, int, int, str, str]:
        return (self.span.file, self.span.line, self.span.column, self.severity.rank, self.code, self.message)


def settled(found: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Sorted by position, each finding once."""
    return sorted(dict.fromkeys(found), key=lambda d: d.order)


_BARE = re.compile(r"[\w-]+")
"""A step that needs no quotes."""


def format_path(path: SpecPath) -> str:
    """``("a", "b c", 0)`` -> ``a["b c"][0]``."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif _BARE.fullmatch(step):
            text += f".{step}" if text else step
        else:
            text += f'["{step}"]'
    return text


def parse_path(text: str) -> SpecPath:
    """The inverse of ``format_path``; raises ValueError where brackets do not close."""
    path: list[str | int] = []
    rest = text
    while rest:
        if rest.startswith('["'):
            key, sep, rest = rest[2:].partition('"]')
            if not sep:
                raise ValueError(f"unclosed bracket in {text!r}")
            path.append(key)
        elif rest.startswith("["):
            index, sep, rest = rest[1:].partition("]")
            if not sep or not index.isdigit():
                raise ValueError(f"unclosed bracket or no index in {text!r}")
            path.append(int(index))
        else:
            rest = rest.removeprefix(".")
            end = min((i for i in (rest.find("."), rest.find("[")) if i >= 0), default=len(rest))
            if end == 0:
                raise ValueError(f"empty step in {text!r}")
            path.append(rest[:end])
            rest = rest[end:]
    return tuple(path)
