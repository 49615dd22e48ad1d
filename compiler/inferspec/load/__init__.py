"""Text to values with positions: the first stage, and the only one that reads YAML a person wrote.

Specs are a closed subset of YAML 1.2: maps, lists and scalars. Anchors, aliases, merge keys, tags, directives, a second
document, keys that are no text and scalars that YAML readers disagree about are problems, and so are files that are too
large, too deep or not what they seem. A leading byte order mark is ignored with an info; CRLF is read as LF.
"""

from __future__ import annotations

from pathlib import Path

from ..diagnostics import Diagnostic, Span, settled
from .compose import compose
from .include import graft
from .nodes import Document, ItemMark, KeyMark, Map, Seq
from .read import Source, decode, read_source

__all__ = ["Document", "ItemMark", "KeyMark", "Map", "Seq", "load_spec", "load_text", "load_yaml"]

Loaded = tuple[Document | None, list[Diagnostic]]
"""The document is None where the text could not be read to its end or holds no map (or list).

With other problems (a duplicate key, an ambiguous scalar) there is a document: the first of two keys counts, and what is
no value stands as its text. Each such problem carries the path it is about, so that later stages can leave it alone.
"""


def load_spec(path: Path, *, root: Path) -> Loaded:
    """A platform spec and the files it includes. Names in positions are relative to ``root``, the repository."""
    document, found = load_yaml(path, root)
    if document is not None:
        found += graft(document, path, root)
    return document, settled(found)


def load_yaml(path: Path, root: Path, *, top: type[Map] | type[Seq] = Map) -> Loaded:
    """One YAML file below ``root``, without includes. ``top`` is what it holds: waivers are a ``Seq``."""
    source, found = read_source(path, root)
    return _load(source, found, top)


def load_text(text: str | bytes, name: str = "spec.yaml", *, top: type[Map] | type[Seq] = Map) -> Loaded:
    """YAML from memory or standard input, as strict as a file. ``name`` stands for it in positions."""
    source, found = decode(text, name)
    return _load(source, found, top)


def _load(source: Source, found: list[Diagnostic], top: type[Map] | type[Seq]) -> Loaded:
    if source.text is None or any(problem.code == "SYN006" for problem in found):
        return None, settled(found)  # conflict markers break the syntax: what follows from them is noise
    value, whole, problems = compose(source.text, source.name)
    broken = {problem.span.line for problem in found if problem.code in ("SYN004", "SYN005")}
    found = found + [problem for problem in problems if problem.span.line not in broken]
    if whole and not isinstance(value, top):
        found.append(_wrong_top(source, value, top))
    if not whole or not source.sound or not isinstance(value, top):
        return None, settled(found)
    return Document(source.name, value, {source.name: source.text}), settled(found)


def _wrong_top(source: Source, value: object, top: type[Map] | type[Seq]) -> Diagnostic:
    lines = (source.text or "").split("\n")
    first = next((n for n, line in enumerate(lines, 1) if line.strip() and not line.lstrip().startswith(("#", "---"))), 1)
    at = Span(source.name, first, 1, max(2, len(lines[first - 1].rstrip()) + 1))
    wanted = "a list" if top is Seq else "a map, 'key: value'"
    if value is None:
        return Diagnostic("SYN013", "the file holds nothing but comments and blanks", at, help=f"it should hold {wanted}")
    what = "a map" if isinstance(value, Map) else "a list" if isinstance(value, Seq) else "one text"
    help = "a space must follow every ':'" if isinstance(value, str) and ":" in value else "is this the right file?"
    return Diagnostic("SYN014", f"the file holds {what} instead of {wanted}", at, help=help)
