"""Names of engine flags: the table that knows them, whose they are, and what is said of one that nobody knows."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import lru_cache

from ..catalog import Catalogue, Engine, FlagSpec, FlagTable
from ..catalog.engines import version_key
from ..diagnostics import Diagnostic, SpecPath
from ..resolve.settings import Said
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


def names_of(context: Context, workload: Workload, name: str) -> set[str]:
    """The flag by every name it has in the table: SGLang's --tp-size is its --tensor-parallel-size."""
    row = flag_row(context, workload, name)
    return {spelled(workload, name), *(n.lstrip("-") for n in (*row.names, *row.hidden))} if row else {spelled(workload, name)}


def engines_of(workload: Workload) -> tuple[Engine, ...]:
    """The engine, and the one whose flags it takes."""
    engine = workload.engine
    return (engine, workload.catalogue.engine(engine.flags_of)) if engine.flags_of else (engine,)


def role_of(context: Context, workload: Workload, name: str) -> str | None:
    """The role of a flag that is the compiler's, "" for a level above a derived key; None for a flag that anyone may set."""
    said = names_of(context, workload, name)
    for engine in engines_of(workload):
        for role, flag in engine.flags.items():
            if flag.owned and spelled(workload, flag.name.removeprefix("--")) in said:
                return role
            if flag.name.rpartition(".")[0] == name:
                return ""
    return None


def replacement(workload: Workload, name: str) -> str:
    """What a spec says in the place of a flag that is deprecated or gone; empty where nobody knows."""
    return next((engine.replaced[said] for engine in engines_of(workload) if (said := spelled(workload, name)) in engine.replaced), "")


def unknown(context: Context, workload: Workload, name: str, path: SpecPath) -> Iterator[Diagnostic]:
    """A flag, set or removed, that no table of the version has."""
    if not tables_of(context, workload) or flag_row(context, workload, name):
        return
    engine, version = workload.engine.id, str(workload.engine_version.v)
    help, *notes = _meant(context, workload, name) or (f"see the help of {engine} {version}",)
    yield context.finding("SRV101", f"{engine} {version} has no flag --{name}", path, key=True, help=help, notes=tuple(notes))


def _meant(context: Context, workload: Workload, name: str) -> tuple[str, ...]:
    """The way out, then the reasons: dashes, another version's flag, another engine's, a mistyped one; nothing where none of them is."""
    tables = tables_of(context, workload)
    dashed = name.replace("_", "-")
    if dashed != name and not workload.engine.flags_of and any(t.find(dashed) for t in tables):
        return f"write it with dashes: {dashed}", "one flag has one name, so that overrides merge by it"
    if when := _elsewhen(workload, name):
        way = replacement(workload, name)
        return (f"write '{way}' instead" if way else "remove it", when)
    if way := replacement(workload, name):
        return (f"write '{way}' instead",)
    if (same := _elsewhere(workload, name)) is not None:
        other, role = same
        own = workload.engine.flags[role]
        way = KEYS.get(role, "") if own.owned else ""
        return (way or f"write '{own.name.removeprefix('--')}' instead", f"--{spelled(workload, name)} is what {other} calls it")
    if near := tables[-1].near(spelled(workload, name)):
        said = "names are exact: the parser takes abbreviations, which break when a flag is added"
        return (f"did you mean '{near[0].removeprefix('--')}'?", *((said,) if near[0].startswith(f"--{name}") else ()))
    return ()


def _elsewhen(workload: Workload, name: str) -> str:
    """Since when the engine has the flag, or has it no more; empty where none of its versions has it."""
    return _when(workload, lambda table: table.find(spelled(workload, name)) is not None)


def moved_keys(workload: Workload, row: FlagSpec, said: Said) -> Iterator[str]:
    """The same of keys in a JSON value that the version does not know."""
    try:
        keys = json.loads(str(said.v)) if row.schema else {}
    except ValueError:
        return
    for key in sorted(set(keys) - set(row.late.keys)) if isinstance(keys, dict) else ():
        if when := _when(workload, _with_key(row.schema, key)):
            yield f"{key}: {when}"


def _with_key(schema: str, key: str) -> Callable[[FlagTable], bool]:
    return lambda table: key in table.schemas.get(schema, ())


def _when(workload: Workload, has: Callable[[FlagTable], bool]) -> str:
    """Which of the engine's versions has what this one lacks, by their tables."""
    engine = engines_of(workload)[-1]
    tables = {v: workload.catalogue.flags(engine.id, v) for row in engine.versions for v in row.flag_tables}
    own = workload.engine.version(str(workload.engine_version.v))
    if own is None:
        return ""
    having = sorted((v for v, table in tables.items() if has(table)), key=version_key)
    lacking = sorted((v for v in tables if v not in having), key=version_key)
    first, last = (version_key(own.flag_tables[i]) for i in (0, -1))
    if earlier := [v for v in having if version_key(v) < first]:
        gone = next(v for v in lacking if version_key(v) > version_key(earlier[-1]))
        return f"{engine.id} {earlier[-1]} has it, {gone} has it no more"
    later = [v for v in having if version_key(v) > last]
    return f"{engine.id} {later[0]} has it, {own.version} not yet" if later else ""


def _elsewhere(workload: Workload, name: str) -> tuple[str, str] | None:
    """Another engine that has a flag of that name for a role which this one has too, and the role."""
    said = f"--{spelled(workload, name)}"
    for other in map(workload.catalogue.engine, workload.catalogue.engines()):
        for role, flag in other.flags.items():
            if flag.name == said and role in workload.engine.flags:
                return other.id, role
    return None


KEYS = {
    "model": "the model is 'model: MODEL@VERSION' of the service",
    "servedModelName": "clients' name for the model is 'as:' under expose",
    "tensorParallelSize": "write 'tensorParallel:' instead",
    "maxModelLen": "write 'maxModelLen:' instead",
    "pipelineParallelSize": "write 'pipelineParallel:' instead",
    "dataParallelSize": "write 'dataParallel:' instead",
    "expertParallel": "write 'expertParallel:' instead",
    "speculativeConfig": "write 'speculative:' instead",
    "speculativeMethod": "write 'speculative: {method: …}' instead",
    "speculativeModel": "write 'speculative: {model: MODEL@VERSION}' instead",
    "speculativeSteps": "it follows from 'speculative: {tokens: …}'",
    "speculativeTopK": "it follows from 'speculative:': one branch",
    "speculativeTokens": "it follows from 'speculative: {tokens: …}'",
    "chatTemplate": "write 'chatTemplate: FILE' instead, a file of the model's folder",
    "loadFormat": "write 'read: run-ai-streamer' instead, or another way to read",
    "maxLoras": "it is the number of adapters",
    "maxLoraRank": "it is the highest rank of the adapters",
    "enableLora": "write 'adapters:' instead",
    "loraModules": "write 'adapters:' instead",
}
"""Role of a flag -> the key of the spec that says it."""
