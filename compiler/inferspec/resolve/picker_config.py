"""The EndpointPickerConfig of a pool: a preset of the stack with flow control and detector, or the service's own."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..catalog import Stack
from ..catalog.picking import PluginRef
from ..diagnostics import SpecPath
from ..model.picking import Configuration, FlowControl, Picker, Saturation, plain
from ..values import SpecAt, Value
from .workload import Workload

FLOW_CONTROL = "flowControl"
"""The feature gate."""
COLD_START = "noEndpointRequestTTL"
PRECISE = ("precise-prefix-cache-producer", "precise-prefix-cache-scorer")
"""Plugins that follow the servers' KV cache by its events."""
METRICS = "metrics-data-source"
EVENTS_FLAG = "kv-events-config"
EVENTS_ENDPOINT = "tcp://*:5557"
"""Where vLLM publishes KV events unless it is told otherwise (vllm 0.32.0, KVEventsConfig.endpoint)."""
SERVICE = "{service}"
"""Stands for the Service of the servers that a picker chooses among: each variant has one of its own."""


class Inline(dict[str, Any]):
    """A map on one line."""


def path_of(service: str) -> SpecPath:
    """Where the picker of a service is written."""
    return ("serving", service, "picker")


def document(workload: Workload) -> dict[str, Any]:
    """The configuration as data, in the order that it is written in."""
    w = workload
    picker = w.service.picker or Picker.model_construct()
    head = {"apiVersion": w.stack.apis["EndpointPickerConfig"].api_version, "kind": "EndpointPickerConfig"}
    if picker.config is not None:
        return {**head, **_own(w, picker.config)}
    made = _halves(w) if w.half else _preset(w, picker.preset or "balanced")
    detector = _detector(w, picker.saturation, waiting=picker.flow_control is not None)
    if detector:
        made["plugins"].append({"type": w.stack.detector.type, "parameters": Inline(detector)})
    if picker.flow_control is None:
        return {**head, **made}
    band = {key: w.stack.policies[kind][word] for kind, key, word in _policies(picker.flow_control)}
    made["plugins"] += [{"type": plugin} for plugin in band.values()]
    return {**head, "featureGates": [FLOW_CONTROL], **made, "flowControl": _queues(w, picker.flow_control, band)}


def inputs(workload: Workload) -> list[Value]:
    """What the spec and the defaults say in the configuration."""
    w, picker = workload, workload.service.picker
    own = picker.config if picker is not None else None
    found = [] if own is not None else [w.tokens] if w.half else _adapters(w)
    if picker is None:
        return found
    found += _leaves(plain(picker), path_of(w.service_name))
    if picker.flow_control is not None:
        found += [Value(w.platform.objectives[name], SpecAt(("objectives", name))) for name in exposed(w)]
        if picker.saturation is None or picker.saturation.staleness is None:
            found.append(w.default("picker.staleness"))
    return found


def experimental(workload: Workload) -> Value | None:
    """The first alpha plugin of the service's own configuration."""
    config = workload.service.picker.config if workload.service.picker is not None else None
    for i, plugin in enumerate(config.plugins if config is not None else ()):
        known = workload.stack.plugins.get(plugin.type)
        if known is not None and known.alpha:
            return Value(plugin.type, SpecAt((*path_of(workload.service_name), "config", "plugins", i, "type")))
    return None


def exposed(workload: Workload) -> list[str]:
    """Objectives that requests to the service can name."""
    return sorted({e.objective for e in workload.service.expose if e.objective})


def queueing(workload: Workload) -> FlowControl | None:
    """Flow control where it is on; of a configuration of one's own nothing else is known."""
    picker = workload.service.picker
    own = picker.config if picker is not None else None
    if own is not None:
        return FlowControl.model_construct() if gated(own.feature_gates) else None
    return picker.flow_control if picker is not None else None


def queued(workload: Workload) -> Value:
    """What of the spec switches flow control on."""
    picker = workload.service.picker
    own = picker is not None and picker.config is not None
    return Value(True, SpecAt((*path_of(workload.service_name), "config" if own else FLOW_CONTROL)))


def holds(stack: Stack) -> bool:
    """Whether the release's picker is told how long a request waits for a first server."""
    return COLD_START in stack.fields.get("flowControl", ())


def gated(gates: Iterable[str]) -> bool:
    """Whether feature gates switch flow control on."""
    return any(said in (FLOW_CONTROL, f"{FLOW_CONTROL}=true") for said in gates)


def event_port(workload: Workload) -> int | None:
    """Port of the server's KV events, where its picker follows them; None where it does not, or no port is said."""
    config = workload.service.picker.config if workload.service.picker is not None else None
    if config is None or not any(plugin.type in PRECISE for plugin in config.plugins):
        return None
    port = str(events(workload).get("endpoint", EVENTS_ENDPOINT)).rpartition(":")[2]
    return int(port) if port.isdigit() else None


def events(workload: Workload) -> Mapping[str, Any]:
    """What the server is told of KV events; empty where it is told nothing."""
    said = workload.flag(EVENTS_FLAG)
    try:
        found = json.loads(str(said.v)) if said is not None else {}
    except ValueError:
        return {}  # the rule on flags refuses it
    return found if isinstance(found, dict) else {}


