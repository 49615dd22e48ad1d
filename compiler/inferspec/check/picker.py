"""The endpoint picker of a service: where it has one, what it is told, how long requests may wait in it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from ..catalog import Stack
from ..diagnostics import Diagnostic, Severity, SpecPath
from ..model.base import seconds
from ..model.picking import Picker, plain
from ..model.watching import latency
from ..resolve.picker_config import FLOW_CONTROL, gated, holds, path_of
from ..resolve.workload import Workload
from .capacity import machines
from .context import Context, clusters, place_of
from .picker_config import Fault, faults, mapping, plugins_of
from .picker_servers import suits
from .scaling_zero import first_server

FRESH = 1
"""Seconds: metrics that count as stale earlier fill a pool whenever a scrape is late (llm-d-router issues 2100, 2408)."""
_UNITS = {unit: Fraction(size) for unit, size in (("h", "3600"), ("m", "60"), ("s", "1"), ("ms", "1e-3"), ("us", "1e-6"), ("ns", "1e-9"))}


def _pickers(context: Context) -> Iterator[tuple[str, Picker, list[Workload]]]:
    """Services that say something of their picker, with the workloads that requests come to."""
    said = {name: service.picker for name, service in context.platform.serving.items() if service.picker is not None}
    if not said:
        return
    fronts: dict[str, list[Workload]] = {name: [] for name in said}
    for key, workload, _ in context.cohorts:
        if key.service in fronts and not key.prefill:
            fronts[key.service].append(workload)
    for name, picker in said.items():
        # check.backends says it of servers that no picker reads.
        if not any(w.service.expose and not w.pooled for w in fronts[name]):
            yield name, picker, fronts[name]


def placed(context: Context) -> Iterator[Diagnostic]:
    """A picker stands before a pool, and what it is told once is not told twice."""
    stack = context.catalogue.stack(context.platform.stack)
    for name, picker, fronts in _pickers(context):
        at = path_of(name)
        others = {"preset": picker.preset, "flowControl": picker.flow_control, "saturation": picker.saturation}
        beside = [key for key, said in others.items() if said is not None]
        if not context.platform.serving[name].expose and not context.lost_exposures(name):
            said = f"{name} is behind no gateway: it has no picker"
            yield context.finding("GTW112", said, at, key=True, help="expose: [{gateway: NAME}], or remove picker")
        elif picker.config is not None and beside:
            yield context.finding(
                "GTW112",
                f"{name}: {beside[0]} and config both say what the picker does",
                (*at, beside[0]),
                key=True,
                related=(context.span((*at, "config"), "the whole configuration", key=True),),
                help=f"remove {beside[0]} and write it into config, or remove config",
            )
        elif picker.preset is not None and fronts and all(w.half for w in fronts):
            said = f"{name}: prompts are read apart, and the picker has what its halves need"
            help = "remove preset; flowControl, saturation and config may stand beside prefill"
            yield context.finding("GTW112", said, (*at, "preset"), help=help)
        elif picker.preset is not None and picker.preset not in stack.presets:
            said = f"stack {stack.id} has no preset {picker.preset}"
            yield context.finding("GTW112", said, (*at, "preset"), help=f"it has {', '.join(stack.presets)}")
        elif picker.preset == "lora-heavy" and not _adapted(fronts):
            yield context.finding(
                "GTW112",
                f"{name} has no LoRA adapters: preset lora-heavy has nothing to weigh",
                (*at, "preset"),
                severity=Severity.WARNING,
                help="adapters:, or another preset",
            )


def _adapted(fronts: list[Workload]) -> bool:
    return any(w.service.adapters or w.service.dynamic_adapters is not None for w in fronts)


def configured(context: Context) -> Iterator[Diagnostic]:
    """A configuration of one's own, as the release reads it."""
    stack = context.catalogue.stack(context.platform.stack)
    for name, picker, _ in _pickers(context):
        if picker.config is not None:
            yield from _told(context, name, faults(stack, plain(picker.config)))


