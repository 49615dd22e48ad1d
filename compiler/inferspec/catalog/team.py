"""A team's own ``catalog/`` folder, laid on the package's and checked."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from .reader import CatalogueError
from .record import Record, build
from .rows import Accelerator, Availability, Default, Machine, Model, PriceRow, Region, StorageLocation
from .table import merge
from .tables import PACKAGE, Catalogue, stems

_TABLES: dict[str, type[Record]] = {
    "accelerators": Accelerator,
    "machines": Machine,
    "regions": Region,
    "storage_locations": StorageLocation,
    "models": Model,
    "defaults": Default,
    "availability": Availability,
    "prices": PriceRow,
}


def overlay(folder: str | os.PathLike[str]) -> tuple[Catalogue, list[CatalogueError]]:
    """The catalogue with a team's folder on it, and what is wrong in the folder (each with file and line).

    Every row of the folder says ``source`` and ``asOf`` itself: a figure a team sets is not the package's any more.
    """
    path = os.fspath(folder)
    laid = Catalogue((path,))
    problems: list[CatalogueError] = []
    for name, cls in _TABLES.items():
        try:
            rows, own = merge(name, (PACKAGE, path))
        except CatalogueError as error:
            problems.append(error)
            continue
        for key, (file, line, said) in own.items():
            problems += [CatalogueError(file, line, f"{key}: {why}", key) for why in _row_problems(laid, cls, rows[key], said)]
    try:
        presets = list(merge("presets", (PACKAGE, path))[1])
    except CatalogueError as error:
        problems.append(error)
        presets = []
    for named, load in ((stems(path, "engines") + presets, laid.engine), (stems(path, "stacks"), laid.stack)):
        for name in named:
            try:
                load(name)
            except CatalogueError as error:
                problems.append(error)
    return laid, problems


def _row_problems(laid: Catalogue, cls: type[Record], row: dict[str, Any], said: frozenset[str]) -> Iterator[str]:
    if lacking := [key for key in ("source", "asOf") if key not in said]:
        yield f"a row of your own says {' and '.join(lacking)}"
    try:
        build(cls, row)
    except (ValueError, TypeError, AttributeError) as error:
        yield str(error)
    chip = row.get("accelerator")
    if chip and chip not in laid.accelerators:
        near = laid.accelerators.near(str(chip))
        yield f"no accelerator {chip!r}" + (f"; did you mean {near[0]}?" if near else "")
