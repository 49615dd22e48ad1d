"""A picker's own configuration against the servers behind it: adapters, block sizes, KV events, halves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..diagnostics import Severity, SpecPath
from ..resolve.picker_config import EVENTS_FLAG, METRICS, PRECISE, events, metrics_port
from ..resolve.workload import Workload
from .picker_config import Fault, mapping, plugins_of

INDEX_BLOCK = 16
"""Tokens a block of the precise index where its configuration says none (llm-d/llm-d-kv-cache, kvblock.defaultBlockSize)."""
APPROXIMATE = ("approx-prefix-cache-producer", "prefix-cache-scorer")
LONGEST = "maxPrefixTokensToMatch"
TOKENS, NOTIFIED, LORA, APART = "token-producer", "endpoint-notification-source", "lora-affinity-scorer", "disagg-profile-handler"


def suits(w: Workload, config: Mapping[str, Any]) -> Iterator[Fault]:
    yield from _adapters(w, config)
    yield from _metrics(w, config)
    yield from _blocks(w, config)
    yield from _longest(w, config)
    yield from _precise(w, config)
    yield from _halves(w, config)


def block_size(w: Workload) -> int | None:
    """Tokens a block of the server's KV cache; None where nobody says and the engine chooses by model and device."""
    flag, facts = w.engine.flags.get("blockSize"), w.facts
    if flag is None:
        return None
    said = w.settings.count(flag.name.removeprefix("--"), 0)
    plain = facts is not None and not facts.kv_lora_rank and not facts.linear_layers and w.accelerator.kind == "gpu"
    return said or (flag.default if plain else 0) or None


def _adapters(w: Workload, config: Mapping[str, Any]) -> Iterator[Fault]:
    refs = {ref["pluginRef"] for profile in config.get("schedulingProfiles", ()) for ref in profile["plugins"]}
    used = [plugin["type"] for name, (_, plugin) in plugins_of(config).items() if not refs or name in refs]
    if (w.service.adapters or w.service.dynamic_adapters is not None) and LORA not in used:
        yield Fault(
            "GTW116",
            ("plugins",),
            f"{w.service_name} has LoRA adapters, and its picker does not know where each is loaded",
            f"add {{type: {LORA}}}, and to the profile {{pluginRef: {LORA}, weight: 1}}",
            ("a request goes to a server that has to load the adapter first",),
            severity=Severity.WARNING,
            key=True,
        )


def _metrics(w: Workload, config: Mapping[str, Any]) -> Iterator[Fault]:
    """An engine that shows its metrics on another port than the pool's, and a source that is not told so."""
    port = metrics_port(w)
    for i, plugin in enumerate(config.get("plugins", ())):
        said = (plugin.get("parameters") or {}).get("port")
        if port and plugin["type"] == METRICS and said != port:
            told = f"{w.name}: {METRICS} reads port {said or w.engine.port}, and the metrics of {w.engine.id} are on {port}"
            at: SpecPath = ("plugins", i, "type") if said is None else ("plugins", i, "parameters", "port")
            yield Fault("GTW116", at, told, f"parameters: {{port: {port}}}, or leave the plugin out", ("every server looks idle, or full",))


def _blocks(w: Workload, config: Mapping[str, Any]) -> Iterator[Fault]:
    size = block_size(w)
    for i, plugin in enumerate(config.get("plugins", ())):
        parameters, at = plugin.get("parameters") or {}, ("plugins", i, "parameters")
        if size is None:
            continue
        if plugin["type"] in APPROXIMATE and parameters.get("blockSizeTokens") not in (None, size):
            tuned = "it counts until the first metrics come: then the picker takes the server's"
            yield Fault(
                "GTW116",
                (*at, "blockSizeTokens"),
                f"{w.name}: blocks of {parameters['blockSizeTokens']} tokens, and the server's have {size}",
                f"blockSizeTokens: {size}, or leave it out",
                ("prefixes are compared in blocks that no server has",) if parameters.get("autoTune") is False else (tuned,),
                severity=Severity.WARNING,
            )
        if plugin["type"] in PRECISE:
            said = mapping(parameters.get("tokenProcessorConfig"))
            key = next((name for name in ("blockSizeTokens", "blockSize") if name in said), "")
            if (said[key] if key else INDEX_BLOCK) != size:
                yield Fault(
                    "GTW116",
                    (*at, "tokenProcessorConfig", key) if key else (*at[:2], "type"),
                    f"{w.name}: an index of {said[key] if key else INDEX_BLOCK} tokens a block, and the server's blocks have {size}",
                    f"tokenProcessorConfig: {{blockSize: {size}}}",
                    ("no block is ever found: every server scores 0",),
                )


