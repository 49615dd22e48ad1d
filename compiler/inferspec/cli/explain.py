"""``inferspec explain``: the page of a code, what a key of the spec means and takes, what clients of a service send, where hosts lead."""

from __future__ import annotations

import re
import sys
from argparse import Namespace
from pathlib import Path

from ..report.masking import clean
from . import NO_INPUT, USAGE
from .keys import NAME, Keys, NoKey, Place, did_you_mean, near
from .stop import Stop


def run(options: Namespace) -> int:
    subject = options.subject
    if subject is None:
        return _everything()
    if re.fullmatch(r"[A-Za-z]{2,8}\d{3}", subject):
        return _code(subject.upper(), Path(options.directory))
    return _key(subject, options)


def _everything() -> int:
    from ..rules import codes, page

    keys = Keys()
    print("keys of the spec, each with a page of its own ('inferspec explain serving.chat.scale'):")
    for key, place in keys.properties(keys.schema).items():
        print(f"  {key}: {' '.join(keys.docs(place.node)[:1])}")
    print("\nrules, each with a page of its own ('inferspec explain FIT001'):")
    for code in sorted(codes()):
        print(f"  {code:8} {page(code).title}")
    return 0


def _code(code: str, root: Path) -> int:
    from ..rules import codes, page

    known = codes()
    if code in known:
        print(page(code).markdown.rstrip())
        return 0
    own = _own(root)
    if code in own:
        print(f"{code} is a rule of your own: it is defined in {clean(str(own[code]))}")
        return 0
    alike = near(code, [*sorted(known), *own], cutoff=0.7) or sorted(c for c in known if c[:-3] == code[:-3])[:5]
    raise Stop(NO_INPUT, f"there is no rule {code}{did_you_mean(alike)}")


def _own(root: Path) -> dict[str, str]:
    """The rules of the team's policies, each with the place that defines it."""
    from ..policy.team import read, rule_codes

    found: dict[str, str] = {}
    for path in sorted((root / "policies").glob("*.cue")):
        for policy in read([path], root)[0].values():
            for code in rule_codes([path], root):
                line = next(n for n, text in enumerate(policy.text.split("\n"), 1) if re.search(rf'(?<![\w"])"?{code}"?\s*:', text))
                found.setdefault(code, f"{policy.name}:{line}")
    return found


def _key(text: str, options: Namespace) -> int:
    from ..diagnostics import format_path, parse_path
    from ..rules import codes

    keys = Keys()
    try:
        asked = parse_path(text.removeprefix("spec."))
    except ValueError as error:
        raise Stop(USAGE, str(error)) from None
    path = keys.named(asked)
    if path != asked:
        print(f"{text} is read as {format_path(path)}: a name of your own stands between")
        text = format_path(path)
    try:
        place = keys.at(path)
    except NoKey as unknown:
        rules = near(text, sorted(codes()), cutoff=0.8) if re.fullmatch(r"[A-Za-z]+\d+", text) else []
        raise Stop(NO_INPUT, f"there is no rule {text}{did_you_mean(rules)}" if rules else str(unknown)) from None
    _page(text, keys, place)
    if place.path[:1] == ("serving",) and (len(place.path) == 2 or place.path[2:3] == ("expose",)):
        _by_the_spec("serving", str(place.path[1]), options)
    if place.path[:1] == ("gateways",) and (len(place.path) == 2 or place.path[2:3] in (("dns",), ("host",))):
        _by_the_spec("gateways", str(place.path[1]), options)
    return 0


def _by_the_spec(section: str, name: str, options: Namespace) -> None:
    """What clients of a service send, or where a gateway's hosts lead, where there is a spec that has it."""
    from datetime import date

    from ..outcome import Request
    from ..pipeline import vet
    from . import clients, hosts
    from .session import known_service, spec_path, stopped

    root = Path(options.directory)
    try:
        spec = spec_path(options.file, root)
    except Stop:
        if options.file is not None:
            raise
        return
    outcome = vet(Request(spec, root, date.today()))
    service = section == "serving"
    what = f"what clients of {name} send" if service else f"where the hosts of {name} lead"
    if outcome.fleet is None or stopped(outcome, ()):
        print(f"\n{what} is not known: 'inferspec vet -f {spec}' finds errors", file=sys.stderr)
        return
    if options.file is not None and service:
        known_service(outcome.fleet, name)
    if name in getattr(outcome.fleet.platform, section):
        print(f"\n{what}, by {spec}:")
        print("\n".join(f"  {line}".rstrip() for line in (clients if service else hosts).lines(outcome.fleet, name)))


def _page(text: str, keys: Keys, place: Place) -> None:
    docs = next(filter(None, (keys.docs(keys.at(place.path[:end]).node) for end in range(len(place.path), 0, -1))), [])
    print(f"{text}: {docs[0]}" if docs else text)
    for more in docs[1:]:
        print(more)
    for label, fact in keys.facts(place):
        print(f"  {label}: {fact}")
    inner = keys.properties(place.node)
    if inner:
        print("its keys:")
    elif inner := keys.properties(keys.entry(place.node)):
        print(f"its keys are names of your own; the keys of each ('inferspec explain {text}.{NAME}.{next(iter(inner))}'):")
    for key, field in inner.items():
        told = " ".join(keys.docs(field.node)[:1])
        print(f"  {key}: {told} [{keys.line(field)}]" if told else f"  {key}: [{keys.line(field)}]")
