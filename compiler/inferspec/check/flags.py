"""Engine flags against the table of the version that will read them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from ..catalog import Catalogue, FlagTable
from ..diagnostics import Diagnostic, Severity, SpecPath
from ..resolve.settings import Said
from ..resolve.workload import Workload
from .context import Context, place_of


def flags(context: Context) -> Iterator[Diagnostic]:
    seen: set[Any] = set()
    for workload in context.workloads():
        version = str(workload.engine_version.v)
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
    return {f.name.removeprefix("--") for f in workload.engine.flags.values() if f.owned}


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
    if not tables or any(t.find(name) for t in tables):
        return
    near = tables[-1].near(name)
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
    return tuple(catalogue.flags(engine, v) for v in found.flag_tables) if found else ()


def _flag(context: Context, workload: Workload, version: str, name: str, said: Said) -> Iterator[Diagnostic]:
    engine = workload.engine
    if name in _owned(workload):
        yield _belongs(context, name, said.path)
        return
    tables = _tables(context.catalogue, engine.id, version)
    positive = _positive(tables, name) if isinstance(said.v, bool) else None
    if positive is not None:
        yield context.finding(
            "SRV105",
            f"write '{positive}: {str(not said.v).lower()}' instead of {name}",
            said.path,
            key=True,
            notes=("one flag, one key: overrides merge by key",),
        )
        return
    row = next((r for t in tables if (r := t.find(name))), None)
    if row is None:
        yield from _unknown(context, workload, version, name, said.path)
        return
    value = None if isinstance(said.v, bool) else str(said.v)
    by = (f"{engine.id} {version} refuses it when it starts",)
    if row.kind == "bool_flag" and value is not None:
        yield context.finding("SRV102", f"--{name} is a switch: true or false, not {value!r}", said.path, notes=by)
    elif row.kind != "bool_flag" and (problem := row.problem(value)):
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


def _positive(tables: tuple[FlagTable, ...], name: str) -> str | None:
    """The flag that ``no-X`` or ``disable-X`` negates; None for a flag that has no other form, as ``disable-hybrid-kv-cache-manager``."""
    word, _, rest = name.partition("-")
    if word not in ("no", "disable"):
        return None
    if word == "no" and not tables:
        return rest
    return next((other for other in (rest, f"enable-{rest}") if any(t.find(other) for t in tables)), None)


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
