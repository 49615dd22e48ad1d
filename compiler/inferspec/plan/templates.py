"""Manifest templates: Jinja2 with everything removed but "put this here", "is it there" and "for each".

No value passes through YAML text: each ``{{ }}`` is written as a numbered mark, the text is parsed once, and marks become
what they stand for. So a value can neither break out of its scalar nor be retyped, and a mark that is not one whole scalar
is found.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, NoReturn

import jinja2
from jinja2 import nodes

from . import template_rules
from .reading import ReadError, read_manifests
from .scalars import MARK_CLOSE, MARK_OPEN
from .template_rules import IN_VIEW, Rules, TemplateError

PREPARED = Path(__file__).parent.parent / "templates" / "prepared.json"
"""Programs that the build made of the package's templates: two thirds of the time that a template takes."""

_MARK = re.compile(f"{MARK_OPEN}([0-9]+){MARK_CLOSE}")
_PART = re.compile(r'^([ ]*){% include "([a-z-]+)" %}\n', re.MULTILINE)


class Opaque:
    """A leaf as a template sees it: there, and nothing else. ``leaf`` is what the parsed manifest gets: a hole, or the key of a map."""

    __slots__ = ("leaf",)

    def __init__(self, leaf: Any) -> None:
        self.leaf = leaf

    def __bool__(self) -> bool:
        return True

    def _refuse(self, *_: Any) -> NoReturn:
        raise TypeError("a value is opaque to templates: " + IN_VIEW)

    __str__ = __format__ = __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __hash__ = _refuse
    __add__ = __radd__ = __sub__ = __mul__ = __mod__ = __iter__ = __contains__ = __len__ = __getitem__ = _refuse


class RecordView:
    """A record as a template sees it: fields by name, no methods."""

    __slots__ = ("fields",)

    def __init__(self, fields: dict[str, Any]) -> None:
        self.fields = fields


