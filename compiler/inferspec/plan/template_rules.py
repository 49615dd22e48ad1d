"""What a template may contain, and the error of one that breaks it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from jinja2 import nodes

IN_VIEW = "compute in the view"

_PROBLEMS: tuple[tuple[type[nodes.Node], str], ...] = (
    (nodes.Filter, "a filter: " + IN_VIEW),
    (nodes.Test, "a test: {{% if row.x %}} already asks whether it is there"),
    (nodes.Call, "a call: " + IN_VIEW),
    (nodes.Compare, "a comparison: decide in the view"),
    (nodes.CondExpr, "a decision inside {{{{ }}}}: decide in the view"),
    (nodes.Macro, "a macro: write the text, or let the view make a list"),
    (nodes.BinExpr, "an operator: " + IN_VIEW),
    (nodes.UnaryExpr, "an operator: " + IN_VIEW),
    (nodes.Concat, "a concatenation: join with text() in the view"),
    (nodes.Literal, "a literal inside {{{{ }}}}: write it as text"),
)


class TemplateError(ValueError):
    """A template breaks a rule: a fault of the package, never of a user's spec."""

    def __init__(self, template: str, line: int, problem: str) -> None:
        super().__init__(f"{template}.yaml.j2:{line}: {problem}")
        self.template = template
        self.line = line
        self.problem = problem


class Rules:
    """What a template may contain: output, if, for, set, and paths from names that are in scope."""

    def __init__(self, template: str) -> None:
        self.template = template
        self.statements: dict[type[nodes.Node], Callable[[Any, frozenset[str]], frozenset[str]]] = {
            nodes.Output: self._output, nodes.If: self._if, nodes.For: self._for, nodes.Assign: self._assign,
        }

    def check(self, tree: nodes.Template) -> None:
        self._body(tree.body, frozenset({"row"}))

    def _body(self, body: list[nodes.Node], names: frozenset[str]) -> None:
        for node in body:
            statement = self.statements.get(type(node)) or self._refuse(node)
            names = statement(node, names)

    def _output(self, node: nodes.Output, names: frozenset[str]) -> frozenset[str]:
        for part in node.nodes:
            if not isinstance(part, nodes.TemplateData):
                self._path(part, names)
        return names

    def _if(self, node: nodes.If, names: frozenset[str]) -> frozenset[str]:
        self._condition(node.test, names)
        self._body(node.body, names)
        for branch in node.elif_:
            self._if(branch, names)
        self._body(node.else_, names)
        return names

    def _for(self, node: nodes.For, names: frozenset[str]) -> frozenset[str]:
        if node.test or node.recursive or node.else_ or not isinstance(node.target, nodes.Name):
            self._fail(node, "for takes one name and one list: decide in the view")
        self._path(node.iter, names)
        self._body(node.body, names | {node.target.name})
        return names

    def _assign(self, node: nodes.Assign, names: frozenset[str]) -> frozenset[str]:
        if not isinstance(node.target, nodes.Name):
            self._fail(node, "set takes one name")
        self._path(node.node, names)
        return names | {node.target.name}

    def _condition(self, node: nodes.Node, names: frozenset[str]) -> None:
        if isinstance(node, nodes.And | nodes.Or):
            self._condition(node.left, names)
            self._condition(node.right, names)
        elif isinstance(node, nodes.Not):
            self._condition(node.node, names)
        else:
            self._path(node, names)

    def _path(self, node: nodes.Node, names: frozenset[str]) -> None:
        if isinstance(node, nodes.Getattr):
            self._path(node.node, names)
        elif isinstance(node, nodes.Getitem):
            self._path(node.node, names)
            if not isinstance(node.arg, nodes.Const):
                self._path(node.arg, names)
        elif not isinstance(node, nodes.Name):
            self._refuse(node)
        elif node.name not in names:
            self._fail(node, f"unknown name {node.name!r}: there is one variable, row")

    def _refuse(self, node: nodes.Node) -> NoReturn:
        found = next((problem for kind, problem in _PROBLEMS if isinstance(node, kind)), None)
        self._fail(node, (found or f"{type(node).__name__.lower()} is not allowed: " + IN_VIEW).format())

    def _fail(self, node: nodes.Node, problem: str) -> NoReturn:
        raise TemplateError(self.template, node.lineno, problem)