def suited(context: Context) -> Iterator[Diagnostic]:
    """A configuration of one's own, and the servers that it chooses from."""
    for name, picker, fronts in _pickers(context):
        if picker.config is not None:
            config = plain(picker.config)
            yield from _told(context, name, (fault for w in fronts for fault in suits(w, config)))


def _told(context: Context, name: str, found: Iterator[Fault]) -> Iterator[Diagnostic]:
    """Each once, whatever variants and clusters it is found for."""
    seen: set[tuple[str, SpecPath, str]] = set()
    for fault in found:
        if (fault.code, fault.path, fault.help) not in seen:
            seen.add((fault.code, fault.path, fault.help))
            yield context.finding(
                fault.code,
                f"{name}: {fault.message.removeprefix(f'{name}: ')}",
                (*path_of(name), "config", *fault.path),
                key=fault.key,
                severity=fault.severity,
                notes=fault.notes,
                help=fault.help,
            )


# -- waiting -----------------------------------------------------------------------------------------------------------


def queued(context: Context) -> Iterator[Diagnostic]:
    """Flow control that the release has, with metrics that a late scrape does not make stale, before more than one server."""
    stack = context.catalogue.stack(context.platform.stack)
    for name, picker, fronts in _pickers(context):
        if picker.config is not None:
            on, found = _written(stack, plain(picker.config))
            yield from _told(context, name, iter(found))
        else:
            on = (*path_of(name), "flowControl") if picker.flow_control is not None else None
            yield from _typed(context, stack, name, picker)
            yield from _outlived(context, name, picker, fronts)
        yield from _alone(context, name, fronts, on)


def _typed(context: Context, stack: Stack, name: str, picker: Picker) -> Iterator[Diagnostic]:
    at, flow, full = path_of(name), picker.flow_control, picker.saturation
    if flow is None:
        return
    if FLOW_CONTROL not in stack.feature_gates:
        said = f"{name}: the picker of stack {stack.id} has no flow control"
        yield context.finding("GTW117", said, (*at, "flowControl"), key=True, help="remove it, or take a stack that has the gate")
    elif flow.cold_start_ttl is not None and not holds(stack):
        able = [s for s in context.catalogue.stacks() if holds(context.catalogue.stack(s))]
        said = f"{name}: the picker of stack {stack.id} knows one wait, with servers or without"
        help = f"ttl alone, or stack: {able[0]}" if able else "ttl alone"
        yield context.finding("GTW117", said, (*at, "flowControl", "coldStartTtl"), key=True, help=help)
    if full is not None and full.staleness is not None and latency(full.staleness) < FRESH:
        said = f"{name}: metrics older than {full.staleness} count as a full server: a late scrape stops requests"
        yield context.finding("GTW117", said, (*at, "saturation", "staleness"), help=_FRESHER, notes=_STOPS)


def _outlived(context: Context, name: str, picker: Picker, fronts: list[Workload]) -> Iterator[Diagnostic]:
    """A wait ends with the gateway's own timeout at the latest."""
    flow = picker.flow_control
    if flow is None or not fronts or context.lost_exposures(name):
        return
    timeout = fronts[0].pod.timeout
    for key, said in (("ttl", flow.ttl), ("coldStartTtl", flow.cold_start_ttl)):
        late = key == "coldStartTtl" and fronts[0].to_zero and int(timeout.v) < sum(first_server(fronts[0]))  # SCL109 says so
        if said is not None and seconds(said) > int(timeout.v) and not late:
            yield context.finding(
                "GTW117",
                f"{name}: a request may wait {said}, and its gateway gives up after {timeout.v} s",
                (*path_of(name), "flowControl", key),
                severity=Severity.WARNING,
                help=f"{key}: {timeout.v}s or less, or a longer timeout of the gateway",
            )


