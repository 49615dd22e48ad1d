"""The command line of a server: what the engine always gets, what is derived, then the spec's flags, each once."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from ...catalog.engine_parts import Flag, Group
from ...catalog.engines import PLACES, version_key
from ...resolve.asked import lora_rank, lora_slots
from ...resolve.mounts import ADAPTERS, draft_path
from ...resolve.workload import Workload
from ...values import Catalogue as FromCatalogue
from ...values import Derived, SpecAt, Value, derive, text
from . import telemetry

_PLACE = re.compile(r"\{([A-Za-z]+)\}")


def arguments(workload: Workload, *, worker: bool = False) -> list[Value | str]:
    """Arguments after the command. ``worker``: of the Pods of a group that only compute.

    A switch that is off is ``--no-name`` where the engine has that form: ``--no-enable-x`` parses in every version of vLLM the
    catalogue has, ``--disable-x`` does not (flag tables 0.11.2 to 0.33.0).
    """
    w, group = workload, group_of(workload)
    if worker and group is not None and group.worker_command:
        return placed(w, group.worker_args)
    found = placed(w, w.engine.args)
    if not w.engine.document:
        found += [a for name, value in settled(w).items() if (a := _argument(w, name, value)) is not None]
        found += _adapters(w)
    if group is not None:
        found += placed(w, (*group.args, *(group.worker_args if worker else ())))
    return found


def command(workload: Workload, *, worker: bool = False) -> list[Value | str]:
    """Entry point; empty for the image's own."""
    group = group_of(workload)
    if group is None:
        return placed(workload, workload.engine.command)
    return placed(workload, (worker and group.worker_command) or group.command or workload.engine.command)


def group_of(workload: Workload) -> Group | None:
    """How the Pods of one copy are started, where it spans nodes."""
    return workload.engine.groups.get(workload.accelerator.kind) if workload.layout.spans_nodes else None


def settled(workload: Workload) -> dict[str, Value]:
    """Flag name without its dashes -> value: the roles of the engine in the order of its file, then the spec's flags."""
    w, group = workload, group_of(workload)
    positional = group is not None and "{modelPath}" in group.command
    found: dict[str, Value] = {}
    for role, flag in w.engine.flags.items():
        value = None if positional and role == "model" else _of_role(w, role, flag)
        if value is not None:
            found[flag.name.removeprefix("--")] = value
    for name, flag_value in _handing_over(w).items():
        found[name] = flag_value
    found |= telemetry.of_server(w)[0]
    found |= {name: said.value for name, said in w.settings.flags.items()}
    for name in w.settings.removed:
        found.pop(name, None)
    return found


def _handing_over(workload: Workload) -> dict[str, Value]:
    """What each half of a disaggregated service is told."""
    w = workload
    if not w.half:
        return {}
    at = FromCatalogue(f"engines.{w.engine.id}.disaggregation.flags.{w.half}")
    return {name: Value(value, at) for name, value in w.engine.disaggregation.flags[w.half].items()}


def document(workload: Workload) -> Value:
    """The settings as one JSON document; a dot in a name is a level."""
    tree: dict[str, Any] = {}
    values = settled(workload)
    for name, value in values.items():
        *above, last = name.split(".")
        node = tree
        for step in above:
            node = node.setdefault(step, {})
        node[last] = typed(value)
    return derive("settings as one document", json.dumps(tree, separators=(",", ":"), sort_keys=True), *values.values())


def typed(value: Value) -> Any:
    """Decimals are text in a Value; in a document they are numbers again."""
    try:
        return float(value.v) if isinstance(value.v, str) and "." in value.v else value.v
    except ValueError:
        return value.v


def placed(workload: Workload, arguments: tuple[str, ...]) -> list[Value | str]:
    """Literal arguments, ``{modelPath}`` and its like replaced."""
    return [_placed(workload, argument) for argument in arguments]


def environment_of(workload: Workload) -> dict[str, Value | str]:
    """Variables the engine always gets on this platform."""
    w = workload
    variables = {**w.engine.env.get("all", {}), **w.engine.env.get(w.accelerator.kind, {})}
    group = group_of(w)
    if group is not None:
        variables |= group.env
    if w.half:
        variables |= w.engine.disaggregation.env
    if w.service.dynamic_adapters is not None:
        variables |= w.engine.env.get("dynamicAdapters", {})
    found = {name: _placed(w, value) for name, value in variables.items()} | telemetry.of_server(w)[1] | telemetry.log_environment(w)
    if w.pod.stream_buffer is not None:
        found["RUNAI_STREAMER_MEMORY_LIMIT"] = derive("GiB in bytes", str(int(w.pod.stream_buffer.v) * 2**30), w.pod.stream_buffer)
    if w.engine.document and w.engine.workload == "deployment":
        found[w.engine.document] = document(w)
    return found


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
        "port": lambda: _port(w),
        "chips": lambda: w.chips,
        "tensorParallel": lambda: w.layout.tensor,
        "maxModelLen": lambda: w.tokens,
    }
    return places[name]()


