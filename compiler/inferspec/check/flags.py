"""Engine flags against the table of the version that will read them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..catalog import FlagSpec, FlagTable, Reserved
from ..diagnostics import Diagnostic, Severity, SpecPath
from ..resolve.settings import Said
from ..resolve.workload import Workload
from .context import Context
from .flag_names import KEYS, engines_of, flag_row, moved_keys, names_of, replacement, role_of, tables_of, unknown


def flags(context: Context) -> Iterator[Diagnostic]:
    seen: set[Any] = set()
    for workload in context.workloads():
        version = str(workload.engine_version.v)
        if workload.settings.flags and not tables_of(context, workload):
            first = next(iter(workload.settings.flags.values())).path
            if first not in seen:
                seen.add(first)
                yield context.finding(
                    "SRV127",
                    f"{workload.name}: flags of {workload.engine.id} are written as they stand: the catalogue has no table of them",
                    first,
                    key=True,
                    severity=Severity.INFO,
                    help="compare them with the server's own help",
                )
        for name, said in workload.settings.flags.items():
            if (said.path, version) not in seen:
                seen.add((said.path, version))
                yield from _flag(context, workload, version, name, said)
        for name, path in workload.settings.removed.items():
            if (path, version) not in seen:
                seen.add((path, version))
                yield from _removed(context, workload, name, path)


def _removed(context: Context, workload: Workload, name: str, path: SpecPath) -> Iterator[Diagnostic]:
    """null takes a flag away: one that exists, and not one that other objects rest on."""
    if (role := role_of(context, workload, name)) is not None:
        yield _belongs(context, name, role, path)
    else:
        yield from unknown(context, workload, name, path)


def _reserved(context: Context, workload: Workload, name: str, said: Said) -> Reserved | None:
    """Why no spec sets the flag to that; None where one may."""
    names = names_of(context, workload, name)
    if said.v is False or names & set(workload.engine.unreserved):
        return None
    rows = (row for engine in engines_of(workload) for row in engine.reserved)
    return next((row for row in rows if names & set(row.flags) and _refuses(row, workload, str(said.v))), None)


def _refuses(row: Reserved, workload: Workload, value: str) -> bool:
    return not (
        (row.values and value not in row.values)
        or (row.unless and row.unless in value)
        or (row.beside_prefill and workload.service.prefill is None)
    )


def _belongs(context: Context, name: str, role: str, path: SpecPath) -> Diagnostic:
    return context.finding(
        "SRV104",
        f"--{name} belongs to the compiler: other objects depend on it",
        path,
        key=True,
        help=KEYS.get(role, "remove it"),
    )


def _flag(context: Context, workload: Workload, version: str, name: str, said: Said) -> Iterator[Diagnostic]:
    engine = workload.engine
    if (role := role_of(context, workload, name)) is not None:
        yield _belongs(context, name, role, said.path)
        return
    if (reserved := _reserved(context, workload, name, said)) is not None:
        yield context.finding("SRV104", f"--{name} {reserved.because}", said.path, key=True, help=reserved.instead)
        return
    tables = tables_of(context, workload)
    row = flag_row(context, workload, name)
    if isinstance(said.v, bool) and (positive := _positive(name, tables)):
        yield context.finding(
            "SRV105",
            f"write '{positive}: {str(not said.v).lower()}' instead of {name}",
            said.path,
            key=True,
            notes=("one flag, one key: overrides merge by key",),
        )
    elif row is None:
        yield from unknown(context, workload, name, said.path)
    elif problem := _refused(workload, name, row, said, tables):
        by = (f"{engine.id} {version} refuses it when it starts", *moved_keys(workload, row, said))
        yield context.finding("SRV102", f"--{name} {problem}", said.path, notes=by)
    elif strange := row.strangers(str(said.v)):
        yield context.finding(
            "SRV137",
            f"--{name}: {engine.id} {version} does not look at {strange}",
            said.path,
            severity=Severity.WARNING,
            help=f"it looks at {', '.join(row.late.heeded)}",
        )
    elif row.deprecated:
        yield context.finding(
            "SRV103",
            f"--{name} is deprecated in {engine.id} {version}",
            said.path,
            key=True,
            severity=Severity.WARNING,
            help=f"write '{way}' instead"
            if (way := replacement(workload, name))
            else f"a later version refuses it: see the help of {version}",
        )


def _positive(name: str, tables: tuple[FlagTable, ...]) -> str:
    """The flag that ``no-x`` or ``disable-x`` switches off; "" where it is a flag of its own, as --disable-custom-all-reduce is."""
    prefix, _, rest = name.partition("-")
    candidates = {"no": (rest, f"enable-{rest}"), "disable": (f"enable-{rest}",)}.get(prefix, ())
    return next((c for c in candidates if any((found := t.find(c)) and t.find(name) in (None, found) for t in tables)), "")


def _refused(workload: Workload, name: str, row: FlagSpec, said: Said, tables: tuple[FlagTable, ...]) -> str:
    value = None if isinstance(said.v, bool) else str(said.v)
    if row.kind == "bool_flag":
        if value is not None and value.lower() in ("true", "false"):
            return f"is a switch: write {value.lower()} without the quotes"
        if value is not None:
            return f"is a switch: true or false, not {value!r}"
        known = said.v is True or workload.engine.switches != "no-" or any(t.find(f"no-{name}") for t in tables)
        return "" if known else f"cannot be switched off: there is no --no-{name}; leave it out, or null in an override"
    if problem := row.problem(value, plugged=row.late.plugin.removeprefix("--") in workload.settings.flags):
        return problem
    own = next((f for f in workload.engine.flags.values() if f.name == f"--{name}"), None)
    if own is not None and own.positive and float(value or 0) <= 0:
        return f"wants a number above 0, not {value}"
    step = own.multiple_of if own is not None else 0
    return f"wants a multiple of {step}, not {value}" if step and int(value or 0) % step else ""
