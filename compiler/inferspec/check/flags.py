"""Engine flags against the table of the version that will read them."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from ..catalog import Catalogue, FlagSpec, FlagTable, human_int
from ..diagnostics import Diagnostic, Severity, SpecPath
from ..resolve.settings import Said
from ..resolve.workload import Workload
from .context import Context, place_of


def flags(context: Context) -> Iterator[Diagnostic]:
    seen: set[Any] = set()
    for workload in context.workloads():
        version = str(workload.engine_version.v)
        if workload.settings.flags and not _tables(context.catalogue, workload.engine.id, version):
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
                yield from _removed(context, workload, version, name, path)


def _removed(context: Context, workload: Workload, version: str, name: str, path: SpecPath) -> Iterator[Diagnostic]:
    """null takes a flag away: one that exists, and not one that other objects rest on."""
    if name in _owned(workload):
        yield _belongs(context, name, path)
    else:
        yield from _unknown(context, workload, version, name, path)


def _owned(workload: Workload) -> set[str]:
    """Flags that are the compiler's: those of the engine, those of the one whose flags it takes, and levels above a derived key."""
    engine = workload.engine
    lent = workload.catalogue.engine(engine.flags_of).flags.values() if engine.flags_of else ()
    names = {f.name.removeprefix("--") for f in (*engine.flags.values(), *lent) if f.owned}
    levels = {f.name.rpartition(".")[0] for f in engine.flags.values() if "." in f.name}
    return names | {name.replace("-", "_") for name in names if engine.flags_of} | levels


def _spelled(workload: Workload, name: str) -> str:
    """The name as the flag table has it: Ray writes vLLM's with underscores."""
    return name.replace("_", "-") if workload.engine.flags_of else name


def _belongs(context: Context, name: str, path: SpecPath) -> Diagnostic:
    return context.finding(
        "SRV104",
        f"--{name} belongs to the compiler: other objects depend on it",
        path,
        key=True,
        help=_KEYS.get(name, "remove it"),
    )


def _unknown(context: Context, workload: Workload, version: str, name: str, path: SpecPath) -> Iterator[Diagnostic]:
    tables = _tables(context.catalogue, workload.engine.id, version)
    if not tables or any(t.find(_spelled(workload, name)) for t in tables):
        return
    near = tables[-1].near(_spelled(workload, name))
    yield context.finding(
        "SRV101",
        f"{workload.engine.id} {version} has no flag --{name}",
        path,
        key=True,
        help=f"did you mean '{near[0].removeprefix('--')}'?" if near else f"see 'vllm serve --help' of {version}",
        notes=("names are exact: the parser takes abbreviations, which break when a flag is added",),
    )


@lru_cache(maxsize=8)
def _tables(catalogue: Catalogue, engine: str, version: str) -> tuple[FlagTable, ...]:
    found = catalogue.engine(engine).version(version)
    own = catalogue.engine(engine).flags_of or engine
    return tuple(catalogue.flags(own, v) for v in found.flag_tables) if found else ()


def flag_row(context: Context, workload: Workload, name: str) -> FlagSpec | None:
    """What the table of the workload's version says of a flag."""
    tables = _tables(context.catalogue, workload.engine.id, str(workload.engine_version.v))
    return next((row for table in tables if (row := table.find(_spelled(workload, name)))), None)


def _flag(context: Context, workload: Workload, version: str, name: str, said: Said) -> Iterator[Diagnostic]:
    engine = workload.engine
    if name in _owned(workload):
        yield _belongs(context, name, said.path)
        return
    tables = _tables(context.catalogue, engine.id, version)
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
        yield from _unknown(context, workload, version, name, said.path)
    elif problem := _refused(workload, name, row, said, tables):
        by = (f"{engine.id} {version} refuses it when it starts",)
        yield context.finding("SRV102", f"--{name} {problem}", said.path, notes=by)
    elif row.deprecated:
        yield context.finding(
            "SRV103",
            f"--{name} is deprecated in {engine.id} {version}",
            said.path,
            key=True,
            severity=Severity.WARNING,
            help="a later version refuses it: take what its help names instead",
        )


def _positive(name: str, tables: tuple[FlagTable, ...]) -> str:
    """The flag that ``no-x`` or ``disable-x`` switches off; "" where it is a flag of its own, as --disable-custom-all-reduce is."""
    prefix, _, rest = name.partition("-")
    candidates = {"no": (rest, f"enable-{rest}"), "disable": (f"enable-{rest}",)}.get(prefix, ())
    return next((c for c in candidates if any((found := t.find(c)) and t.find(name) in (None, found) for t in tables)), "")


def _refused(workload: Workload, name: str, row: FlagSpec, said: Said, tables: tuple[FlagTable, ...]) -> str:
    value = None if isinstance(said.v, bool) else str(said.v)
    if row.kind == "bool_flag":
        if value is not None:
            return f"is a switch: true or false, not {value!r}"
        known = said.v is True or workload.engine.switches != "no-" or any(t.find(f"no-{name}") for t in tables)
        return "" if known else f"cannot be switched off: there is no --no-{name}; leave it out, or null in an override"
    if problem := row.problem(value, plugged=row.late.plugin.removeprefix("--") in workload.settings.flags):
        return problem
    step = next((f.multiple_of for f in workload.engine.flags.values() if f.name == f"--{name}"), 0)
    return f"wants a multiple of {step}, not {value}" if step and int(value or 0) % step else ""


