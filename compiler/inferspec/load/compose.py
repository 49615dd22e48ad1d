"""YAML events to maps and lists with positions, refusing what specs may not hold.

Built on PyYAML's C event parser: its own composer and constructor take four times as long, keep the last of two equal
keys and follow YAML 1.1. One problem does not hide the next: what is refused is reported and read past.
"""

from __future__ import annotations

import gc
from typing import Any, NoReturn

from yaml import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    YAMLError,
)
from yaml._yaml import CParser

from ..diagnostics import Diagnostic, Edit, Fix, Span, SpecPath
from .limits import MAX_DEPTH, MAX_KEY, MAX_NODES, MAX_PROBLEMS, MAX_SCALAR
from .nodes import KeyMark, Map, Seq
from .read import FORBIDDEN
from .scalars import Ambiguous, resolve
from .syntax import explain, shown

_UNSEEN = object()


class _Stop(Exception):
    """Reading on is pointless; the reason is already among the problems."""


def compose(text: str, file: str) -> tuple[Any, bool, list[Diagnostic]]:
    """(top-level value, whether the whole text was read, problems). The value is None for a text without content."""
    composer = _Composer(text, file)
    collects = gc.isenabled()
    gc.disable()  # nothing built here is garbage or a cycle; collections cost a quarter of the time
    try:
        return composer.document(), True, composer.found
    except _Stop:
        return None, False, composer.found
    except YAMLError as error:
        found = composer.found
        if found and found[-1].code == "SYN035":
            found.pop()  # text that ran on into what broke: one mistake
        return None, False, [*found, *explain(error, text, file)]
    finally:
        if collects:
            gc.enable()