def _longest(w: Workload, config: Mapping[str, Any]) -> Iterator[Fault]:
    """Prefixes longer than any request: a figure of another model. Shorter ones cost less and are a choice."""
    longest = int(w.tokens.v)
    for i, plugin in enumerate(config.get("plugins", ())):
        said = (plugin.get("parameters") or {}).get(LONGEST)
        if plugin["type"] in APPROXIMATE and type(said) is int and said > longest:
            yield Fault(
                "GTW170",
                ("plugins", i, "parameters", LONGEST),
                f"{w.name}: prefixes are compared up to {said:,} tokens, and its longest request has {longest:,}",
                f"{LONGEST}: {longest}, that is maxModelLen",
                ("a figure of another model or server; presets take it from maxModelLen",),
                severity=Severity.WARNING,
            )


def _precise(w: Workload, config: Mapping[str, Any]) -> Iterator[Fault]:
    """What follows the servers' KV cache needs their events, tokens as they count them, and to be told of every server."""
    declared = plugins_of(config)
    for name, (i, plugin) in declared.items():
        if plugin["type"] not in PRECISE:
            continue
        at: SpecPath = ("plugins", i, "type")
        if events(w).get("enable_kv_cache_events") is not True:
            way = '\'{"enable_kv_cache_events": true, "publisher": "zmq", "endpoint": "tcp://*:5557"}\''
            said = f"{w.name}: {name} reads KV events, and the server publishes none"
            yield Fault("GTW116", at, said, f"flags: {{{EVENTS_FLAG}: {way}}}", ("the index stays empty: every server scores 0",))
        sources = _list(config.get("dataLayer"), "sources")
        types = {name: other["type"] for name, (_, other) in declared.items()}
        notified = [source for source in sources if types.get(str(source.get("pluginRef"))) == NOTIFIED]
        if all(name not in [str(e.get("pluginRef")) for e in _list(source, "extractors")] for source in notified):
            way = f"dataLayer: {{sources: [{{pluginRef: {NOTIFIED}, extractors: [{{pluginRef: {name}}}]}}]}}, and the plugin {NOTIFIED}"
            yield Fault("GTW116", at, f"{name} is told of no server", way, ("it subscribes to the events of servers that it is told of",))
        if all(other["type"] != TOKENS for _, other in declared.values()):
            way = f"add {{type: {TOKENS}, parameters: {{modelName: {w.served_name().v}}}}}"
            yield Fault("GTW116", at, f"{name} needs the tokens of a prompt, and no {TOKENS} makes them", way)
    if any(plugin["type"] in PRECISE for _, plugin in declared.values()):
        yield from _tokens(w, config)


def _tokens(w: Workload, config: Mapping[str, Any]) -> Iterator[Fault]:
    served = str(w.served_name().v)
    for i, plugin in enumerate(config.get("plugins", ())):
        parameters = plugin.get("parameters") or {}
        if plugin["type"] == TOKENS and "estimate" not in parameters and parameters.get("modelName") != served:
            said = "modelName" in parameters
            yield Fault(
                "GTW116",
                ("plugins", i, "parameters", "modelName") if said else ("plugins", i, "type"),
                f"{w.name}: {TOKENS} asks for model {parameters.get('modelName', '(none)')}, and the server answers to {served}",
                f"modelName: {served}",
            )


def _halves(w: Workload, config: Mapping[str, Any]) -> Iterator[Fault]:
    if not w.half:
        return
    lacking = [half for half in ("prefill", "decode") if all(p["name"] != half for p in config.get("schedulingProfiles", ()))]
    if lacking or all(plugin["type"] != APART for plugin in config.get("plugins", ())):
        yield Fault(
            "GTW116",
            ("schedulingProfiles",),
            f"{w.name}: prompts are read by servers of their own, and the picker sends none there",
            f"profiles prefill and decode, and the plugin {APART} with a decider",
            key=True,
        )


def _list(node: Any, key: str) -> list[Mapping[str, Any]]:
    """The maps of a list inside a map that nobody has checked."""
    held = mapping(node).get(key)
    return [item for item in held if isinstance(item, Mapping)] if isinstance(held, (list, tuple)) else []
