"""The command line of a server: derived flags, then the spec's, each once."""

from __future__ import annotations

from ...resolve.workload import Workload
from ...values import Catalogue as FromCatalogue
from ...values import SpecAt, Value, text

STRUCTURAL = ("model", "port", "host", "served-model-name", "tensor-parallel-size", "max-model-len", "download-dir", "load-format")
"""Flags that carry the object graph or another key of the spec; ``check.flags`` refuses them in ``flags``."""


def arguments(workload: Workload) -> list[Value | str]:
    """Arguments after the command, ``--flag=value`` each; a boolean is ``--flag`` or ``--no-flag``.

    ``--no-enable-x`` parses in every version the catalogue has, ``--disable-x`` does not (vLLM flag tables 0.11.2 to 0.33.0).
    """
    w = workload
    settled: dict[str, Value] = {
        "served-model-name": w.served_name(),
        "port": Value(w.engine.port, FromCatalogue(f"engines.{w.engine.id}.port")),
        "tensor-parallel-size": w.chips,
        "max-model-len": w.tokens,
        "gpu-memory-utilization": w.utilisation,
        "enable-log-requests": w.default("serving.logRequests"),
    }
    if w.service.adapters:
        settled["enable-lora"] = Value(True, SpecAt(("serving", w.service_name, "adapters")))
    for name, said in w.settings.flags.items():
        settled[name] = said.value
    for name in w.settings.removed:
        settled.pop(name, None)
    from .server import model_path

    return [f"--model={model_path(w)}", *(_argument(name, value) for name, value in settled.items())]


def _argument(name: str, value: Value) -> Value:
    if value.v is True:
        return text(f"--{name}{{:.0}}", value)
    if value.v is False:
        return text(f"--no-{name}{{:.0}}", value)
    return text(f"--{name}={{}}", value)
