"""docs/catalogue.md: its examples load, and its tables are those of the row classes."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from inferspec.catalog import PACKAGE, catalogue
from inferspec.catalog.engine_parts import Disaggregation, EngineVersion, Flag, Group, LogFormat, Metric, Sidecar, Telemetry
from inferspec.catalog.engines import Engine
from inferspec.catalog.fitting import faults, hints, missing, worded
from inferspec.catalog.model_row import Model
from inferspec.catalog.reader import read
from inferspec.catalog.record import Record, camel
from inferspec.catalog.rows import Accelerator, Availability, Default, Machine, PriceRow, Quota, Region, Row, StorageLocation
from inferspec.catalog.table import merge
from inferspec.catalog.tables import stems
from inferspec.catalog.team import SINGLE, TABLES, overlay
from inferspec.model.described import texts
from inferspec.resolve.weights import NAMED_OTHERWISE

from tests import docs, line

PAGE = line.ROOT / "docs/catalogue.md"
EXAMPLE = re.compile(r"```yaml\n# catalog/(\S+)\n(.*?)```", re.DOTALL)
CLASSES: dict[str, type[Record]] = {
    "an accelerator": Accelerator,
    "a quota": Quota,
    "a machine": Machine,
    "a model": Model,
    "a default": Default,
    "an engine or preset": Engine,
    "a flag": Flag,
    "a metric": Metric,
    "a version": EngineVersion,
    "a sidecar": Sidecar,
    "a group": Group,
    "a disaggregation": Disaggregation,
    "traces": Telemetry,
    "jsonLogs": LogFormat,
    "a region": Region,
    "a storage location": StorageLocation,
    "an availability": Availability,
    "a price": PriceRow,
}


def meaning(cls: type[Record], name: str) -> str:
    """The text under the field, of the class or of what it is made from."""
    for owner in cls.__mro__:
        if name in (found := texts(owner.__module__).get(owner.__name__, {})):
            return " ".join(found[name].split())
    raise AssertionError(f"{cls.__name__}.{name} has no text under it")


def table(called: str, cls: type[Record]) -> str:
    rows = [
        (f"`{key}`", "must" if required else "", worded(hints(cls)[key]), meaning(cls, name))
        for key, (name, required, _) in cls._shape.items()
    ]
    return docs.table((f"key of {called}", "must", "what belongs there", "meaning"), rows)


@pytest.mark.parametrize("called", CLASSES)
def test_the_page_has_every_key_of_the_row_classes(called: str, refresh: bool) -> None:
    assert docs.held(PAGE, table(called, CLASSES[called]), refresh), "pytest --refresh writes the tables anew"


def test_the_page_has_the_names_that_differ_and_the_defaults(refresh: bool) -> None:
    names = [(f"`{camel(row)}`", f"`{camel(spec)}`") for spec, row in NAMED_OTHERWISE.items()]
    defaults = [(f"`{row.id}`", f"`{json.dumps(row.value)}`".replace("|", "\\|"), row.unit) for row in catalogue().defaults.values()]
    assert docs.held(PAGE, docs.table(("key of a row", "key of `architecture:`"), names), refresh)
    assert docs.held(PAGE, docs.table(("default", "value", "unit"), defaults), refresh)


def test_the_examples_load_together(tmp_path: Path) -> None:
    examples = EXAMPLE.findall(PAGE.read_text(encoding="utf-8"))
    for file, text in examples:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text(text, encoding="utf-8")
    laid, problems = overlay(tmp_path)
    assert [(p.file, p.line, p.message) for p in problems] == []
    named = {file.removesuffix(".yaml") for file, _ in examples}
    assert named == {"accelerators", "machines", "models", "defaults", "presets", "prices", "engines/own"}
    assert laid.machines["x1-standard-16"].accelerator == laid.accelerators["x1"].id
    assert laid.default("storage.fuseBufferGiB") == 2
    assert {"llama-box", "own"} <= set(laid.engines())
    price = laid.price("x1-standard-16", "us-central1")
    assert price is not None and price.on_demand == 2.1


def test_the_packages_own_rows_fit() -> None:
    """What a team's rows are held to, the package's are."""
    for name, cls in TABLES.items():
        for key, row in merge(name, (PACKAGE,))[0].items():
            assert (list(faults(cls, row, (), key)), missing(cls, row)) == ([], []), (name, key)
    for kind, cls in SINGLE.items():
        for name in stems(PACKAGE, kind):
            data = {key: value for key, value in (read(f"{PACKAGE}/{kind}", name) or {}).items() if key != "kind"}
            assert list(faults(cls, data, (), name)) == [], name


def test_every_row_class_is_on_the_page() -> None:
    assert {*TABLES.values()} <= {*CLASSES.values()}
    assert all(issubclass(cls, Row) for cls in TABLES.values())