def _port(workload: Workload) -> Value:
    w = workload
    if w.half == "decode":
        return Value(w.engine_port, FromCatalogue(f"stacks.{w.stack.id}.disaggregated.serverPort"))
    return Value(w.engine_port, FromCatalogue(f"engines.{w.engine.id}.port"))


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
    keys = {
        "method": "method",
        "tokens": "num_speculative_tokens",
        "lookup": "prompt_lookup_max",
        "tensorParallel": "draft_tensor_parallel_size",
    }
    said = {key: found for key in keys if (found := w.settings.get(f"speculative.{key}")) is not None}
    if not said:
        return None
    config = {keys[key]: value.v for key, value in said.items()}
    if config.get("method") == "draft":
        config["method"] = "draft_model"
    inputs = list(said.values())
    if w.draft is not None:
        config["model"] = _draft_path(w, w.draft).v
        inputs.append(w.draft)
    return derive("speculative decoding as the engine takes it", json.dumps(config, separators=(",", ":"), sort_keys=True), *inputs)


def _draft_path(workload: Workload, draft: Value) -> Value:
    return derive("where the draft model is mounted", draft_path(workload.mounts.artefacts[1]), draft)


def _speculative_tokens(workload: Workload) -> Value | None:
    """SGLang counts the token that the model itself adds to those its draft guessed (PyPI sglang 0.5.23 server_args.py)."""
    said = workload.settings.get("speculative.tokens")
    if said is None or workload.draft is None:
        return said
    return derive("guessed tokens + 1", int(said.v) + 1, said)


def _speculative_method(workload: Workload) -> Value | None:
    said = workload.settings.get("speculative.method")
    if said is None:
        return None
    return derive("the engine's word for the method", workload.engine.speculative_methods[str(said.v)], said)


def _lora(workload: Workload) -> Value | None:
    w = workload
    if w.service.adapters:
        return Value(True, SpecAt(("serving", w.service_name, "adapters")))
    return Value(True, SpecAt(("serving", w.service_name, "dynamicAdapters"))) if w.service.dynamic_adapters is not None else None


ROLES: Mapping[str, Callable[[Workload], Value | None]] = {
    "model": model_location,
    "servedModelName": lambda w: w.served_name(),
    "port": lambda w: _port(w),
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
    "speculativeMethod": _speculative_method,
    "speculativeSteps": lambda w: w.settings.get("speculative.tokens") if w.draft is not None else None,
    "speculativeTopK": lambda w: derive("one branch", 1, w.draft) if w.draft is not None else None,
    "speculativeTokens": _speculative_tokens,
    "speculativeModel": lambda w: _draft_path(w, w.draft) if w.draft is not None else None,
    "modelName": lambda w: Value(w.model_key, SpecAt((*w.path, "model"))),
    "chips": lambda w: w.chips,
    "enableLora": _lora,
    "maxLoras": lora_slots,
    "maxLoraRank": lora_rank,
}
"""What the compiler says for a role of an engine's ``flags``, in the order of that file; None says nothing."""


def _argument(workload: Workload, name: str, value: Value) -> Value | None:
    prefix, switches = workload.engine.prefix, workload.engine.switches
    if isinstance(value.v, bool) and switches != "value":
        if value.v:
            return text(f"{prefix}{name}{{:.0}}", value)
        return text(f"{prefix}{switches}{name}{{:.0}}", value) if switches == "no-" else None
    return text(f"{prefix}{name}={{}}", value)


def _adapters(workload: Workload) -> list[Value | str]:
    """One flag with an argument an adapter (vLLM's ``--lora-modules`` takes several)."""
    w = workload
    flag = w.engine.flags.get("loraModules")
    if flag is None or not w.service.adapters:
        return []
    names = [Value(name, SpecAt(("serving", w.service_name, "adapters", name))) for name in w.service.adapters]
    return [flag.name, *(text("{}=" + ADAPTERS + "/{}", name, name) for name in names)]
