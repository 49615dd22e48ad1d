"""What an engine takes on one kind of accelerator and refuses on another (``bounds`` of its row)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ..catalog import Bounds
from ..diagnostics import Diagnostic, SpecPath
from ..resolve.parameters import stored_format
from ..resolve.workload import Workload
from .context import Context, place_of
from .flag_names import flag_row, spelled


def bounds_of(w: Workload) -> Bounds | None:
    """Of the engine, or of the one whose flags it takes, on the workload's accelerator."""
    kind, engine = w.accelerator.kind, w.engine
    return engine.bounds.get(kind) or (w.catalogue.engine(engine.flags_of).bounds.get(kind) if engine.flags_of else None)


def not_loaded(w: Workload) -> bool:
    """Whether the weights are in a format that the engine does not load there."""
    bounds = bounds_of(w)
    return bounds is not None and w.facts is not None and stored_format(w.facts) in bounds.stored_refused


def refused(context: Context) -> Iterator[Diagnostic]:
    seen: set[Any] = set()
    for w in context.workloads():
        if (bounds := bounds_of(w)) is None:
            continue
        for at, problem, help in _problems(context, w, bounds):
            if (at, problem) not in seen:
                seen.add((at, problem))
                by = (f"{w.engine.id} ends with it when it starts on a {w.accelerator.kind.upper()}",)
                yield context.finding("SRV134", f"{w.name}: {problem}", at, notes=by, help=help)


def _problems(context: Context, w: Workload, bounds: Bounds) -> Iterator[tuple[SpecPath, str, str]]:
    """Where, what, and the way out."""
    kind = w.accelerator.kind.upper()
    for name, said in w.settings.flags.items():
        flag, value, row = spelled(w, name), str(said.v), flag_row(context, w, name)
        if row is None or isinstance(said.v, bool) or row.problem(value):
            continue  # SRV101, SRV102
        if flag == "quantization" and bounds.quantization and value.lower() not in bounds.quantization:
            yield said.path, f"quantization {value} is not for a {kind}", f"one of {', '.join(bounds.quantization)}"
        elif flag == "kv-transfer-config" and (used := _connector(value)) and used not in bounds.connectors:
            yield said.path, f"the {kind} has no KV connector {used}", f"one of {', '.join(bounds.connectors)}"
        elif flag in bounds.flags:
            yield said.path, f"{name} {bounds.flags[flag]}", "remove it"
    if not_loaded(w) and w.facts is not None and "quantization" not in w.settings.flags:
        formats = ", ".join(bounds.quantization)
        yield (
            place_of(w.model_ref, w.path),
            f"the weights of {w.model_key} are {stored_format(w.facts)}, which a {kind} does not load",
            f"an edition of the model in 16 bits, or in one of {formats}",
        )
    if w.facts is not None and w.facts.kv_lora_rank and (missing := _latent(w, bounds)):
        yield place_of(w.model_ref, w.path), f"latent attention (MLA) of {w.model_key} on a {kind} is not switched on", "; ".join(missing)


def _connector(config: str) -> str:
    """The connector that a KV transfer configuration names; empty where it names none."""
    found = _within(config, "kv_connector")
    return found if isinstance(found, str) else ""


def _latent(w: Workload, bounds: Bounds) -> list[str]:
    """What is missing for latent attention, as the spec would say it; nothing where it is turned off."""
    off = w.settings.env.get(bounds.latent_off)
    if off is not None and str(off.v) == "1":
        return []
    said = {name: str(value.v) for name, value in w.settings.env.items()}
    env = {name: value for name, value in bounds.latent_env.items() if said.get(name) != value}
    missing = ["env: {" + ", ".join(f'{name}: "{value}"' for name, value in env.items()) + "}"] if env else []
    config = next((str(value.v) for name, value in w.settings.flags.items() if spelled(w, name) == "additional-config"), "")
    if bounds.latent_config and _within(config, *bounds.latent_config.split(".")) is not True:
        wanted: Any = True
        for key in reversed(bounds.latent_config.split(".")):
            wanted = {key: wanted}
        missing.append(f"flags: {{additional-config: '{json.dumps(wanted)}'}}")
    return missing


def _within(text: str, *path: str) -> Any:
    """What stands at a path of a JSON object; None where nothing does, or it is no JSON, which the rule on flags says."""
    try:
        found = json.loads(text)
    except ValueError:
        return None
    for key in path:
        found = found.get(key) if isinstance(found, dict) else None
    return found