_FRESHER = f"{FRESH}s or more"
_STOPS = ("with flow control a pool that is full gets no request, and where servers are few one late scrape fills it",)


def _written(stack: Stack, config: Mapping[str, Any]) -> tuple[SpecPath | None, list[Fault]]:
    """Where flow control is switched on, relative to the service's path; and what is wrong with it."""
    if not gated(config.get("featureGates", ())):
        ignored = [key for key in mapping(config.get("flowControl")) if key != "saturationDetector"]
        told = f"the picker ignores flowControl without the feature gate {FLOW_CONTROL}"
        return None, [Fault("GTW117", ("flowControl", key), told, f"featureGates: [{FLOW_CONTROL}]", key=True) for key in ignored[:1]]
    at: SpecPath = ("featureGates",)
    declared, kind = plugins_of(config), stack.detector.type
    said = mapping(mapping(config.get("flowControl")).get("saturationDetector")) or mapping(config.get("saturationDetector"))
    i, plugin = declared.get(str(said.get("pluginRef", kind)), (-1, {"type": kind}))
    if plugin["type"] != kind:
        return at, []
    key = stack.detector.params["staleness"]
    age = (plugin.get("parameters") or {}).get(key)
    if age is None:
        where: SpecPath = ("plugins", i, "type") if i >= 0 else at
        told = f"{kind} without {key}: metrics older than 200ms count as a full server, and a late scrape stops requests"
        return at, [Fault("GTW117", where, told, f"{{type: {kind}, parameters: {{{key}: {FRESH}s}}}}", _STOPS, key=i < 0)]
    if _duration(str(age)) < FRESH:
        told = f"metrics older than {age} count as a full server: a late scrape stops requests"
        return at, [Fault("GTW117", ("plugins", i, "parameters", key), told, _FRESHER, _STOPS)]
    return at, []


def _duration(text: str) -> Fraction:
    """Seconds of a Go duration; 0 where it is none."""
    parts = re.findall(r"([0-9]+(?:\.[0-9]+)?)(ms|us|ns|h|m|s)", text)
    return sum((Fraction(number) * _UNITS[unit] for number, unit in parts), Fraction(0))


def _alone(context: Context, name: str, fronts: list[Workload], on: SpecPath | None) -> Iterator[Diagnostic]:
    single = next((w for w in fronts if int(w.scale("max").v) == 1), None)
    if on is None or single is None:
        return
    yield context.finding(
        "GTW117",
        f"{single.name} has one server: while its metrics are late every request waits",
        on if on[0] == "serving" else (*path_of(name), "config", *on),
        key=True,
        severity=Severity.WARNING,
        related=(context.span(place_of(single.scale("max"), single.path), "at most one", key=True),),
        help="scale: {max: 2} or more, or no flow control",
    )


# -- servers that are alike --------------------------------------------------------------------------------------------


def alike(context: Context) -> Iterator[Diagnostic]:
    """One pool, one accelerator: the picker compares queues and caches of its servers as if they were equally fast."""
    told: set[str] = set()
    for key in context.fleet.front_keys:
        w = context.fleet.workload(key, context.fleet.base)
        if not w.pooled:
            continue
        known = machines(context, w.capacity_name, w.capacity)
        chips = list(dict.fromkeys(machine.accelerator for _, machine in known))
        if len(chips) > 1 and w.capacity_name not in told:
            told.add(w.capacity_name)
            places = list(context.fleet.places_of(key))
            yield context.finding(
                "GTW118",
                f"the pool of {w.name} has servers on {' and '.join(chips)} (class {w.capacity_name})",
                next(path for path, machine in known if machine.accelerator != chips[0]),
                severity=Severity.WARNING,
                notes=(
                    "the picker takes the mean of queues and caches, each server alike: the faster ones count as full too early",
                    f"in {clusters(places)}",
                ),
                help="a class for each accelerator and a variant for each class: each variant has a pool of its own",
            )
