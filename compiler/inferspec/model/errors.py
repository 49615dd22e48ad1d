"""pydantic's findings as ours: one clear message a mistake, at its line, with the key that was meant."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from ..diagnostics import Diagnostic, Edit, Fix, SpecPath, format_path
from ..load import Document, Map
from ..load.limits import MAX_PROBLEMS
from ..nearest import nearest, restart
from .keys import described_at, keys_at, models_at
from .meant import meant_keys, near_key, renamed
from .platform import API_VERSION, Platform

_KINDS = {
    "string_type": "text",
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "dict_type": "a map",
    "model_type": "a map",
    "model_attributes_type": "a map",
    "tuple_type": "a list",
    "list_type": "a list",
}

_MOST = 4 * MAX_PROBLEMS
"""Findings of pydantic's that are looked at: each alternative of a value has its own."""

_LIMITS = {
    "greater_than_equal": "is at least {ge}, not {found}",
    "less_than_equal": "is at most {le}, not {found}",
    "too_short": "needs {min_length} or more entries, this has {actual_length}",
    "string_too_short": "has at least {min_length} characters, not {found}",
    "string_too_long": "has at most {max_length} characters, not {found}",
    "string_pattern_mismatch": "has the form {pattern}, {found} has not",
}


def read_platform(document: Document) -> tuple[Platform | None, list[Diagnostic]]:
    """The typed spec and what is wrong with its shape.

    A mistyped key is said, and read as the key that was meant, in ``document`` too: what follows from its absence is no mistake of its own.
    Other entries with a mistake are left out, so that later checks still see the rest; None where what is left is no spec.
    """
    version = document.root.get("apiVersion") if isinstance(document.root, Map) else None
    if isinstance(version, str) and version != API_VERSION:
        return None, [
            Diagnostic(
                "SPC005",
                f"this inferspec reads {API_VERSION}, not {version}",
                document.span(("apiVersion",)),
                path=("apiVersion",),
                help=f"write 'apiVersion: {API_VERSION}', or use the inferspec release that knows {version}",
            )
        ]
    restart()
    found: list[Diagnostic] = []
    meant: list[SpecPath] = []
    while True:
        try:
            return Platform.model_validate(document.root), found
        except ValidationError as error:
            items = error.errors(include_url=False)
            now = list(_once(_diagnose(item, document) for item in items[:_MOST]))
        # What does not suit a key that was guessed says that the guess was wrong, not that there is a second mistake.
        found += [d for d in now if d.path not in meant]
        if len(found) > MAX_PROBLEMS or len(items) > _MOST:  # what they hide is not guessed at
            return None, _capped(found)
        # A key that was guessed is not guessed again: it would go round for ever.
        guessed = [(p, key) for p, key in meant_keys(document.root, now) if p not in meant and (*p[:-1], key) not in meant]
        if not guessed:
            break
        for path, key in guessed:
            document.root = renamed(document.root, path, key)
            meant.append((*path[:-1], key))
    # Without the unknown keys alone, else without every entry that holds a mistake.
    for keys in (True, False):
        try:
            left = _pruned(document.root, [(d.path, keys and (d.code == "SPC001" or d.path in meant)) for d in (*found, *now)])
            return Platform.model_validate(left), found
        except ValidationError:
            continue
    return None, found


def _capped(found: list[Diagnostic]) -> list[Diagnostic]:
    """The first mistakes of a spec that has so many that it was made for another program, or by one."""
    shown = found[:MAX_PROBLEMS]
    shown[-1] = replace(shown[-1], notes=(*shown[-1].notes, f"{len(shown)} mistakes so far; the rest of the spec was not checked"))
    return shown


def _pruned(root: Any, mistakes: list[tuple[SpecPath, bool]]) -> Any:
    """The spec without unknown keys and without the entries (a service, a cluster, a class) that hold a mistake."""
    cut: _Cut = {}
    for path, unknown in mistakes:
        depth = len(path) if unknown else (4 if path[:1] == ("regions",) else 2)
        if len(path) >= depth > 0:
            _mark(cut, path[:depth])
    return _without(root, cut)


_Cut = dict[str | int, Any]
"""What is left out of a map: a step leads to what is left out below it, or to None where all of it is."""


def _mark(cut: _Cut, path: SpecPath) -> None:
    for step in path[:-1]:
        below = cut.setdefault(step, {})
        if below is None:
            return
        cut = below
    cut[path[-1]] = None


def _without(node: Any, cut: _Cut) -> Any:
    """The maps on the way are copied once, however much is left out of them."""
    if not isinstance(node, dict):
        return node
    return {key: _without(value, cut[key]) if key in cut else value for key, value in node.items() if cut.get(key, cut) is not None}


def _once(found: Iterator[Diagnostic]) -> Iterator[Diagnostic]:
    """Alternatives of a union fail one by one; the reader wants one message a place.

    A key that is there under a mistyped name is not missing as well.
    """
    seen: set[tuple[SpecPath, str]] = set()
    listed = list(found)
    mistyped = {(*d.path[:-1], d.fix.edits[0].text) for d in listed if d.fix is not None}
    # What is wrong within a map is not that it is a map.
    around = {d.path[:end] for d in listed for end in range(1, len(d.path))}
    for diagnostic in listed:
        if diagnostic.path in (mistyped if diagnostic.code == "SPC002" else around if diagnostic.code == "SPC003" else ()):
            continue
        key = (diagnostic.path, "shape" if diagnostic.code in ("SPC003", "SPC004") else diagnostic.code + diagnostic.message)
        if key not in seen:
            seen.add(key)
            yield diagnostic


