"""Number formats: what the weights are kept in against what the chip computes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..catalog import Accelerator
from ..diagnostics import Diagnostic, Severity, SpecPath
from ..resolve.parameters import format_in_use
from ..resolve.workload import Workload
from .accelerated import not_loaded
from .context import Context

SHORT = {
    "bfloat16": "bf16",
    "float16": "fp16",
    "half": "fp16",
    "float32": "fp32",
    "float": "fp32",
    "float8": "fp8",
    "nvfp4": "fp4",
    "mxfp4": "fp4",
}
"""Formats as the catalogue's accelerators name them."""
WIDENED = ("fp8", "float8", "nvfp4")
"""Formats that have another edition to choose; mxfp4 models are published in it alone, for chips of every kind."""
CLASSES = {"nvfp4": "modelopt_fp4", "float8": "fp8"}
"""Formats whose quantisation class, the key of an engine's ``minCapability``, has another name."""


def formats(context: Context) -> Iterator[Diagnostic]:
    """What the engine refuses to start with is an error; what it only widens while it computes, a warning."""
    seen: set[Any] = set()
    for w in context.workloads():
        if w.facts is None:
            continue
        at, kept = _format_at(w, "quantization"), format_in_use(w.facts, w.asked.quantization)
        key = (at, _format_at(w, "dtype"), w.model_key, kept, w.accelerator.id)
        if key not in seen:
            seen.add(key)
            yield from _dtype(context, w, w.facts.dtype)
            if not not_loaded(w):  # SRV134
                yield from _quantised(context, w, kept, at)


def _format_at(w: Workload, flag: str) -> SpecPath:
    said = w.settings.flags.get(flag)
    return said.path if said else (*w.path, "capacity")


def _dtype(context: Context, w: Workload, own: str) -> Iterator[Diagnostic]:
    """The dtype of what is not quantised; ``own`` is the model's."""
    asked = w.settings.said("dtype", "auto")
    dtype = own if asked == "auto" else asked
    if dtype == "bfloat16" and SHORT[dtype] not in w.accelerator.dtypes:
        yield context.finding(
            "ACC106",
            f"{w.name}: {w.model_key} computes in {dtype}, which {w.accelerator.id} has not",
            _format_at(w, "dtype"),
            notes=(f"{w.accelerator.id} has {', '.join(w.accelerator.dtypes)}",),
            help="flags: {dtype: half}, if the model bears it; else a newer accelerator",
        )


def _quantised(context: Context, w: Workload, kept: str, at: SpecPath) -> Iterator[Diagnostic]:
    short = SHORT.get(kept, kept)
    if short in ("bf16", "fp16", "fp32") or short in w.accelerator.dtypes:
        return
    least = w.engine.min_capability.get(CLASSES.get(kept, kept), 0)
    has = f"{w.accelerator.id} has {', '.join(w.accelerator.dtypes)}"
    sm = w.accelerator.sm
    if sm is not None and sm < least:
        yield context.finding(
            "ACC106",
            f"{w.name}: {kept} weights need compute capability {_capability(least)}, {w.accelerator.id} has {_capability(sm)}",
            at,
            notes=(has,),
            help="a newer accelerator, or 16-bit weights",
        )
    elif kept in WIDENED:
        yield context.finding(
            "ACC107",
            f"{w.name}: {w.accelerator.id} does not compute {kept}",
            at,
            severity=Severity.WARNING,
            notes=(has, "the weights take less memory and are widened for every product: no faster than 16 bits"),
            help=_native(context, short),
        )


def _native(context: Context, short: str) -> str:
    having = [a for a in context.catalogue.accelerators.values() if short in a.dtypes]
    return f"{short} is computed by " + ", ".join(_named(having))


def _named(accelerators: list[Accelerator]) -> list[str]:
    return [a.id for a in sorted(accelerators, key=lambda a: (a.kind, a.sm or 0, a.id))]


def _capability(sm: int) -> str:
    return f"{sm // 10}.{sm % 10}"
