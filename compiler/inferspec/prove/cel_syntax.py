"""Is a text a CEL expression at all? A parser of the grammar (cel-spec, "Syntax") that answers yes or where it stops.

Types and functions are the API server's business; an expression that does not parse is found here, before anything is applied.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_TOKENS = re.compile(
    r"""(?P<space>\s+|//[^\n]*)
    |(?P<number>0x[0-9a-fA-F]+u?|[0-9]+\.[0-9]+(?:[eE][+-]?[0-9]+)?|\.[0-9]+(?:[eE][+-]?[0-9]+)?|[0-9]+[eE][+-]?[0-9]+|[0-9]+u?)
    |(?P<string>[bBrR]{0,2}(?:\"\"\"(?:\\.|[^\\])*?\"\"\"|'''(?:\\.|[^\\])*?'''|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'))
    |(?P<name>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<op>\|\||&&|<=|>=|==|!=|[-+*/%!<>?:.,()\[\]{}])""",
    re.VERBOSE | re.DOTALL,
)
_BINARY = {"||": 1, "&&": 2, "<": 3, "<=": 3, ">": 3, ">=": 3, "==": 3, "!=": 3, "in": 3, "+": 4, "-": 4, "*": 5, "/": 5, "%": 5}
MAX_DEPTH = 100


class _Token(NamedTuple):
    kind: str
    text: str
    column: int


class _Stop(Exception):
    pass


def syntax_problem(text: str) -> str:
    """ "" for an expression; else ``column 24: ...`` (columns count from 1 over the whole text)."""
    try:
        parser = _Parser(_tokens(text))
        parser.expression(0)
        parser.expect("end")
    except _Stop as stop:
        return str(stop)
    return ""


def _tokens(text: str) -> list[_Token]:
    found, at = [], 0
    while at < len(text):
        match = _TOKENS.match(text, at)
        if not match:
            raise _Stop(f"column {at + 1}: {text[at]!r} begins no token")
        if match.lastgroup != "space":
            found.append(_Token(str(match.lastgroup), match[0], at + 1))
        at = match.end()
    return [*found, _Token("end", "the end", len(text) + 1)]


class _Parser:
    def __init__(self, tokens: list[_Token]) -> None:
        self.tokens, self.at = tokens, 0

    @property
    def here(self) -> _Token:
        return self.tokens[self.at]

    def is_op(self, *texts: str) -> bool:
        return self.here.kind == "op" and self.here.text in texts

    def take(self, text: str) -> bool:
        if self.is_op(text):
            self.at += 1
            return True
        return False

    def expect(self, text: str) -> None:
        if self.here.kind == text or self.is_op(text):
            self.at += 1
            return
        raise _Stop(f"column {self.here.column}: expected {text}, found {self.here.text}")

    def expression(self, depth: int) -> None:
        """``a ? b : c`` over the binary operators."""
        if depth > MAX_DEPTH:
            raise _Stop(f"column {self.here.column}: nested deeper than {MAX_DEPTH}")
        self.binary(1, depth)
        if self.take("?"):
            self.binary(1, depth)
            self.expect(":")
            self.expression(depth + 1)

    def binary(self, level: int, depth: int) -> None:
        self.unary(depth)
        while self.here.kind in ("op", "name") and _BINARY.get(self.here.text, 0) >= level:
            operator = self.here.text
            self.at += 1
            self.binary(_BINARY[operator] + 1, depth)

    def unary(self, depth: int) -> None:
        while self.is_op("!", "-"):
            self.at += 1
        self.primary(depth)
        while self.is_op(".", "[", "{"):
            if self.take("."):
                self.take("?")
                self.expect("name")
                if self.take("("):
                    self.items(")", depth)
            elif self.take("["):
                self.take("?")
                self.expression(depth + 1)
                self.expect("]")
            else:
                self.at += 1
                self.fields(depth)

    def primary(self, depth: int) -> None:
        if self.here.kind in ("number", "string"):
            self.at += 1
        elif (self.here.kind == "name" and self.here.text != "in") or self.is_op("."):
            self.take(".")
            self.expect("name")
            if self.take("("):
                self.items(")", depth)
        elif self.take("("):
            self.expression(depth + 1)
            self.expect(")")
        elif self.take("["):
            self.items("]", depth)
        elif self.take("{"):
            self.fields(depth)
        else:
            raise _Stop(f"column {self.here.column}: expected a value, found {self.here.text}")

    def items(self, close: str, depth: int) -> None:
        while not self.take(close):
            self.take("?")
            self.expression(depth + 1)
            if not self.is_op(close):
                self.expect(",")

    def fields(self, depth: int) -> None:
        while not self.take("}"):
            self.take("?")
            self.expression(depth + 1)
            self.expect(":")
            self.expression(depth + 1)
            if not self.is_op("}"):
                self.expect(",")