def _diagnose(item: Any, document: Document) -> Diagnostic:
    kind, context = item["type"], item.get("ctx", {})
    path = _written(item["loc"], document, last=kind in ("missing", "extra_forbidden"))
    shown = format_path(path)
    if kind == "extra_forbidden":
        return _unknown_key(path, document)
    if kind == "missing":
        return Diagnostic(
            "SPC002",
            f"{format_path(path[:-1]) or 'the spec'} has no {path[-1]}",
            document.span(path[:-1] or ("kind",), key=True),
            path=path,
            help=described_at(path),
        )
    if kind in _KINDS:
        message = f"{shown} is {_KINDS[kind]}, not {_found(item['input'])}"
        ways = filter(None, (_quoted(kind, item["input"]), described_at(path)))
        return Diagnostic("SPC003", message, document.span(path), path=path, help=_unquoted(kind, item["input"]) or "; ".join(ways))
    if kind == "literal_error":
        wanted = context["expected"].replace("'", "")
        near = nearest(str(item["input"]), wanted.replace(" or ", ", ").split(", "))
        return Diagnostic(
            "SPC004",
            f"{shown}: {_found(item['input'])} is not one of {wanted}",
            document.span(path),
            path=path,
            help=f"did you mean '{near[0]}'?" if near else described_at(path),
        )
    if kind in _LIMITS:
        return Diagnostic(
            "SPC004",
            f"{shown} {_LIMITS[kind].format(found=_found(item['input']), **context)}",
            document.span(path),
            path=path,
            help=described_at(path),
        )
    message = item["msg"][0].lower() + item["msg"][1:]
    span = document.span(path, key=item["loc"][-1] == "[key]")
    return Diagnostic("SPC004", f"{shown}: {message}", span, path=path, help=described_at(path))


def _unquoted(kind: str, found: Any) -> str:
    """The way out where quotes alone make text of it."""
    form = {"int_type": r"-?\d+", "float_type": r"-?\d+(\.\d+)?", "bool_type": "true|false"}.get(kind)
    return f"drop the quotes: {found}" if form and isinstance(found, str) and re.fullmatch(form, found) else ""


def _quoted(kind: str, found: Any) -> str:
    """The way out where only quotes are missing."""
    if kind != "string_type" or not isinstance(found, bool | int | float):
        return ""
    return f'put it in quotes: "{str(found).lower() if isinstance(found, bool) else found}"'


def _unknown_key(path: SpecPath, document: Document) -> Diagnostic:
    known = sorted(keys_at(path[:-1]))
    near = _by_its_other_name(path) or near_key(str(path[-1]), known, document.root, path[:-1])
    span = document.span(path, key=True)
    owner = format_path(path[:-1]) or "the spec"
    if near:
        edit = Edit(span.file, span.line, span.column, span.line, span.end_column, near)
        return Diagnostic(
            "SPC001",
            f"{owner} has no key '{path[-1]}'",
            span,
            path=path,
            help=f"did you mean '{near}'?",
            fix=Fix(f"write '{near}'", (edit,)),
        )
    return Diagnostic(
        "SPC001", f"{owner} has no key '{path[-1]}'", span, path=path, help=f"its keys are {', '.join(known)}" if known else ""
    )


_CALLED = {"canary": {"share": "weight", "percent": "weight"}}
"""Key -> what people write below it -> what was meant."""


def _by_its_other_name(path: SpecPath) -> str:
    """The key that people call so, or whose text names ``num_hidden_layers`` or its like: what it is called in a config.json. Empty where
    none or several do."""
    word = str(path[-1])
    if len(path) > 1 and word in (called := _CALLED.get(str(path[-2]), {})):
        return called[word]
    if not re.fullmatch(r"[a-z0-9]+(_[a-z0-9]+)+", word):
        return ""
    fields = [field for model in models_at(path[:-1]) for field in model.model_fields.values()]
    named = {str(field.alias) for field in fields if re.search(rf"\b{word}\b", (field.description or "").partition(";")[0])}
    return named.pop() if len(named) == 1 else ""


_NOTHING = object()


def _below(node: Any, step: str | int) -> Any:
    """What stands at ``step`` of a map or a list, or ``_NOTHING``."""
    if isinstance(node, dict):
        return node.get(step, _NOTHING)
    return node[step] if isinstance(node, list) and isinstance(step, int) and step < len(node) else _NOTHING


def _written(location: tuple[str | int, ...], document: Document, *, last: bool) -> SpecPath:
    """pydantic's location without the names of union branches: steps that the spec itself does not have."""
    path: list[str | int] = []
    node: Any = document.root
    for position, step in enumerate(location):
        if last and position == len(location) - 1:
            path.append(step)
        elif (below := _below(node, step)) is not _NOTHING:
            path.append(step)
            node = below
        elif step == "[key]":
            break
    return tuple(path)


def _found(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return f"the truth value {str(value).lower()}"
    if isinstance(value, (int, float)):
        return f"the number {value}"
    if isinstance(value, dict):
        return "a map"
    return "a list" if isinstance(value, list) else repr(value)
