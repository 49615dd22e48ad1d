#!/usr/bin/env python3
"""Writes the flag table of the installed vLLM: ``python tools/vllm_flags.py OUT.json``.

Run it in an environment that holds one vLLM version (the CUDA wheel, or the ``empty`` target build: both give the same table); the compiler
itself never imports vLLM. The parser is vLLM's own, walked action by action; its closure types are resolved to a kind. Platform-resolved
defaults (block size, batch sizes) are None here and are not part of the table's meaning.
"""

from __future__ import annotations

import argparse
import dataclasses
import enum
import importlib
import inspect
import json
import os
import re
import sys
from datetime import date
from typing import Any

from vllm_fields import fields, heeded
from vllm_late import CONSTRAINTS, late

PARSER_MODULES = ("vllm.entrypoints.launchers.cli_args", "vllm.entrypoints.common.cli_args", "vllm.entrypoints.openai.cli_args")
BASE_MODULES = ("vllm.utils.argparse_utils", "vllm.utils")
FIELD_OF_DEST = {"kv_cache_dtype": "cache_dtype"}


def first_with(modules: tuple[str, ...], name: str) -> tuple[str, Any]:
    """The module moves between versions: probe, never assume."""
    for module in modules:
        try:
            return module, getattr(importlib.import_module(module), name)
        except (ImportError, AttributeError):
            continue
    raise SystemExit(f"no {name} in {', '.join(modules)}: this vLLM is laid out differently")


def build_parser() -> tuple[str, argparse.ArgumentParser]:
    """vLLM's own parser; versions before the run-time device choice get the CPU platform set by hand."""
    module, make = first_with(PARSER_MODULES, "make_arg_parser")
    _, base = first_with(BASE_MODULES, "FlexibleArgumentParser")
    try:
        return module, make(base(prog="vllm serve"))
    except RuntimeError:
        import vllm.platforms
        from vllm.platforms.cpu import CpuPlatform

        vllm.platforms._current_platform = CpuPlatform()
        return module, make(base(prog="vllm serve"))


def kind_of(kind: Any) -> dict[str, Any]:
    """What ``a.type`` accepts, by its qualified name and its closure."""
    if kind is None:
        return {"kind": "str"}
    if kind in (int, float, str, bool):
        return {"kind": kind.__name__}
    name = getattr(kind, "__qualname__", type(kind).__name__)
    inner = inspect.getclosurevars(kind).nonlocals.get("return_type") if inspect.isfunction(kind) else None
    if "optional_type" in name:
        return kind_of(inner) | {"optional": True}
    if "parse_dataclass" in name:
        return {"kind": "json", "schema": kind.__defaults__[0]}
    if "parse_type" in name:
        return {"kind": "json"} if inner is json.loads else kind_of(inner)
    if kind is json.loads:
        return {"kind": "json"}
    if "union_dict_and_str" in name:
        return {"kind": "json_or_str"}
    for human in ("human_readable_int_or_auto", "human_readable_int"):
        if human in name:
            return {"kind": human.replace("_readable", "")}
    if "<lambda>" in name:
        return {"kind": "str", "normalised": True}
    if "parse_reasoning_parser" in name:
        return {"kind": "str"}
    return {"kind": "callable", "name": name}


