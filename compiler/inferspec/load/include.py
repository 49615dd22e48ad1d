"""Files that a spec includes: each team writes its own, and only what is its own."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath
from typing import Any

from ..diagnostics import Diagnostic, Span
from .compose import Tally, compose
from .limits import MAX_INCLUDED_BYTES, MAX_INCLUDED_NODES, MAX_INCLUDES
from .nodes import Document, Map, Seq
from .read import display_name, read_source
from .syntax import shown

TEAM_KEYS = ("serving", "models")
"""What a team's file may hold, beside ``team``."""


def graft(document: Document, path: Path, root: Path) -> list[Diagnostic]:
    """Read the files under ``include`` and add their entries to ``document``, each entry with its own file's marks."""
    found: list[Diagnostic] = []
    assert isinstance(document.root, Map)
    entries = document.root.get("include")
    if entries is None:
        return found
    if not isinstance(entries, Seq):
        at, help = document.span(("include",)), "write include: [teams/search.yaml]"
        return [Diagnostic("SYN050", "include is not a list of files", at, path=("include",), help=help)]
    if len(entries) > MAX_INCLUDES:
        message, help = f"the spec includes {len(entries):,} files, at most {MAX_INCLUDES} are read", "one file for each team"
        return [Diagnostic("SYN041", message, document.span(("include",)), path=("include",), help=help)]
    # By what is read: a link is another name of one file.
    seen: dict[str, Span] = {os.path.realpath(path): document.span(("include",), key=True)}
    sizes, tally = 0, Tally()
    for i, entry in enumerate(entries):
        where = ("include", i)
        at = document.span(where)
        if refused := _refused(entry):
            code, message, help = refused
            found.append(Diagnostic(code, message, at, path=where, help=help))
            continue
        file = path.parent / entry
        name, real = display_name(file, root), os.path.realpath(file)
        if real in seen:
            related = (seen[real].labelled("already here"),)
            message = f"{name} is included twice"
            found.append(Diagnostic("SYN052", message, at, path=where, related=related, help="delete this entry"))
            continue
        seen[real] = at
        found += _graft_file(document, file, root, at, tally)
        sizes += len(document.texts.get(name, "").encode())
        if sizes > MAX_INCLUDED_BYTES or tally.values > MAX_INCLUDED_NODES:
            found.append(_too_much(sizes, at))
            break
    return found


def _too_much(size: int, at: Span) -> Diagnostic:
    large = size > MAX_INCLUDED_BYTES
    what = f"larger than {MAX_INCLUDED_BYTES // 1_000_000} MB" if large else f"more than {MAX_INCLUDED_NODES:,} values"
    message = f"the files included up to here are {what} together; the rest was not read"
    return Diagnostic("SYN003" if large else "SYN041", message, at, path=("include",), help="make two platforms of it")


def _refused(entry: Any) -> tuple[str, str, str] | None:
    """(code, message, help) for an entry that names no file below the spec's folder."""
    if not isinstance(entry, str) or not entry:
        return "SYN050", "an entry of include is not a file name", "write a path such as teams/search.yaml"
    parts = PurePosixPath(entry).parts
    if "\\" in entry or entry.startswith(("/", "~")) or ".." in parts or ":" in entry:
        help = "write a path relative to this spec, below its folder, with '/'"
        return "SYN002", f"{shown(entry)} is not a relative path below this folder", help
    if not entry.endswith((".yaml", ".yml")):
        return "SYN050", f"{shown(entry)} is not a .yaml file", "name one file an entry; patterns are not expanded"
    return None


def _graft_file(document: Document, path: Path, root: Path, cite: Span, tally: Tally) -> list[Diagnostic]:
    source, found = read_source(path, root, cite=cite)
    if source.text is None:
        return found
    document.texts[source.name] = source.text
    if any(problem.code == "SYN006" for problem in found):
        return found
    value, whole, problems = compose(source.text, source.name, tally)
    found += problems
    if not whole:
        return found
    at = Span(source.name, 1, 1, len(document.line(source.name, 1)) + 1)
    team = value.get("team") if isinstance(value, Map) else None
    if not isinstance(team, str) or not team:
        help = "start it with team: NAME, a key of the spec's teams"
        return [*found, Diagnostic("SYN051", "the included file does not say whose it is", at, help=help)]
    own = Document(source.name, value, document.texts)
    for key in value:
        if key not in ("team", *TEAM_KEYS):
            help = f"move it to {document.file}; a team's file holds {' and '.join(TEAM_KEYS)}"
            message, at = f"{shown(key)} is not a team's to set", own.span((key,), key=True)
            found.append(Diagnostic("SYN053", message, at, path=(key,), help=help))
    found += _settle_teams(own, value, team)
    for section in TEAM_KEYS:
        if section in value:
            found += _graft_section(document, own, value, section)
    return found


def _settle_teams(own: Document, value: Map, team: str) -> list[Diagnostic]:
    """A service without a team is given its file's; one that names another team is refused."""
    found = []
    services = value.get("serving")
    for name, service in services.items() if isinstance(services, Map) else ():
        if not isinstance(service, Map):
            continue
        if "team" not in service:
            service["team"], service.marks["team"] = team, value.marks["team"]
        elif service["team"] != team:
            path = ("serving", name, "team")
            message, related = f"service {name} belongs to another team", (own.span(("team",), label=f"this file is {team}'s"),)
            help = "move the service to the file of its team"
            found.append(Diagnostic("SYN055", message, own.span(path), path=path, related=related, help=help))
    return found


def _graft_section(document: Document, own: Document, value: Map, section: str) -> list[Diagnostic]:
    entries = value[section]
    if entries is None:
        return []
    if not isinstance(entries, Map):
        message, help = f"{section} is not a map", "write one key an entry"
        return [Diagnostic("SYN053", message, own.span((section,)), path=(section,), help=help)]
    root = document.root
    assert isinstance(root, Map)
    target = root.get(section)
    if target is None:
        target = root[section] = Map(own.file)
        root.marks[section] = value.marks[section]
        root.grafted = {**(root.grafted or {}), section: own.file}
    if not isinstance(target, Map):
        return []  # the shape of the spec's own section is the model's to report
    grafted = target.grafted = target.grafted or {}
    found = []
    for key, entry in entries.items():
        path = (section, key)
        if key in target:
            message, at = f"{section}.{key} is defined in two files", own.span(path, key=True)
            related = (document.span(path, key=True, label="first defined here"),)
            found.append(Diagnostic("SYN054", message, at, path=path, related=related, help="rename one of the two"))
            continue
        target[key], target.marks[key], grafted[key] = entry, entries.marks[key], own.file
    return found
