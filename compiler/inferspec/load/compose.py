"""YAML events to maps and lists with positions, refusing what specs may not hold.

Built on PyYAML's C event parser: its own composer and constructor take four times as long, keep the last of two equal
keys and follow YAML 1.1. One problem does not hide the next: what is refused is reported and read past.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
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

from ..diagnostics import Diagnostic
from .limits import MAX_DEPTH, MAX_KEY, MAX_NODES, MAX_SCALAR
from .nodes import Map, Seq
from .problems import Problems, Stop
from .read import FORBIDDEN
from .scalars import Ambiguous, resolve
from .syntax import explain, shown

_UNSEEN = object()


class Tally:
    """Values that were read, over several texts."""

    values = 0


def compose(text: str, file: str, tally: Tally | None = None) -> tuple[Any, bool, list[Diagnostic]]:
    """(top-level value, whether the whole text was read, problems). The value is None for a text without content."""
    problems = Problems(file)
    composer = _Composer(text, problems)
    collects = gc.isenabled()
    gc.disable()  # nothing built here is garbage or a cycle, and collecting it again and again is slow
    try:
        return composer.document(), True, problems.found
    except Stop:
        return None, False, problems.found
    except YAMLError as error:
        found = problems.found
        if found and found[-1].code == "SYN035":
            found.pop()  # text that ran on into what broke: one mistake
        return None, False, [*found, *explain(error, text, file)]
    finally:
        if tally is not None:
            tally.values += MAX_NODES - composer.left
        if collects:
            gc.enable()


class _Composer:
    """One pass over the events of one text. ``_map`` and ``_seq`` are the hot loops: 100,000 turns for a large spec."""

    __slots__ = ("ended", "known", "left", "next", "path", "problems")

    def __init__(self, text: str, problems: Problems) -> None:
        self.next: Callable[[], Any] = CParser(text).get_event
        self.problems = problems
        self.path = problems.path
        self.known: dict[str, Any] = {}  # plain scalars met so far: most occur many times
        self.left = MAX_NODES
        self.ended: Any = None  # end mark of the collection read last

    def document(self) -> Any:
        self.next()  # stream start
        start = self.next()
        if not isinstance(start, DocumentStartEvent):
            return None  # a stream without documents
        if start.version or start.tags:
            self.problems.report("SYN023", start.start_mark)
        root = self._value(self.next(), 1)
        self.next()  # document end
        after = self.next()
        if isinstance(after, DocumentStartEvent):
            self.problems.report("SYN012", after.start_mark, after.end_mark)
        return root

    def _map(self, depth: int) -> Map:
        found = Map(self.problems.file)
        marks, take, known, path = found.marks, self.next, self.known, self.path
        path.append("")
        while True:
            event = take()
            key: str | None
            if type(event) is not ScalarEvent:
                if type(event) is MappingEndEvent:
                    break
                path[-1] = ""
                self._skip_key(event)
                key = None
            elif event.style or event.anchor or event.tag or type(key := known.get(event.value)) is not str:
                path[-1] = ""
                key = self._key(event)
            path[-1] = key or ""
            name, event = event, take()
            at, start = name.start_mark, event.start_mark
            value = self._value(event, depth)
            end = self.ended if type(value) is Map or type(value) is Seq else event.end_mark
            line = start.line
            if key is None:
                continue
            if key in found:
                self.problems.duplicate(key, name, marks[key])
                continue
            found[key] = value
            marks[key] = (at.line + 1, at.column + 1, line + 1, start.column + 1, end.column + 1 if end.line == line else 0)
        path.pop()
        self.ended = event.end_mark
        return found

    def _seq(self, depth: int) -> Seq:
        found = Seq(self.problems.file)
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
        kind = type(event)
        if kind is ScalarEvent:
            if not event.style and not event.tag and not event.anchor:
                value = self.known.get(event.value, _UNSEEN)
                if value is not _UNSEEN and event.start_mark.line == event.end_mark.line:
                    return value
            return self._scalar(event)
        if kind is AliasEvent:
            self.problems.report("SYN020", event.start_mark, event.end_mark, what=shown(f"*{event.anchor}"))
            return None
        self._refuse_properties(event)
        if depth > MAX_DEPTH:
            self.problems.report("SYN040", event.start_mark, event.end_mark)
            raise Stop
        value = self._map(depth + 1) if kind is MappingStartEvent else self._seq(depth + 1)
        if not event.flow_style:
            self.ended = _BLOCK
        return value

    def _scalar(self, event: Any) -> Any:
        text: str = event.value
        self._refuse_properties(event)
        start, end = event.start_mark, event.end_mark
        if len(text) > MAX_SCALAR:
            self.problems.report("SYN042", start, what=f"a value of {len(text):,}")
            return text[:MAX_SCALAR]
        if event.style:
            if event.style == '"' and not text.isprintable() and (bad := FORBIDDEN.search(text.replace("\r\n", "\n"))):
                self.problems.report("SYN005", start, end, what=f"U+{ord(bad[0]):04X}")
            return text
        if start.line != end.line:
            self.problems.report("SYN035", start)
            return text
        value = resolve(text)
        if isinstance(value, Ambiguous):
            self.problems.ambiguous(text, value, start, end)
            return text
        if len(text) <= MAX_KEY:
            self.known[text] = value
        return value

    def _key(self, event: Any) -> str | None:
        """The key of a scalar event; None, with a problem, where it cannot be one."""
        text: str = event.value
        start, end = event.start_mark, event.end_mark
        if text == "<<":  # in quotes too: kustomize would write it without them
            self._refuse_properties(event)
            self.problems.report("SYN021", start, end)
            return None
        if len(text) > MAX_KEY:
            self.problems.report("SYN042", start, what=f"a key of {len(text):,}")
            return None
        known = len(self.problems.found)
        key = self._scalar(event)
        if not isinstance(key, str) and len(self.problems.found) == known:
            self.problems.report("SYN031", start, end, what=f"the key {shown(text)} is not text" if text else "an empty key")
        return text

    def _skip_key(self, event: Any) -> None:
        """Read past a key that is an alias, a list or a map."""
        if type(event) is AliasEvent:
            self._value(event, 1)
            return
        start, end, opened = event.start_mark, event.end_mark, 1
        while opened:
            inner = self.next()
            self.left -= 1
            if self.left < 0:
                self._exhausted(inner)
            opened += isinstance(inner, (MappingStartEvent, SequenceStartEvent))
            opened -= isinstance(inner, (MappingEndEvent, SequenceEndEvent))
        self.problems.report("SYN031", start, end, what="a map or list stands where a key belongs")

    def _exhausted(self, event: Any) -> NoReturn:
        self.problems.report("SYN041", event.start_mark)
        raise Stop

    def _refuse_properties(self, event: Any) -> None:
        if event.anchor:
            self.problems.report("SYN020", event.start_mark, what=shown(f"&{event.anchor}"))
        if event.tag:
            self.problems.report("SYN022", event.start_mark, what=shown(event.tag.replace("tag:yaml.org,2002:", "!!")))


class _Block:
    """Stands for the end of a block, which has no end column even where it fits one line."""

    line = -1
    column = -1


_BLOCK = _Block()
