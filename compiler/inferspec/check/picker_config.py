"""A picker's configuration against the release that reads it: fields, plugins, parameters, references, profiles.

Each function looks at plain data and yields faults with paths relative to it: what a spec writes and what presets make are judged alike.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, NamedTuple

from ..catalog import Stack
from ..catalog.picking import PluginType
from ..diagnostics import Severity, SpecPath
from ..nearest import nearest

NO_PROFILE = ("handler", "decider", "policy", "source", "extractor", "parser", "hook", "producer")
"""Roles that have no part in a profile."""
SINGLE = "single-profile-handler"


class Fault(NamedTuple):
    """What is wrong at a place of the configuration, and the way out; ``key`` underlines the key there, not its value."""

    code: str
    path: SpecPath
    message: str
    help: str = ""
    notes: tuple[str, ...] = ()
    severity: Severity = Severity.ERROR
    key: bool = False


def faults(stack: Stack, config: Mapping[str, Any]) -> Iterator[Fault]:
    yield from _fields(stack, config, "config", ())
    yield from _gates(stack, config)
    yield from _types(stack, config)
    yield from _stability(stack, config)
    yield from _names(config)
    yield from _references(stack, config)
    yield from _profiles(stack, config)
    yield from _handlers(stack, config)


def plugins_of(config: Mapping[str, Any]) -> dict[str, tuple[int, Mapping[str, Any]]]:
    """Each plugin by the name that others refer to, with its place."""
    return {str(plugin.get("name") or plugin["type"]): (i, plugin) for i, plugin in enumerate(config.get("plugins", ()))}


def mapping(node: Any) -> Mapping[str, Any]:
    """A map of what nobody has checked; empty where it is none."""
    return node if isinstance(node, Mapping) else {}


def meant(word: str, known: Collection[str], kind: str) -> str:
    near = nearest(word, sorted(known))
    return f"did you mean '{near[0]}'?" if near else f"{kind} {', '.join(sorted(known)) or 'none'}"


# -- what the release knows --------------------------------------------------------------------------------------------


def _fields(stack: Stack, node: Any, place: str, path: SpecPath) -> Iterator[Fault]:
    """Every map whose fields are known, from the top; plugins and profiles have models of their own."""
    known = stack.fields.get(place)
    if isinstance(node, (list, tuple)):
        for i, item in enumerate(node):
            yield from _fields(stack, item, place, (*path, i))
    elif isinstance(node, Mapping) and known is not None:
        for key, inner in node.items():
            if key not in known:
                yield Fault(
                    "GTW113",
                    (*path, key),
                    f"{place if path else 'the configuration'} has no field {key} in stack {stack.id}",
                    meant(key, known, "it has"),
                    ("an unknown field ends the picker when it starts",),
                    key=True,
                )
            else:
                yield from _fields(stack, inner, key if place == "config" else f"{place}.{key}", (*path, key))
    elif known is not None:
        told = f"{place} is a map of {', '.join(known)}, not {node!r}"
        yield Fault("GTW113", path, told, f"{{{known[0]}: …}}", ("the picker ends when it starts",))


def _gates(stack: Stack, config: Mapping[str, Any]) -> Iterator[Fault]:
    for i, said in enumerate(config.get("featureGates", ())):
        gate, _, switch = str(said).partition("=")
        if gate not in stack.feature_gates:
            yield Fault(
                "GTW113",
                ("featureGates", i),
                f"stack {stack.id} has no feature gate {gate}",
                meant(gate, stack.feature_gates, "it has"),
                ("an unknown gate ends the picker when it starts",),
            )
        elif switch and not stack.gate_values:
            told = f"stack {stack.id} takes gates by name alone, not {said}"
            yield Fault("GTW113", ("featureGates", i), told, "list the name, or leave it out")


def _types(stack: Stack, config: Mapping[str, Any]) -> Iterator[Fault]:
    for i, plugin in enumerate(config.get("plugins", ())):
        known = stack.plugins.get(plugin["type"])
        if known is None:
            scorers = [name for name, other in stack.plugins.items() if other.role == "scorer" and not other.alpha]
            near = nearest(plugin["type"], stack.plugins)
            yield Fault(
                "GTW113",
                ("plugins", i, "type"),
                f"stack {stack.id} has no plugin {plugin['type']}",
                f"did you mean '{near[0]}'?" if near else f"its scorers are {', '.join(scorers)}",
                ("an unknown type ends the picker when it starts",),
            )
        elif not known.open:
            yield from _parameters(stack, known, plugin, ("plugins", i, "parameters"))


def _parameters(stack: Stack, known: PluginType, plugin: Mapping[str, Any], path: SpecPath) -> Iterator[Fault]:
    said = plugin.get("parameters") or {}
    for name in known.required:
        if name not in said:
            told = f"{plugin['type']} needs {name} in stack {stack.id}"
            yield Fault("GTW113", (*path[:-1], "type"), told, f"parameters: {{{name}: …}}", ("the picker ends when it starts",))
    for name in said:
        if name not in (*known.params, *known.old_params):
            yield Fault(
                "GTW113",
                (*path, name),
                f"{plugin['type']} has no parameter {name} in stack {stack.id}",
                meant(name, known.params, "it takes"),
                ("an unknown parameter ends the picker when it starts" if stack.strict_parameters else "it is ignored",),
                key=True,
            )


def _stability(stack: Stack, config: Mapping[str, Any]) -> Iterator[Fault]:
    option = stack.picker.options.get("allowExperimental")
    for i, plugin in enumerate(config.get("plugins", ())):
        known, at = stack.plugins.get(plugin["type"]), ("plugins", i, "type")
        if known is None:
            continue
        if known.deprecated:
            yield Fault(
                "GTW115", at, f"{plugin['type']} is deprecated in stack {stack.id}", "a later release refuses it", severity=Severity.WARNING
            )
        if known.alpha and option:
            told = f"the picker is started with {option}"
            yield Fault("GTW115", at, f"{plugin['type']} is alpha in stack {stack.id}", told, severity=Severity.INFO)
        elif known.alpha:
            yield Fault("GTW115", at, f"{plugin['type']} is alpha, and the picker of stack {stack.id} allows none", "another plugin")
        for name in known.old_params:
            if name in (plugin.get("parameters") or ()):
                yield Fault(
                    "GTW115",
                    ("plugins", i, "parameters", name),
                    f"parameter {name} of {plugin['type']} is deprecated in stack {stack.id}",
                    meant(name, known.params, "it takes"),
                    severity=Severity.WARNING,
                    key=True,
                )


# -- how the parts refer to each other ---------------------------------------------------------------------------------


def _names(config: Mapping[str, Any]) -> Iterator[Fault]:
    for section, what in (("plugins", "plugins"), ("schedulingProfiles", "profiles")):
        seen: set[str] = set()
        for i, entry in enumerate(config.get(section, ())):
            name, key = str(entry.get("name") or entry["type"]), "name" if entry.get("name") else "type"
            if name in seen:
                yield Fault("GTW114", (section, i, key), f"two {what} are named {name}", "name: another one")
            seen.add(name)


def _references(stack: Stack, config: Mapping[str, Any]) -> Iterator[Fault]:
    """A plugin that the release makes itself may be named too: its picker where there is no other, anything else by its type."""
    declared = plugins_of(config)
    roles = {stack.plugins[plugin["type"]].role for _, plugin in declared.values() if plugin["type"] in stack.plugins}
    made = [name for name in stack.provided if stack.plugins[name].role != "picker" or "picker" not in roles]
    for section, node in config.items():
        if section in ("plugins", "featureGates"):
            continue
        known = [*declared, *made]
        for path, name in _refs(node, (section,)):
            if name not in known:
                near = nearest(name, known)
                way = f"did you mean '{near[0]}'?" if near else f"plugins has {', '.join(declared)}"
                yield Fault("GTW114", path, f"there is no plugin {name} among plugins", way)


def _refs(node: Any, path: SpecPath) -> Iterator[tuple[SpecPath, str]]:
    if isinstance(node, Mapping):
        for key, inner in node.items():
            if key.endswith("Ref") and isinstance(inner, str):
                yield (*path, key), inner
            yield from _refs(inner, (*path, key))
    elif isinstance(node, (list, tuple)):
        for i, inner in enumerate(node):
            yield from _refs(inner, (*path, i))


def _profiles(stack: Stack, config: Mapping[str, Any]) -> Iterator[Fault]:
    declared = plugins_of(config)
    for i, profile in enumerate(config.get("schedulingProfiles", ())):
        pickers: list[str] = []
        for j, ref in enumerate(profile.get("plugins", ())):
            at: SpecPath = ("schedulingProfiles", i, "plugins", j)
            known = stack.plugins.get(declared[ref["pluginRef"]][1]["type"]) if ref["pluginRef"] in declared else None
            if known is None:
                continue
            if ref.get("weight") is not None and known.role != "scorer":
                said = f"{ref['pluginRef']} is a {known.role}: a weight is a scorer's"
                yield Fault("GTW114", (*at, "weight"), said, "remove the weight", ("the picker ignores it",), key=True)
            if known.role in NO_PROFILE:
                said = f"{ref['pluginRef']} is a {known.role} and does nothing in a profile"
                yield Fault("GTW114", (*at, "pluginRef"), said, "profiles have filters, scorers and a picker")
            pickers += [ref["pluginRef"]] if known.role == "picker" else []
            if known.role == "picker" and len(pickers) > 1:
                said = f"profile {profile['name']} has two pickers: {' and '.join(pickers)}"
                yield Fault("GTW114", (*at, "pluginRef"), said, "keep one", ("the picker ends when it starts",))


def _handlers(stack: Stack, config: Mapping[str, Any]) -> Iterator[Fault]:
    """One profile needs no handler; several need one that chooses, and there is one handler at most."""
    profiles = config.get("schedulingProfiles", ())
    found = [
        (i, plugin["type"])
        for i, plugin in enumerate(config.get("plugins", ()))
        if plugin["type"] in stack.plugins and stack.plugins[plugin["type"]].role == "handler"
    ]
    choosing = sorted(name for name, known in stack.plugins.items() if known.role == "handler" and name != SINGLE)
    if len(found) > 1:
        said = f"two handlers of profiles: {found[0][1]} and {found[1][1]}"
        yield Fault("GTW114", ("plugins", found[1][0], "type"), said, "keep one", ("the picker ends when it starts",))
    elif len(profiles) > 1 and all(name == SINGLE for _, name in found):
        yield Fault(
            "GTW114",
            ("schedulingProfiles", 1),
            f"{len(profiles)} profiles and no plugin that chooses among them",
            f"one of {', '.join(choosing)}" if choosing else f"stack {stack.id} has one profile",
            ("the picker ends when it starts",),
        )
