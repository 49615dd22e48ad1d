"""A team's own ``catalog/`` folder, laid on the package's and checked."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from ..load.limits import MAX_BYTES
from .engines import Engine
from .fitting import Fault, faults, judge, missing, near, shown, unknown
from .flagtable import FlagSpec
from .forms import Date, Text
from .model_row import Model
from .own_values import default_faults
from .reader import CatalogueError, Document, place, read
from .record import Record
from .rows import Accelerator, Availability, Default, Machine, PriceRow, Region, StorageLocation
from .stacks import Stack
from .table import merge
from .tables import PACKAGE, Catalogue, stems

TABLES: dict[str, type[Record]] = {
    "accelerators": Accelerator,
    "machines": Machine,
    "regions": Region,
    "storage_locations": StorageLocation,
    "models": Model,
    "defaults": Default,
    "availability": Availability,
    "prices": PriceRow,
    "presets": Engine,
}
"""File -> what its rows are."""
KINDS = {name: "storageLocations" if name == "storage_locations" else name for name in TABLES}
SINGLE: dict[str, type[Record]] = {"engines": Engine, "stacks": Stack}
"""Folder -> what each of its files is."""
_TOP = ("kind", "source", "asOf", "rows", "unit")
_DATA = (".yaml", ".yml", ".json")


class _File(NamedTuple):
    """A file of the folder that could be read, and how to say what is wrong in it."""

    document: Document
    row: str = ""

    def error(self, fault: Fault) -> CatalogueError:
        line, column, end = place(self.document.file, fault.steps, key=fault.key)
        return CatalogueError(self.document.file, line, fault.message, self.row, column, end, fault.help)


def overlay(folder: str | os.PathLike[str]) -> tuple[Catalogue, list[CatalogueError]]:
    """The catalogue with a team's folder on it, and what is wrong in the folder (each with file, line and column).

    Every row of the folder says ``source`` and ``asOf`` itself: a figure a team sets is not the package's any more.
    """
    path = os.fspath(folder)
    laid = Catalogue((path,))
    if unsafe := list(_unsafe(path)):
        return laid, unsafe  # nothing there is opened
    problems = list(_strangers(Path(path)))
    for name, cls in TABLES.items():
        problems += _read(path, name, partial(_table, laid, name, cls))
    for kind, cls in SINGLE.items():
        for name in stems(path, kind):
            problems += _read(f"{path}/{kind}", name, partial(_single, laid, kind, name, cls))
    problems += _read(f"{path}/stacks", "common", _shared)
    for tables in sorted(Path(path, "engines").glob("*/*.json")):
        problems += _read(str(tables.parent), tables.stem, partial(_flag_table, tables))
    return laid, problems or list(_unsound(laid, path))


def _unsafe(folder: str) -> Iterator[CatalogueError]:
    """What is no plain file of the repository: a link leads anywhere, a device or a pipe never ends."""
    found = [os.path.join(top, name) for top, folders, files in os.walk(folder) for name in (*folders, *files)]  # noqa: PTH118
    for path in (folder, *sorted(found)):
        state = os.lstat(path)
        if stat.S_ISLNK(state.st_mode):
            yield CatalogueError(path, 1, "is a symbolic link", help="put the file itself here")
        elif not stat.S_ISDIR(state.st_mode) and not stat.S_ISREG(state.st_mode):
            yield CatalogueError(path, 1, "is no file", help="remove it")
        elif stat.S_ISREG(state.st_mode) and state.st_size > MAX_BYTES:
            yield CatalogueError(path, 1, f"is larger than {MAX_BYTES // 1_000_000} MB", help="split it, a file for each kind of rows")


def _read(folder: str, name: str, judged: Callable[[Document], Iterator[Fault]]) -> list[CatalogueError]:
    try:
        document = read(folder, name)
    except CatalogueError as error:
        return [error]
    return [_File(document).error(fault) for fault in judged(document)] if document is not None else []


def _strangers(folder: Path) -> Iterator[CatalogueError]:
    """Data that nothing reads: a file of another name, or of another suffix."""
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and p.suffix in _DATA):
        parts = path.relative_to(folder).parts
        ours = [name for name in TABLES if name == path.stem]
        if len(parts) == 1 and ours and path.suffix != ".yml":
            continue
        if (parts[0] in SINGLE and len(parts) == 2 and path.suffix == ".yaml") or (
            parts[0] == "engines" and len(parts) == 3 and path.suffix == ".json"
        ):
            continue
        meant = f"{path.stem}.yaml" if ours or parts[0] in SINGLE else _dotted(near(path.stem, TABLES))
        files = ", ".join(_dotted(name) for name in TABLES)
        way = f"did you mean {meant}?" if meant else f"it reads {files}, engines/NAME.yaml, engines/NAME/VERSION.json and stacks/NAME.yaml"
        yield CatalogueError(str(path), 1, f"the catalogue reads no file {'/'.join(parts)}", help=way)


def _dotted(name: str) -> str:
    return f"{name}.yaml" if name else ""


def _top(document: Document, kind: str, known: Collection[str]) -> Iterator[Fault]:
    for key in document:
        if key not in known:
            yield unknown(key, known, (), Path(document.file).name)
    if "kind" in document and document["kind"] != kind:
        yield Fault(("kind",), f"{Path(document.file).name} is of kind {kind}, not {shown(document['kind'])}", f"kind: {kind}")


def _table(laid: Catalogue, name: str, cls: type[Record], document: Document) -> Iterator[Fault]:
    file = Path(document.file).name
    wrong = list(_top(document, KINDS[name], _TOP))
    yield from wrong
    for key, form in (("source", Text), ("asOf", Date)):
        if key in document:
            yield from judge(form, document[key], (key,), file, key)
    rows = document.get("rows")
    if not isinstance(rows, list):
        if "rows" in document or not any(near(key, _TOP) == "rows" for key in document if key not in _TOP):
            told = f"{file}: rows is a list" if "rows" in document else f"{file} has no rows"
            yield Fault(("rows",) if "rows" in document else (), told, "rows: [{id: …, source: …, asOf: …}]")
        return
    package = merge(name, (PACKAGE,))[0]
    inherited = {key: document[key] for key in ("source", "asOf") if key in document}
    seen: set[str] = set()
    for i, row in enumerate(rows):
        at = ("rows", i)
        if not isinstance(row, dict) or not isinstance(row.get("id"), str):
            steps = (*at, "id") if isinstance(row, dict) and "id" in row else at
            yield Fault(steps, f"{file}: a row is a mapping with an id that is text", "{id: …, source: …, asOf: …}")
            continue
        key = row["id"]
        if key in seen:
            yield Fault((*at, "id"), f"{key} stands here twice", "keep one row")
            continue
        seen.add(key)
        yield from faults(cls, row, at, key)
        if name == "defaults":
            yield from default_faults(row, package, at)
            if key not in package:
                continue
        yield from _lacking(cls, package, inherited | row, row, at)
        yield from _references(laid, name, row, at)


def _lacking(
    cls: type[Record], package: Mapping[str, Any], own: dict[str, Any], row: dict[str, Any], at: tuple[str | int, ...]
) -> Iterator[Fault]:
    """Keys that a row of one's own says itself, and those that neither it nor the package's row has: one finding."""
    key = row["id"]
    wanted = [
        word
        for word in ("source", "asOf")
        if not own.get(word) and not any(near(k, cls._shape) == word for k in own if k not in cls._shape)
    ]
    if absent := [word for word in missing(cls, package.get(key, {}) | own) if word not in wanted]:
        meant = near(key, package) if key not in package else ""
        also = f", and a row of your own says {' and '.join(wanted)}" if wanted else ""
        way = f"did you mean the row '{meant}'? A new row has every key that docs/catalogue.md says it must" if meant else ""
        yield Fault((*at, "id"), f"{key}: missing {', '.join(absent)}{also}", way)
    elif wanted:
        yield Fault((*at, "id"), f"{key}: a row of your own says {' and '.join(wanted)}", 'source: …, asOf: "2026-11-21"')


_REFERENCES = {
    "machines": {"accelerator": "accelerators"},
    "availability": {"accelerator": "accelerators", "machines": "machines", "zones": "regions"},
}
_REFERENCES |= {"storage_locations": {"regions": "regions"}, "prices": {"regions": "regions"}}


def _references(laid: Catalogue, name: str, row: dict[str, Any], at: tuple[str | int, ...]) -> Iterator[Fault]:
    """Rows of other tables that a row names."""
    for key, table in _REFERENCES.get(name, {}).items():
        said = row.get(key)
        named = [said] if isinstance(said, str) else list(said) if isinstance(said, (list, dict)) else []
        try:
            known = list(getattr(laid, table))
        except CatalogueError:
            continue  # told of where that table is checked
        for i, one in enumerate(named):
            if one and isinstance(one, str) and one not in known:
                steps = (*at, key) if isinstance(said, str) else (*at, key, one if isinstance(said, dict) else i)
                meant = near(one, known)
                what = {"accelerators": "accelerator", "machines": "machine", "regions": "region"}[table]
                way = f"did you mean '{meant}'?" if meant else f"add its row to catalog/{table}.yaml"
                yield Fault(steps, f"{row['id']}: no {what} '{one}'", way, isinstance(said, dict))
    if name == "machines" and row.get("accelerator") and row.get("chips") == 0:
        yield Fault((*at, "chips"), f"{row['id']}: a machine with an accelerator has a chip", "chips: 1 or more")


def _without_kind(document: Document) -> dict[str, Any]:
    return {key: value for key, value in document.items() if key != "kind"}


def _shared(document: Document) -> Iterator[Fault]:
    """What every stack has of it."""
    yield from faults(Stack, _without_kind(document), (), "common")


def _single(laid: Catalogue, kind: str, name: str, cls: type[Record], document: Document) -> Iterator[Fault]:
    """A file that is one engine or stack: its keys over those of the package's file of that name."""
    said = _without_kind(document)
    if document.get("kind", kind[:-1]) != kind[:-1]:
        yield Fault(("kind",), f"{name} is of kind {kind[:-1]}, not {shown(document['kind'])}", f"kind: {kind[:-1]}")
    if isinstance(said.get("id"), str) and said["id"] != name:
        yield Fault(("id",), f"{name}.yaml has the id '{said['id']}'", f"id: {name}, or another file name")
    yield from faults(cls, said, (), name)
    package: dict[str, Any] = {}
    for part in ("common", name) if kind == "stacks" else (name,):
        for folder in laid.folders[:-1] if part == name else laid.folders:
            package |= read(f"{folder}/{kind}", part) or {}
    if lacking := missing(cls, package | said):
        yield Fault((), f"{name}: missing {', '.join(lacking)}")


_FLAG_TABLE = {"source": Text, "schemas": Mapping[str, tuple[str, ...]], "env": tuple[str, ...], "flags": tuple[FlagSpec, ...]}


def _flag_table(path: Path, document: Document) -> Iterator[Fault]:
    """The flags of one version of an engine, as ``tools/vllm_flags.py`` writes them."""
    name = f"{path.parent.name}/{path.name}"
    if lacking := [key for key in _FLAG_TABLE if key not in document]:
        yield Fault((), f"{name}: missing {', '.join(lacking)}", "a table of the package has the same keys")
    for key, form in _FLAG_TABLE.items():
        said = document.get(key)
        if key == "flags" and isinstance(said, list):  # a number of values stands for itself there
            said = [{**flag, "nargs": str(flag.get("nargs", ""))} if isinstance(flag, dict) else flag for flag in said]
        if key in document:
            yield from judge(form, said, (key,), name, key)


def _unsound(laid: Catalogue, path: str) -> Iterator[CatalogueError]:
    """What only the whole shows: a preset of a stack that names a plugin it has not."""
    for named, load in ((stems(path, "engines"), laid.engine), (stems(path, "stacks"), laid.stack)):
        for name in named:
            try:
                load(name)
            except CatalogueError as error:
                yield error
