"""The command line of a server: what the engine always gets, what is derived, then the spec's flags, each once."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping

from ...catalog.engines import PLACES, Flag, version_key
from ...resolve.asked import lora_rank, lora_slots
from ...resolve.mounts import ADAPTERS
from ...resolve.workload import Workload
from ...values import Catalogue as FromCatalogue
from ...values import Derived, SpecAt, Value, derive, text

_PLACE = re.compile(r"\{([A-Za-z]+)\}")


def arguments(workload: Workload, *, worker: bool = False) -> list[Value | str]:
    """Arguments after the command. ``worker``: of the Pods of a group that only compute.

    A flag is ``--name=value``, a switch ``--name`` or, turned off, ``--no-name`` where the engine has that form:
    ``--no-enable-x`` parses in every version the catalogue has, ``--disable-x`` does not (vLLM flag tables 0.11.2 to 0.33.0).
    """
    w = workload
    settled: dict[str, Value] = {}
    for role, flag in w.engine.flags.items():
        value = _of_role(w, role, flag)
        if value is not None:
            settled[flag.name.removeprefix("--")] = value
    for name, said in w.settings.flags.items():
        settled[name] = said.value
    for name in w.settings.removed:
        settled.pop(name, None)
    written = [a for name, value in settled.items() if (a := _argument(w, name, value)) is not None]
    return [*placed(w, w.engine.args), *written, *_adapters(w), *_of_group(w, worker)]


def placed(workload: Workload, arguments: tuple[str, ...]) -> list[Value | str]:
    """Literal arguments, ``{modelPath}`` and its like replaced."""
    return [_placed(workload, argument) for argument in arguments]


def environment_of(workload: Workload) -> dict[str, Value | str]:
    """Variables the engine always gets on this platform."""
    w = workload
    variables = {**w.engine.env.get("all", {}), **w.engine.env.get(w.accelerator.kind, {})}
    if w.layout.spans_nodes and w.accelerator.kind in w.engine.groups:
        variables |= w.engine.groups[w.accelerator.kind].env
    if w.service.dynamic_adapters is not None:
        variables |= w.engine.env.get("dynamicAdapters", {})
    return {name: _placed(w, value) for name, value in variables.items()}


def _placed(workload: Workload, argument: str) -> Value | str:
    names = [name for name in _PLACE.findall(argument) if name in PLACES]
    if not names:
        return argument
    values = [_place(workload, name) for name in names]
    pattern, last = "", 0
    for match in _PLACE.finditer(argument):
        if match[1] in PLACES:
            pattern += _literal(argument[last : match.start()]) + "{}"
            last = match.end()
    return text(pattern + _literal(argument[last:]), *values)


def _literal(part: str) -> str:
    return part.replace("{", "{{").replace("}", "}}")


def _place(workload: Workload, name: str) -> Value:
    w = workload
    places: dict[str, Callable[[], Value]] = {
        "modelPath": lambda: model_location(w),
        "model": lambda: Value(w.model_key, SpecAt((*w.path, "model"))),
        "servedName": w.served_name,
        "port": lambda: Value(w.engine.port, FromCatalogue(f"engines.{w.engine.id}.port")),
        "chips": lambda: w.chips,
        "tensorParallel": lambda: w.layout.tensor,
        "maxModelLen": lambda: w.tokens,
    }
    return places[name]()


def model_location(workload: Workload) -> Value:
    """Where the engine finds the weights: the mount, or the bucket itself where it streams them."""
    w = workload
    if w.mounts.streamed:
        return text("gs://{}/{}", w.bucket, w.prefix)
    return Value(w.model_path, Derived("where the weights are mounted", (w.model_ref,)))


# -- roles -------------------------------------------------------------------------------------------------------------


def _of_role(workload: Workload, role: str, flag: Flag) -> Value | None:
    if role in ROLES:
        return ROLES[role](workload)
    if flag.value is not None and _applies(workload, flag):
        return Value(flag.value, FromCatalogue(f"engines.{workload.engine.id}.flags.{role}"))
    return None


def _applies(workload: Workload, flag: Flag) -> bool:
    return not flag.since or version_key(flag.since) <= version_key(str(workload.engine_version.v))


def _beyond_one(value: Value) -> Value | None:
    return value if int(value.v) != 1 else None


def _streamed(workload: Workload) -> Value | None:
    w = workload
    return derive("weights are streamed from the bucket", "runai_streamer", w.mounts.read) if w.mounts.streamed else None


def _streamer_config(workload: Workload) -> Value | None:
    """Each chip reads its own part of the files (vLLM documentation, "Loading models with Run:ai Model Streamer")."""
    w = workload
    if not w.mounts.streamed or w.layout.total == 1:
        return None
    return derive("each chip streams its own part", '{"distributed":true}', w.mounts.read, w.layout.tensor)


def _template(workload: Workload) -> Value | None:
    said = workload.settings.get("chatTemplate")
    return None if said is None else text("{}/{}", model_location(workload), said)


def _speculative(workload: Workload) -> Value | None:
    """vLLM's speculative config as JSON (vllm 0.32.0 config/speculative.py)."""
    w = workload
    keys = {"method": "method", "tokens": "num_speculative_tokens", "lookup": "prompt_lookup_max",
            "tensorParallel": "draft_tensor_parallel_size"}
    said = {key: found for key in keys if (found := w.settings.get(f"speculative.{key}")) is not None}
    if not said:
        return None
    config = {keys[key]: value.v for key, value in said.items()}
    if config.get("method") == "draft":
        config["method"] = "draft_model"
    inputs = list(said.values())
    if w.draft is not None:
        config["model"] = f"/models/{str(w.draft.v).partition('@')[0]}"
        inputs.append(w.draft)
    return derive("speculative decoding as the engine takes it", json.dumps(config, separators=(",", ":"), sort_keys=True), *inputs)


