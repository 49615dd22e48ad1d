"""``inferspec explain``: the page of a code, or what a key of the spec means."""

from __future__ import annotations

import difflib
import re
from argparse import Namespace

from . import NO_INPUT, USAGE
from .stop import Stop


def run(options: Namespace) -> int:
    subject = options.subject
    if re.fullmatch(r"[A-Za-z]{2,8}\d{3}", subject):
        return _code(subject.upper())
    return _key(subject)


def _code(code: str) -> int:
    from ..rules import codes, page

    known = codes()
    if code not in known:
        near = difflib.get_close_matches(code, list(known), 3)
        raise Stop(NO_INPUT, f"there is no rule {code}" + (f"; did you mean {', '.join(near)}?" if near else ""))
    print(page(code).markdown.rstrip())
    return 0


def _key(text: str) -> int:
    from ..diagnostics import parse_path
    from ..model.errors import field_at, models_at

    try:
        path = parse_path(text.removeprefix("spec."))
    except ValueError as error:
        raise Stop(USAGE, str(error)) from None
    field = field_at(path)
    models = models_at(path)
    if field is None and not models:
        raise Stop(NO_INPUT, f"the spec has no key {text}")
    if field is not None and field.description:
        print(f"{text}: {field.description}")
    for model in models:
        if model.__doc__:
            print(model.__doc__.strip())
        for inner in model.model_fields.values():
            needed = "" if not inner.is_required() else " (required)"
            print(f"  {inner.alias}{needed}: {inner.description or ''}")
    return 0