class _Composer:
    __slots__ = ("ended", "file", "found", "known", "left", "next", "path")

    def __init__(self, text: str, file: str) -> None:
        self.next = CParser(text).get_event
        self.file = file
        self.found: list[Diagnostic] = []
        self.known: dict[str, Any] = {}
        self.left = MAX_NODES
        self.path: list[str | int] = []
        self.ended: Any = None  # end mark of the collection read last

    def document(self) -> Any:
        self.next()  # stream start
        start = self.next()
        if not isinstance(start, DocumentStartEvent):
            return None  # a stream without documents
        if start.version or start.tags:
            self._report("SYN023", "the file sets YAML directives", start.start_mark, None, "delete the lines that start with %")
        root = self._value(self.next(), 1)
        self.next()  # document end
        after = self.next()
        if isinstance(after, DocumentStartEvent):
            help = "delete the '---' line, or put the second document in a file of its own and include it"
            self._report("SYN012", "a second document starts here; a spec is one document", after.start_mark, after.end_mark, help)
        return root

    def _map(self, depth: int) -> Map:
        found = Map(self.file)
        marks, take, known, path = found.marks, self.next, self.known, self.path
        path.append("")
        while True:
            event = take()
            if type(event) is not ScalarEvent:
                if type(event) is MappingEndEvent:
                    break
                path[-1] = ""
                key = self._odd_key(event)
            elif event.style or event.anchor or event.tag or type(key := known.get(event.value)) is not str:
                path[-1] = ""
                key = self._key(event)
            path[-1] = key
            name, event = event, take()
            at, start = name.start_mark, event.start_mark
            value = self._value(event, depth)
            end = self.ended if type(value) is Map or type(value) is Seq else event.end_mark
            line = start.line
            mark = (at.line + 1, at.column + 1, line + 1, start.column + 1, end.column + 1 if end.line == line else 0)
            if key in found:
                self._duplicate(key, name, marks[key])
            elif key is not None:
                found[key] = value
                marks[key] = mark
        path.pop()
        self.ended = event.end_mark
        return found

    def _seq(self, depth: int) -> Seq:
        found = Seq(self.file)
        marks, take, path = found.marks, self.next, self.path
        path.append(0)
        while type(event := take()) is not SequenceEndEvent:
            path[-1] = len(found)
            start = event.start_mark
            value = self._value(event, depth)
            end = self.ended if type(value) is Map or type(value) is Seq else event.end_mark
            line = start.line
            found.append(value)
            marks.append((line + 1, start.column + 1, end.column + 1 if end.line == line else 0))
        path.pop()
        self.ended = event.end_mark
        return found

    def _value(self, event: Any, depth: int) -> Any:
        self.left -= 1
        if self.left < 0:
            self._exhausted(event)
        if type(event) is ScalarEvent:
            if not event.style and not event.tag and not event.anchor:
                value = self.known.get(event.value, _UNSEEN)
                if value is not _UNSEEN and event.start_mark.line == event.end_mark.line:
                    return value
            return self._scalar(event)
        if type(event) is AliasEvent:
            help = "write the value out; overrides and classes are the spec's own way to share settings"
            self._report(
                "SYN020",
                f"aliases are not part of the spec language: *{shown(event.anchor)}",
                event.start_mark,
                event.end_mark,
                help,
            )
            return None
        self._properties(event)
        if depth > MAX_DEPTH:
            self._report(
                "SYN040",
                f"more than {MAX_DEPTH} levels inside one another",
                event.start_mark,
                event.end_mark,
                "no part of the language is nearly this deep",
            )
            raise _Stop
        value = self._map(depth + 1) if type(event) is MappingStartEvent else self._seq(depth + 1)
        if not event.flow_style:
            self.ended = _BLOCK
        return value

    def _scalar(self, event: Any) -> Any:
        text = event.value
        self._properties(event)
        start, end = event.start_mark, event.end_mark
        if len(text) > MAX_SCALAR:
            self._report(
                "SYN042",
                f"a value of {len(text):,} characters; at most {MAX_SCALAR:,} are allowed",
                start,
                None,
                "put long content in a file of its own",
            )
            return text[:MAX_SCALAR]
        if event.style:
            if event.style == '"' and not text.isprintable() and (bad := FORBIDDEN.search(text.replace("\r\n", "\n"))):
                self._report(
                    "SYN005",
                    f"the value holds U+{ord(bad[0]):04X}, written as an escape",
                    start,
                    end,
                    "delete the escape: no field may hold this character",
                )
            return text
        if start.line != end.line:
            help = "indent as its neighbours if it is a key or an item of its own; quote it, or use '>-', if it is one text"
            self._report("SYN035", "unquoted text runs on over the next line", start, None, help)
            return text
        return self._plain(text, event)

    def _plain(self, text: str, event: Any) -> Any:
        value = resolve(text)
        if not isinstance(value, Ambiguous):
            if len(text) <= MAX_KEY:
                self.known[text] = value
            return value
        start, end = event.start_mark, event.end_mark
        fix = None
        if value.certain:
            edit = Edit(self.file, start.line + 1, start.column + 1, end.line + 1, end.column + 1, value.certain)
            fix = Fix(f"write {value.certain}", (edit,))
        self._report(value.code, f"{shown(text)} {value.why}", start, end, value.help, fix=fix)
        return text

    def _key(self, event: Any) -> str | None:
        """The key of a scalar event; None, with a problem, where it is no string."""
        if event.value == "<<" and not event.style:
            self._properties(event)
            self._report(
                "SYN021",
                "merge keys are not part of the spec language",
                event.start_mark,
                event.end_mark,
                "write the keys out, or use overrides",
            )
            return None
        if len(event.value) > MAX_KEY:
            message = f"a key of {len(event.value):,} characters; at most {MAX_KEY} are allowed"
            self._report("SYN042", message, event.start_mark, None, "choose a shorter key")
            return None
        problems = len(self.found)
        key = self._scalar(event)
        if isinstance(key, str):
            return key
        if len(self.found) == problems:
            what = "an empty key" if not event.value else f"the key {shown(event.value)} is not text"
            self._report("SYN031", what, event.start_mark, event.end_mark, "quote it")
        return event.value

    def _odd_key(self, event: Any) -> None:
        if type(event) is AliasEvent:
            self._value(event, 1)
            return
        start, end, open_ = event.start_mark, event.end_mark, 1
        while open_:
            inner = self.next()
            self.left -= 1
            if self.left < 0:
                self._exhausted(inner)
            open_ += isinstance(inner, (MappingStartEvent, SequenceStartEvent)) - isinstance(
                inner, (MappingEndEvent, SequenceEndEvent)
            )
        help = "keys are text; quote a value that starts with '{' or '['"
        self._report("SYN031", "a map or list stands where a key belongs", start, end, help)

    def _exhausted(self, event: Any) -> NoReturn:
        self._report(
            "SYN041", f"the file has more than {MAX_NODES:,} values", event.start_mark, None, "split it into included files"
        )
        raise _Stop

    def _properties(self, event: Any) -> None:
        if event.anchor:
            help = "delete it and write shared values out; overrides and classes are the spec's own way to share settings"
            self._report(
                "SYN020", f"anchors are not part of the spec language: &{shown(event.anchor)}", event.start_mark, None, help
            )
        if event.tag:
            self._report(
                "SYN022",
                f"tags are not part of the spec language: {shown(event.tag.replace('tag:yaml.org,2002:', '!!'))}",
                event.start_mark,
                None,
                "delete it; quote the value if it is text",
            )

    def _duplicate(self, key: str, event: Any, first: KeyMark) -> None:
        related = (Span(self.file, first[0], first[1], first[1] + len(key), "first set here"),)
        span = self._between(event.start_mark, event.end_mark)
        message = f"the key {shown(key)} is set twice in one map"
        self._add(Diagnostic("SYN030", message, span, path=self._here(), related=related, help="keep one of the two"))

    def _report(self, code: str, message: str, start: Any, end: Any, help: str, *, fix: Fix | None = None) -> None:
        self._add(Diagnostic(code, message, self._between(start, end), path=self._here(), help=help, fix=fix))

    def _between(self, start: Any, end: Any) -> Span:
        on_one_line = end is not None and end.line == start.line and end.column > start.column
        return Span(self.file, start.line + 1, start.column + 1, end.column + 1 if on_one_line else 0)

    def _here(self) -> SpecPath:
        return tuple(step for step in self.path if step is not None and step != "")

    def _add(self, problem: Diagnostic) -> None:
        self.found.append(problem)
        if len(self.found) == MAX_PROBLEMS:
            help = "is this the right file?"
            self.found.append(
                Diagnostic("SYN043", f"{MAX_PROBLEMS} problems so far; the rest of the file was not read", problem.span, help=help)
            )
            raise _Stop


class _Block:
    """Stands for the end of a block, which has no end column even where it fits one line."""

    line = -1
    column = -1


_BLOCK = _Block()
