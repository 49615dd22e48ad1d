"""What a service asks of its engine: an engine that exists, and a way to tell it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ..catalog import Engine
from ..catalog.engines import PLACES
from ..diagnostics import Diagnostic, SpecPath
from ..resolve.workload import Workload
from ..values import SpecAt, Value
from .context import Context, place_of

_ROLE = {
    "tensorParallel": "tensorParallelSize",
    "pipelineParallel": "pipelineParallelSize",
    "dataParallel": "dataParallelSize",
    "expertParallel": "expertParallel",
    "maxModelLen": "maxModelLen",
    "chatTemplate": "chatTemplate",
    "speculative.method": "speculativeConfig",
    "speculative.lookup": "speculativeConfig",
    "speculative.tensorParallel": "speculativeConfig",
}
"""Key of the spec -> role of the engine's flags that carries it."""
_PLACE = re.compile(r"\{([A-Za-z]+)\}")


def told(context: Context) -> Iterator[Diagnostic]:
    """Every key a service sets reaches its engine: one that is dropped on the way would be believed."""
    seen: set[Any] = set()
    for w in context.workloads():
        for key, value in _asked(w):
            at = place_of(value, w.path)
            if (at, key) not in seen and not _carries(w.engine, key):
                seen.add((at, key))
                yield context.finding(
                    "SRV121",
                    f"{w.name}: engine {w.engine.id} cannot be told {key}",
                    at,
                    help="remove the key, or set what the engine has under flags: or env:",
                )


def _asked(w: Workload) -> Iterator[tuple[str, Value]]:
    for key in _ROLE:
        if (value := w.settings.get(key)) is not None:
            yield key, value
    if w.mounts.streamed:
        yield "read: run-ai-streamer", w.mounts.read
    for key, path in (("adapters", "adapters"), ("dynamicAdapters", "dynamic_adapters")):
        if getattr(w.service, path):
            yield key, Value(key, SpecAt(("serving", w.service_name, key)))


def _carries(engine: Engine, key: str) -> bool:
    if key in ("tensorParallel", "maxModelLen") and any(f"{{{key}}}" in argument for argument in (*engine.args, *engine.command)):
        return True
    if key == "tensorParallel" and "{chips}" in " ".join(engine.args):
        return True
    if key == "speculative.method" and "speculativeMethod" in engine.flags:
        return True
    if key == "dynamicAdapters":
        return "dynamicAdapters" in engine.env
    return {**_ROLE, "adapters": "enableLora", "read: run-ai-streamer": "loadFormat"}[key] in engine.flags


def speculation(context: Context) -> Iterator[Diagnostic]:
    """A method with what it needs: ngram reads the prompt, the others a model of their own."""
    seen: set[Any] = set()
    for w in context.workloads():
        said = {key: v for key in ("method", "model", "tokens", "lookup") if (v := w.settings.get(f"speculative.{key}")) is not None}
        at = place_of(next(iter(said.values())), w.path)[:-1] if said else w.path
        if not said or at in seen:
            continue
        seen.add(at)
        method = str(said["method"].v) if "method" in said else ""
        problem = (
            "does not say its method" if not method
            else f"method {method} needs a model" if method != "ngram" and "model" not in said
            else "method ngram reads the prompt and takes no model" if method == "ngram" and "model" in said
            else "does not say how many tokens it guesses" if "tokens" not in said
            else ""
        )  # fmt: skip
        if problem:
            yield context.finding(
                "SRV122",
                f"{w.name}: speculative decoding {problem}",
                at,
                help="{method: ngram, tokens: 5, lookup: 4}, or {method: eagle3, model: MODEL@VERSION, tokens: 3}",
            )


def containers(context: Context) -> Iterator[Diagnostic]:
    """``{…}`` in a container of one's own names something the compiler derives."""
    for name, service in context.platform.serving.items():
        if service.container is None:
            continue
        for key, said in (("command", service.container.command), ("args", service.container.args)):
            for i, argument in enumerate(said):
                for word in _PLACE.findall(argument):
                    if word not in PLACES:
                        yield context.finding(
                            "SRV123",
                            f"{name}: {{{word}}} stands for nothing",
                            ("serving", name, "container", key, i),
                            help=f"there are {', '.join(f'{{{p}}}' for p in PLACES)}",
                        )


def pools(context: Context) -> Iterator[Diagnostic]:
    """A pool's picker reads the metrics of its servers: an engine it cannot read has no place behind one."""
    for name, service in context.platform.serving.items():
        engine = context.catalogue.engine(service.engine.partition("@")[0])
        if service.expose and not engine.engine_label:
            at: SpecPath = ("serving", name, "expose")
            yield context.finding(
                "GTW108",
                f"{name}: the endpoint picker cannot read the metrics of {engine.id}",
                at,
                key=True,
                notes=("a route to an ordinary Service is not emitted yet",),
                help="leave expose out and call the Service inside the cluster, or take vllm, sglang or triton-tensorrt-llm",
            )