def _lora(workload: Workload) -> Value | None:
    w = workload
    if w.service.adapters:
        return Value(True, SpecAt(("serving", w.service_name, "adapters")))
    return Value(True, SpecAt(("serving", w.service_name, "dynamicAdapters"))) if w.service.dynamic_adapters is not None else None


ROLES: Mapping[str, Callable[[Workload], Value | None]] = {
    "model": model_location,
    "servedModelName": lambda w: w.served_name(),
    "port": lambda w: Value(w.engine.port, FromCatalogue(f"engines.{w.engine.id}.port")),
    "tensorParallelSize": lambda w: w.layout.tensor,
    "pipelineParallelSize": lambda w: _beyond_one(w.layout.pipeline),
    "dataParallelSize": lambda w: _beyond_one(w.layout.data),
    "expertParallel": lambda w: w.layout.expert,
    "maxModelLen": lambda w: w.tokens,
    "gpuMemoryUtilization": lambda w: w.utilisation,
    "logRequests": lambda w: w.default("serving.logRequests"),
    "loadFormat": _streamed,
    "loaderConfig": _streamer_config,
    "chatTemplate": _template,
    "speculativeConfig": _speculative,
    "enableLora": _lora,
    "maxLoras": lora_slots,
    "maxLoraRank": lora_rank,
}
"""What the compiler says for a role of an engine's ``flags``, in the order of that file; None says nothing."""


def _argument(workload: Workload, name: str, value: Value) -> Value | None:
    if value.v is True:
        return text(f"--{name}{{:.0}}", value)
    if value.v is False:
        return text(f"--{workload.engine.negation}{name}{{:.0}}", value) if workload.engine.negation else None
    return text(f"--{name}={{}}", value)


def _adapters(workload: Workload) -> list[Value | str]:
    """One flag with an argument an adapter (vLLM's ``--lora-modules`` takes several)."""
    w = workload
    flag = w.engine.flags.get("loraModules")
    if flag is None or not w.service.adapters:
        return []
    names = [Value(name, SpecAt(("serving", w.service_name, "adapters", name))) for name in w.service.adapters]
    return [flag.name, *(text("{}=" + ADAPTERS + "/{}", name, name) for name in names)]


def _of_group(workload: Workload, worker: bool) -> list[Value | str]:
    w = workload
    if not w.layout.spans_nodes:
        return []
    group = w.engine.groups[w.accelerator.kind]
    return placed(w, (*group.args, *(group.worker_args if worker else ())))
