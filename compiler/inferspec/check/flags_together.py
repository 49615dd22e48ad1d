"""Flags that are right one by one and that the engine refuses together, or with this model."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import Any

from ..catalog import human_int
from ..diagnostics import Diagnostic, SpecPath
from ..resolve.workload import Workload
from .accelerated import bounds_of
from .context import Context, place_of


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
    bounds = bounds_of(workload)
    elsewhere = bounds is not None and bounds.quantization and method not in bounds.quantization  # SRV134
    if method in workload.engine.quantised_only and not elsewhere and facts is not None and not facts.quantisation and role is not None:
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


def context_length(context: Context) -> Iterator[Diagnostic]:
    """vLLM refuses a longer context than the model's own unless the rope is overridden."""
    seen: set[Any] = set()
    for w in context.workloads():
        known = w.context
        at = place_of(w.tokens, w.path)
        if known and int(w.tokens.v) > known and at not in seen:
            seen.add(at)
            yield context.finding(
                "SRV106",
                f"{w.name}: {w.tokens.v:,} tokens are more than {w.model_key} was made for ({known:,})",
                at,
                help=f"at most {known}, or a rope override in flags.hf-overrides",
            )
