"""Names of engine flags: the table that knows them, and what is said of one that it does not know."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from ..catalog import Catalogue, FlagSpec, FlagTable
from ..diagnostics import Diagnostic, SpecPath
from ..resolve.workload import Workload
from .context import Context


@lru_cache(maxsize=8)
def _tables(catalogue: Catalogue, engine: str, version: str) -> tuple[FlagTable, ...]:
    found = catalogue.engine(engine).version(version)
    own = catalogue.engine(engine).flags_of or engine
    return tuple(catalogue.flags(own, v) for v in found.flag_tables) if found else ()


def tables_of(context: Context, workload: Workload) -> tuple[FlagTable, ...]:
    """The tables that flags of the workload's version are held to; empty where there are none."""
    return _tables(context.catalogue, workload.engine.id, str(workload.engine_version.v))


def spelled(workload: Workload, name: str) -> str:
    """The name as the flag table has it: Ray writes vLLM's with underscores."""
    return name.replace("_", "-") if workload.engine.flags_of else name


def flag_row(context: Context, workload: Workload, name: str) -> FlagSpec | None:
    """What the table of the workload's version says of a flag."""
    return next((row for table in tables_of(context, workload) if (row := table.find(spelled(workload, name)))), None)


def unknown(context: Context, workload: Workload, name: str, path: SpecPath) -> Iterator[Diagnostic]:
    """A flag, set or removed, that no table of the version has."""
    tables = tables_of(context, workload)
    if not tables or flag_row(context, workload, name):
        return
    version = str(workload.engine_version.v)
    near = tables[-1].near(spelled(workload, name))
    yield context.finding(
        "SRV101",
        f"{workload.engine.id} {version} has no flag --{name}",
        path,
        key=True,
        help=f"did you mean '{near[0].removeprefix('--')}'?" if near else f"see 'vllm serve --help' of {version}",
        notes=("names are exact: the parser takes abbreviations, which break when a flag is added",),
    )