class _Environment(jinja2.Environment):
    """Attribute and item look-up over row views only; what is printed is recorded, with its line, and left as a mark."""

    def __init__(self) -> None:
        super().__init__(undefined=jinja2.StrictUndefined, finalize=self._record, trim_blocks=True, lstrip_blocks=True,
                         keep_trailing_newline=True, autoescape=False, optimized=False, cache_size=0)
        self.filters.clear()
        self.tests.clear()
        self.globals.clear()
        self.printed: list[tuple[Any, int]] = []

    def _record(self, printed: tuple[Any, int]) -> str:
        value = printed[0]
        if isinstance(value, jinja2.Undefined):
            value._fail_with_undefined_error()
        self.printed.append(printed)
        return f'"{MARK_OPEN}{len(self.printed) - 1}{MARK_CLOSE}"'

    def getattr(self, obj: Any, attribute: str) -> Any:
        fields = obj.fields if isinstance(obj, RecordView) else obj
        if isinstance(fields, dict) and attribute in fields:
            return fields[attribute]
        return self.undefined(f"there is no {attribute!r}", name=attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        if isinstance(argument, Opaque):
            argument = argument.leaf
        if isinstance(obj, dict) and isinstance(argument, str) and argument in obj:
            return obj[argument]
        return self.undefined(f"there is no item {argument!r}", name=str(argument))


class Template:
    """One object's template. The rules that need no row are checked here, the rest whenever a shape is rendered."""

    def __init__(self, name: str, source: str, environment: _Environment) -> None:
        self.name = name
        self._lines = source.splitlines()
        self._environment = environment
        decided, program = _prepared().get(name, ("", ""))
        if decided != _digest(source):
            program = _program(name, source, environment)
        self._code = jinja2.Template.from_code(environment, compile(program, f"<{name}>", "exec"), {})

    def render(self, row: RecordView) -> dict[str, Any]:
        """The manifest with each ``{{ }}`` replaced by what it stands for; raises TemplateError."""
        environment = self._environment
        environment.printed = []
        try:
            text = self._code.render(row=row)
        except (jinja2.UndefinedError, TypeError) as error:
            raise TemplateError(self.name, self._failed_at(error), str(error)) from None
        return self._read(text, environment.printed)

    def _read(self, text: str, printed: list[tuple[Any, int]]) -> dict[str, Any]:
        seen = set()

        def leaf(scalar: str, line: int) -> Any:
            marks = list(_MARK.finditer(scalar))
            if not marks:
                return scalar
            number = int(marks[0][1])
            if marks[0].span() != (0, len(scalar)):
                part = _MARK.sub("{{ }}", scalar)
                raise TemplateError(self.name, printed[number][1], f"part of a scalar: {part!r}; join with text() in the view")
            seen.add(number)
            return self._stands_for(*printed[number])

        try:
            documents = read_manifests(text, leaf)
        except ReadError as error:
            raise TemplateError(self.name, *self._explained(text, error, printed)) from None
        for number, (_, line) in enumerate(printed):
            if number not in seen:
                raise TemplateError(self.name, line, "{{ }} does not reach the manifest")
        if len(documents) != 1 or not isinstance(documents[0], dict):
            raise TemplateError(self.name, 1, f"a template makes one object, this made {len(documents)}")
        return documents[0]

    def _stands_for(self, value: Any, line: int) -> Any:
        if value is None:
            raise TemplateError(self.name, line, "None inside {{ }}: ask {% if %} first, an empty field is omitted")
        if isinstance(value, RecordView) or (isinstance(value, list | dict) and not value):
            raise TemplateError(self.name, line, "a record or an empty collection inside {{ }}: ask {% if %} first")
        return _plain(value)

    def _explained(self, text: str, error: ReadError, printed: list[tuple[Any, int]]) -> tuple[int, str]:
        """The template line behind a line of the rendered text (by its marks, else by the same text) and the problem."""
        rendered = (text.splitlines() or [""])[min(error.line, len(text.splitlines())) - 1]
        if mark := _MARK.search(rendered):
            hint = "" if "hole" in error.problem else "; each {{ }} is one whole scalar or collection"
            return printed[int(mark[1])][1], error.problem + hint
        same = [number for number, source in enumerate(self._lines, 1) if source.strip() == rendered.strip()]
        return same[0] if same else min(error.line, len(self._lines) or 1), error.problem

    def _failed_at(self, error: Exception) -> int:
        line, trace = 1, error.__traceback__
        while trace:
            if trace.tb_frame.f_code.co_filename == f"<{self.name}>":
                line = trace.tb_lineno
            trace = trace.tb_next
        return line


def with_parts(source: str, loader: Callable[[str], str]) -> str:
    """Each line ``{% include "part" %}`` replaced by that template's text, as far to the right as the line stands.

    Text, not Jinja's own include: a part is a piece of one manifest, indented by where it is put.
    """

    def part(match: re.Match[str]) -> str:
        lines = with_parts(loader(match[2]), loader).splitlines(keepends=True)
        return "".join(match[1] + line if line.strip() else line for line in lines)

    return _PART.sub(part, source)


def environment() -> _Environment:
    return _Environment()


def prepare(folder: Path) -> str:
    """What the build keeps of the templates of a folder, as JSON: name -> (digest of what decides, program in Python)."""

    def text(name: str) -> str:
        return (folder / f"{name}.yaml.j2").read_text(encoding="utf-8")

    found = {}
    for file in sorted(folder.glob("*.yaml.j2")):
        name = file.name.removesuffix(".yaml.j2")
        source = with_parts(text(name), text)
        with suppress(TemplateError):  # a part of others may not stand alone
            found[name] = _digest(source), _program(name, source, environment())
    return json.dumps(found, indent=0, sort_keys=True) + "\n"


@cache
def _prepared() -> dict[str, tuple[str, str]]:
    try:
        held = json.loads(PREPARED.read_text(encoding="utf-8"))
        return {name: (str(decided), str(program)) for name, (decided, program) in held.items()}
    except (OSError, ValueError, TypeError, AttributeError):  # a checkout that was not built: programs are made when they are needed
        return {}


@cache
def _rules() -> bytes:
    return b"".join([jinja2.__version__.encode(), *[Path(file).read_bytes() for file in (__file__, template_rules.__file__)]])


def _digest(source: str) -> str:
    return sha256(_rules() + source.encode()).hexdigest()


def _program(name: str, source: str, environment: _Environment) -> str:
    if MARK_OPEN in source or MARK_CLOSE in source:
        raise TemplateError(name, 1, "a reserved mark character")
    try:
        tree = environment.parse(source)
        Rules(name).check(tree)
        return environment.compile(_with_lines(tree), name=name, raw=True)
    except jinja2.TemplateSyntaxError as error:
        raise TemplateError(name, error.lineno, error.message or "syntax error") from None


def _plain(value: Any) -> Any:
    if isinstance(value, Opaque):
        return value.leaf
    if isinstance(value, RecordView):
        raise TypeError("a record inside a collection inside {{ }}")
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {_plain(key): _plain(item) for key, item in value.items()}
    return value


def _with_lines(template: nodes.Template) -> nodes.Template:
    """``{{ x }}`` becomes ``{{ (x, line) }}``, so that a mark knows where it was written."""
    for output in template.find_all(nodes.Output):
        output.nodes = [
            node if isinstance(node, nodes.TemplateData)
            else nodes.Tuple([node, nodes.Const(node.lineno, lineno=node.lineno)], "load", lineno=node.lineno)
            for node in output.nodes
        ]
    return template