def plain(value: Any) -> Any:
    """A default or a choice as JSON; no memory address, so that two runs give the same bytes."""
    if value is argparse.SUPPRESS or value is None or isinstance(value, (bool, int, float, str)):
        return None if value is argparse.SUPPRESS else value
    if isinstance(value, enum.Enum):
        return plain(value.value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {"$default_of": type(value).__name__}
    if isinstance(value, (set, frozenset)):
        return sorted(map(plain, value), key=str)
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    return re.sub(r" at 0x[0-9a-f]+", "", repr(value))[:120]


def constraints_of(group: str, dest: str) -> dict[str, Any]:
    """Pydantic's own constraints of the config class that the argument group is named after."""
    cls = getattr(importlib.import_module("vllm.config"), group, None)
    described = getattr(cls, "__pydantic_fields__", {}).get(FIELD_OF_DEST.get(dest, dest))
    found: dict[str, Any] = {}
    for item in getattr(described, "metadata", ()):
        found |= {name: getattr(item, name) for name in CONSTRAINTS if getattr(item, name, None) is not None}
    return found


def properties_of(cls: type) -> list[str]:
    """The keys a structured flag accepts."""
    import pydantic

    try:
        return sorted(pydantic.TypeAdapter(cls).json_schema().get("properties", {}))
    except pydantic.errors.PydanticUserError:
        return sorted(f.name for f in dataclasses.fields(cls))


def compact(flag: dict[str, Any]) -> dict[str, Any]:
    """One line of the table: what a check reads, empty things left out."""
    row: dict[str, Any] = {"names": flag["names"]}
    for key in ("hidden_names", "dest", "group"):
        if flag.get(key):
            row[key.removesuffix("_names")] = flag[key]
    row |= {key: value for key, value in flag["type"].items() if key in ("kind", "optional", "schema", "normalised") and value}
    if flag.get("nargs"):
        row["nargs"] = flag["nargs"]
    if flag.get("choices"):
        row["choices"] = flag["choices"]
    if flag.get("default") not in (None, "==SUPPRESS=="):
        row["default"] = flag["default"]
    for key in ("deprecated", "positional"):
        if flag.get(key):
            row[key] = True
    return row | ({"constraints": flag["constraints"]} if flag.get("constraints") else {})


def walk(parser: argparse.ArgumentParser) -> tuple[list[dict[str, Any]], dict[str, list[str]], dict[str, type]]:
    """Every flag in the parser's order, the keys of the structured ones, and their classes."""
    group_of = {id(a): g.title or "" for g in parser._action_groups for a in g._group_actions}
    deprecated = getattr(parser, "_deprecated", set())
    flags, schemas, classes = [], {}, {}
    for action in parser._actions:
        if isinstance(action, argparse._HelpAction):
            continue
        boolean = isinstance(action, (argparse.BooleanOptionalAction, argparse._StoreTrueAction, argparse._StoreFalseAction))
        kind = {"kind": "bool_flag"} if boolean or action.nargs == 0 else kind_of(action.type)
        if isinstance(kind.get("schema"), type):
            schemas[kind["schema"].__name__] = properties_of(kind["schema"])
            classes[kind["schema"].__name__] = kind["schema"]
            kind["schema"] = kind["schema"].__name__
        names = list(action.option_strings) or [action.dest]
        hidden = sorted(n for n, a in parser._option_string_actions.items() if a is action and n not in names)
        group = group_of.get(id(action), "")
        flags.append(
            compact(
                {
                    "names": names,
                    "hidden_names": hidden,
                    "dest": action.dest,
                    "group": group,
                    "type": kind,
                    "nargs": action.nargs,
                    "choices": plain(action.choices) if action.choices else None,
                    "default": plain(action.default),
                    "deprecated": action in deprecated
                    or getattr(action, "deprecated", False)
                    or "deprecated" in (action.help or "")[:60].lower(),
                    "positional": not action.option_strings,
                    "constraints": constraints_of(group, action.dest),
                }
            )
        )
    return flags, schemas, classes


def render(table: dict[str, Any]) -> str:
    """One flag a line, so that a new version is a reviewable diff."""
    dump = lambda v: json.dumps(v, ensure_ascii=False, separators=(", ", ": "))  # noqa: E731
    head = [f"{dump(k)}: {dump(v)}" for k, v in table.items() if k != "flags"]
    rows = ",\n".join(" " + dump(f) for f in table["flags"])
    return "{\n" + ",\n".join(head) + ',\n"flags": [\n' + rows + "\n]}\n"


def main(out: str) -> None:
    # Before the first import of vllm: a host without GPU has no platform otherwise, and vllm.engine.arg_utils builds the help texts that
    # mark deprecated flags only if it finds this argument when it is imported.
    os.environ.setdefault("VLLM_TARGET_DEVICE", "cpu")
    sys.argv = ["vllm", "serve", "--help=all"]
    module, parser = build_parser()
    import vllm
    import vllm.envs

    flags, schemas, classes = walk(parser)
    unknown = sorted(f["names"][0] for f in flags if f["kind"] in ("callable", "class"))
    if unknown:
        print(f"types not resolved, vLLM changed: {', '.join(unknown)}", file=sys.stderr)
    table = {
        "vllm": vllm.__version__,
        "parserModule": module,
        "asOf": date.today().isoformat(),
        "source": f"PyPI vllm {vllm.__version__}, its own argument parser on the CPU platform",
        "schemas": schemas,
        "fields": fields(classes),
        "heeded": {"--override-generation-config": heeded()},
        "late": late(flags),
        "env": sorted(vllm.envs.environment_variables),
        "flags": flags,
    }
    with open(out, "w", encoding="utf-8") as handle:
        handle.write(render(table))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    main(sys.argv[1])