def together(context: Context) -> Iterator[Diagnostic]:
    """Flags that the engine takes one by one and refuses together, or with this model."""
    seen: set[tuple[SpecPath, str]] = set()
    for workload in context.workloads():
        for name, problem, way in _contradictions(workload):
            path = workload.settings.flags[name].path
            if (path, problem) not in seen:
                seen.add((path, problem))
                yield context.finding(
                    "SRV107",
                    f"{workload.name}: {problem}",
                    path,
                    help=way,
                    notes=(f"{workload.engine.id} {workload.engine_version.v} refuses it when it starts",),
                )


def _contradictions(workload: Workload) -> Iterator[tuple[str, str, str]]:
    """The flag at fault, what is wrong, and the way out."""
    said = {name: flag.v for name, flag in workload.settings.flags.items()}
    role, facts = workload.engine.flags.get("quantization"), workload.facts
    method = said.get(role.name.removeprefix("--")) if role is not None else None
    if method in workload.engine.quantised_only and facts is not None and not facts.quantisation and role is not None:
        yield (
            role.name.removeprefix("--"),
            f"{method} reads weights that were quantised by it, and those of {workload.model_key} are {facts.dtype or 'not quantised'}",
            "a quantised edition of the model, or a method that quantises while it loads, such as fp8",
        )
    if said.get("enable-auto-tool-choice") is True and not _meant(said, "tool-call-parser"):
        yield "enable-auto-tool-choice", "--enable-auto-tool-choice needs --tool-call-parser", "the format of the model's calls"
    if said.get("enable-log-outputs") is True and said.get("enable-log-requests", workload.default("serving.logRequests").v) is not True:
        yield "enable-log-outputs", "--enable-log-outputs needs --enable-log-requests", "add 'enable-log-requests: true' to flags"
    tokens, requests = _number(said, "max-num-batched-tokens"), _number(said, "max-num-seqs")
    if tokens is not None:
        if requests is not None and tokens < requests:
            yield (
                "max-num-batched-tokens",
                f"{tokens:,} tokens a step are fewer than its {requests:,} requests",
                f"max-num-batched-tokens: {requests} or more",
            )
        length = int(workload.tokens.v)
        if said.get("enable-chunked-prefill") is False and tokens < length:
            yield (
                "max-num-batched-tokens",
                f"without chunked prefill a step of {tokens:,} tokens takes no prompt of {length:,}",
                f"max-num-batched-tokens: {length} or more, or leave chunked prefill on",
            )
    held, used = _number(said, "max-cpu-loras"), workload.asked.lora_slots
    if held is not None and held < used:
        yield "max-cpu-loras", f"{held} adapters in memory are fewer than the {used} in use at once", f"max-cpu-loras: {used} or more"


def _meant(said: dict[str, Any], name: str) -> bool:
    """Whether the flag is there, be it mistyped: SRV101 says that."""
    return bool(difflib.get_close_matches(name, said, 1, 0.8))


def _number(said: dict[str, Any], name: str) -> int | None:
    """The integer a flag says; None where it says none, which another rule reports."""
    try:
        return human_int(str(said[name])) if name in said else None
    except ValueError:
        return None


_KEYS = {
    "model": "the model is 'model: MODEL@VERSION' of the service",
    "served-model-name": "clients' name for the model is 'as:' under expose",
    "tensor-parallel-size": "write 'tensorParallel:' instead",
    "max-model-len": "write 'maxModelLen:' instead",
    "pipeline-parallel-size": "write 'pipelineParallel:' instead",
    "data-parallel-size": "write 'dataParallel:' instead",
    "enable-expert-parallel": "write 'expertParallel:' instead",
    "speculative-config": "write 'speculative:' instead",
    "chat-template": "write 'chatTemplate: FILE' instead, a file of the model's folder",
    "load-format": "write 'read: run-ai-streamer' instead, or another way to read",
    "max-loras": "it is the number of adapters",
    "max-lora-rank": "it is the highest rank of the adapters",
    "enable-lora": "write 'adapters:' instead",
    "lora-modules": "write 'adapters:' instead",
}


def context_length(context: Context) -> Iterator[Diagnostic]:
    """vLLM refuses a longer context than the model's own unless the rope is overridden."""
    seen: set[Any] = set()
    for w in context.workloads():
        known = w.facts.context_length if w.facts else 0
        at = place_of(w.tokens, w.path)
        if known and int(w.tokens.v) > known and "hf-overrides" not in w.settings.flags and at not in seen:
            seen.add(at)
            yield context.finding(
                "SRV106",
                f"{w.name}: {w.tokens.v:,} tokens are more than {w.model_key} was made for ({known:,})",
                at,
                help=f"at most {known}, or a rope override in flags.hf-overrides",
            )