def metrics_port(w: Workload) -> int:
    """Port of the engine's metrics where the picker is told it by a plugin; 0 where it is the pool's own or an argument."""
    return w.engine.metrics_port or 0 if w.stack.picker.options.get("metricsPort") is None else 0


# -- parts -------------------------------------------------------------------------------------------------------------


def _preset(w: Workload, name: str) -> dict[str, Any]:
    """One profile; what servers with adapters need besides stands before the picker."""
    refs = list(w.stack.presets[name].plugins)
    if _adapters(w) and all(ref.plugin != w.stack.adapter_scorer.plugin for ref in refs):
        refs.insert(len(refs) - 1, w.stack.adapter_scorer)
    plugins: list[dict[str, Any]] = [{"type": ref.plugin} for ref in refs]
    if port := metrics_port(w):
        plugins.append({"type": METRICS, "parameters": {"port": port}})
    return {"plugins": plugins, "schedulingProfiles": [{"name": "default", "plugins": [_used(ref) for ref in refs]}]}


def _adapters(w: Workload) -> list[Value]:
    """What makes the scorer of adapters part of a preset."""
    at: SpecPath = ("serving", w.service_name)
    found = [Value(name, SpecAt((*at, "adapters", name))) for name in w.service.adapters]
    dynamic = w.service.dynamic_adapters
    return found if dynamic is None else [*found, Value(dynamic.max, SpecAt((*at, "dynamicAdapters", "max")))]


def _used(ref: PluginRef) -> dict[str, Any]:
    return {"pluginRef": ref.plugin, **({} if ref.weight is None else {"weight": ref.weight})}


def _halves(w: Workload) -> dict[str, Any]:
    """Two profiles, one for each half."""
    apart = w.stack.disaggregated
    said = {"{maxModelLen}": int(w.tokens.v)}
    plugins: list[dict[str, Any]] = []
    for plugin in apart.plugins:
        parameters = Inline({name: said.get(str(value), value) for name, value in plugin.parameters.items()})
        plugins.append({"type": plugin.type, **({"parameters": parameters} if parameters else {})})
    profiles = [{"name": half, "plugins": [Inline(ref) for ref in refs]} for half, refs in apart.profiles.items()]
    return {"plugins": plugins, "schedulingProfiles": profiles}


def _own(w: Workload, config: Configuration) -> dict[str, Any]:
    """As written, with the name of the Service; maps sorted: the order of keys changes nothing."""
    said: dict[str, Any] = _named(plain(config), w.name)
    made = {key: _sorted(value) if isinstance(value, dict) else value for key, value in said.items()}
    made["plugins"] = [{**p, "parameters": Inline(p["parameters"])} if p.get("parameters") else p for p in made["plugins"]]
    if (port := metrics_port(w)) and all(plugin.type != METRICS for plugin in config.plugins):
        made["plugins"].append({"type": METRICS, "parameters": Inline(port=port)})
    return made


def _detector(w: Workload, said: Saturation | None, *, waiting: bool) -> dict[str, Any]:
    """Parameters of the detector; while requests wait the age of metrics is always said."""
    names, found = w.stack.detector.params, dict[str, Any]()
    if said is not None and said.queue_depth is not None:
        found[names["queueDepth"]] = said.queue_depth
    if said is not None and said.kv_cache is not None:
        found[names["kvCache"]] = said.kv_cache / 100
    if said is not None and said.staleness is not None:
        found[names["staleness"]] = said.staleness
    elif waiting:
        found[names["staleness"]] = w.default("picker.staleness").v
    return found


def _policies(flow: FlowControl) -> Iterator[tuple[str, str, str]]:
    """(kind, field of a band, the spec's word) of what is said."""
    for kind, key, word in (("fairness", "fairnessPolicyRef", flow.fairness), ("ordering", "orderingPolicyRef", flow.ordering)):
        if word is not None:
            yield kind, key, word


def _queues(w: Workload, flow: FlowControl, band: dict[str, str]) -> dict[str, Any]:
    """Limits, and a band for each priority that a request can have, with the same limits: the release has lower ones for a band."""
    limits: dict[str, Any] = {
        key: str(value) for key, value in (("maxBytes", flow.max_bytes), ("maxRequests", flow.max_requests)) if value is not None
    }
    waits = {
        key: value for key, value in (("defaultRequestTTL", flow.ttl), (COLD_START, flow.cold_start_ttl)) if value is not None
    }
    priorities = sorted({0, *(w.platform.objectives[name] for name in exposed(w))}, reverse=True)
    return {**limits, **waits, "priorityBands": [{"priority": priority, **limits, **band} for priority in priorities]}


def _named(value: Any, service: str) -> Any:
    if isinstance(value, dict):
        return {key: _named(inner, service) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_named(item, service) for item in value]
    return value.replace(SERVICE, service) if isinstance(value, str) else value


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, (list, tuple)) else value


def _leaves(value: Any, path: SpecPath) -> Iterator[Value]:
    """Every scalar of what was written, with its place; an empty map or list counts as one."""
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _leaves(inner, (*path, key))
    elif isinstance(value, (list, tuple)) and value:
        for i, inner in enumerate(value):
            yield from _leaves(inner, (*path, i))
    else:
        yield Value(value if isinstance(value, (str, bool, int)) else json.dumps(value), SpecAt(path))
