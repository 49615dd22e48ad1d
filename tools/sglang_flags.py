#!/usr/bin/env python3
"""Writes the flag table of one SGLang version: ``python tools/sglang_flags.py sglang-X.Y.Z-....whl OUT.json``.

SGLang builds its parser from annotated record fields (``arg_groups/fields``) and a few ``add_argument`` calls in ``server_args.py``.
Importing it needs torch and a GPU stack, so the wheel is read with ``ast`` and nothing of it is run. The walk follows SGLang's own
``add_cli_args_from_dataclass``: a plain bool is ``store_true`` without a ``--no-`` form, ``BooleanOptionalAction`` has one, a list is
``nargs="+"``.
"""

from __future__ import annotations

import ast
import json
import operator
import re
import sys
import zipfile
from datetime import date
from typing import Any

ROOT = "sglang/srt/"
KIND_OF_PARSER = {"json.loads": "json", "json_list_type": "json", "parse_cuda_graph_config_arg": "json", "human_readable_int": "human_int"}
KIND_OF_TYPE = {"int": "int", "float": "float"}
OPERATORS = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Pow: operator.pow}
# Lists that add_cli_args computes when it runs: where each one's members stand.
COMPUTED = {
    "reasoning_parser_choices": ("sglang.srt.parser.reasoning_parser_names", "REASONING_PARSER_NAMES"),
    "tool_call_parser_choices": ("sglang.srt.function_call.parser_names", "TOOL_CALL_PARSER_NAMES"),
    "sampling_backend_choices": ("sglang.srt.arg_groups.choices", "SAMPLING_BACKEND_CHOICES"),
    "_real_kv_hash_modes": ("sglang.kernels.ops.kv_canary.consts", "RealKvHashMode"),
}


class Wheel:
    """The modules of a wheel, parsed on first use, and the constants that they name."""

    def __init__(self, path: str) -> None:
        self.zip = zipfile.ZipFile(path)
        self.version = next(n for n in self.zip.namelist() if n.endswith(".dist-info/METADATA")).split("-")[1].removesuffix(".dist")
        self.trees: dict[str, ast.Module] = {}

    def tree(self, module: str) -> ast.Module:
        if module not in self.trees:
            stem = module.replace(".", "/")
            name = next(n for n in (stem + ".py", stem + "/__init__.py") if n in self.zip.NameToInfo)
            self.trees[module] = ast.parse(self.zip.read(name))
        return self.trees[module]

    def named(self, module: str, name: str) -> Any:
        """The value of a module-level name, through the import that brings it in."""
        for node in self.tree(module).body:
            if isinstance(node, ast.ImportFrom) and node.module and any((a.asname or a.name) == name for a in node.names):
                return self.named(node.module, next(a.name for a in node.names if (a.asname or a.name) == name))
            if isinstance(node, ast.ClassDef) and node.name == name:
                return {t.id: s.value for s in node.body if isinstance(s, ast.Assign) for t in s.targets if isinstance(t, ast.Name)}
            if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == name for t in node.targets):
                return self.value(module, node.value)
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id == name and node.value:
                return self.value(module, node.value)
        raise LookupError(f"{module} has no {name}")

    def value(self, module: str, node: ast.expr, inside: dict[str, ast.expr] | None = None) -> Any:
        """A constant expression; ``inside`` is the class body that its bare names belong to."""
        if isinstance(node, ast.Name):
            return self.value(module, inside[node.id], inside) if inside and node.id in inside else self.named(module, node.id)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            body = self.named(module, node.value.id)
            return self.value(module, body[node.attr], body)
        if isinstance(node, (ast.List, ast.Tuple)):
            return [self.value(module, e, inside) for e in node.elts]
        if isinstance(node, ast.Set):
            return sorted(self.value(module, e, inside) for e in node.elts)
        if isinstance(node, ast.BinOp):
            return OPERATORS[type(node.op)](self.value(module, node.left, inside), self.value(module, node.right, inside))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("set", "frozenset", "list"):
            return self.value(module, node.args[0], inside) if node.args else []
        return ast.literal_eval(node)


def dotted(node: ast.expr | None) -> str:
    return ast.unparse(node) if node is not None else ""


def split_type(node: ast.expr) -> str:
    """``Optional[X]`` and ``X | None`` to X, as text: both only say that the default may be None."""
    text = re.sub(r"\btyping\.", "", ast.unparse(node))
    while match := re.fullmatch(r"Optional\[(.*)\]|(.*?) \| None|None \| (.*)", text, re.S):
        text = next(g for g in match.groups() if g is not None)
    return text


def row(names: list[str], dest: str, group: str, told: dict[str, Any]) -> dict[str, Any]:
    """One line of the table, in the form of the vLLM tables: empty things left out."""
    line: dict[str, Any] = {"names": names, "dest": dest, "group": group, "kind": told["kind"]}
    line |= {key: told[key] for key in ("optional", "nargs", "choices") if told.get(key)}
    if told.get("default") is not None:
        line["default"] = told["default"]
    if told.get("deprecated") or re.search("deprecated", told.get("help", "")[:60], re.I):
        line["deprecated"] = True
    return line


def field_rows(wheel: Wheel, module: str, cls: ast.ClassDef) -> list[dict[str, Any]]:
    """The flags of one namespace class: every field annotated ``A[T, "help"]`` or ``A[T, Arg(...)]``."""
    group = next(
        (wheel.value(module, s.value) for s in cls.body if isinstance(s, ast.Assign) and dotted(s.targets[0]) == "_NS_PATH"), cls.name
    )
    rows = []
    for field in cls.body:
        if not (isinstance(field, ast.AnnAssign) and isinstance(field.annotation, ast.Subscript) and dotted(field.annotation.value) == "A"):
            continue
        kind_node, *metas = field.annotation.slice.elts  # type: ignore[attr-defined]
        arg = next((m for m in metas if isinstance(m, ast.Call) and dotted(m.func) == "Arg"), None)
        if arg is None and not any(isinstance(m, (ast.Constant, ast.JoinedStr)) for m in metas):
            continue
        given = {k.arg: k.value for k in arg.keywords} if arg else {}
        if dotted(given.get("no_cli")) == "True":
            continue
        dest = field.target.id  # type: ignore[union-attr]
        flag = wheel.value(module, given["cli_name"]) if "cli_name" in given else "--" + dest.replace("_", "-")
        names = [flag, *(wheel.value(module, given["aliases"]) if "aliases" in given else [])]
        told: dict[str, Any] = {"help": dotted(given.get("help") or (metas[0] if metas else None)).strip("'\"")}
        if field.value is not None:
            made = isinstance(field.value, ast.Call)
            told["default"] = [] if made and "list" in dotted(field.value) else wheel.value(module, field.value)
        if "choices" in given:
            told["choices"] = sorted(c for c in wheel.value(module, given["choices"]) if c is not None)
        if "nargs" in given:
            told["nargs"] = wheel.value(module, given["nargs"])
        if isinstance(extra := given.get("action_kwargs"), ast.Dict):
            told |= {
                k.value: v.value
                for k, v in zip(extra.keys, extra.values, strict=True)
                if isinstance(k, ast.Constant) and isinstance(v, ast.Constant)
            }
        inner, parser, action = split_type(kind_node), dotted(given.get("type_parser")), dotted(given.get("action"))
        if action.endswith("BooleanOptionalAction"):
            names += ["--no-" + n.removeprefix("--") for n in names if n.startswith("--")]
            told["kind"] = "bool_flag"
        elif parser:
            told |= {"kind": KIND_OF_PARSER.get(parser, "str")} | ({"optional": True} if parser == "nullable_str" else {})
        elif inner.startswith("Literal["):
            told |= {"kind": "str", "choices": sorted(c for c in ast.literal_eval(f"[{inner[8:-1]}]") if c is not None)}
        elif match := re.fullmatch(r"[Ll]ist\[(\w+).*\]", inner, re.S):
            told |= {"kind": KIND_OF_TYPE.get(match[1], "str"), "nargs": told.get("nargs", "+")}
        elif action:  # LoRAPathAction: names, name=path pairs or JSON objects
            told |= {"kind": "str"}
        else:
            told["kind"] = "bool_flag" if inner == "bool" else KIND_OF_TYPE.get(inner, "str")
        rows.append(row(names, dest, group, told))
    return rows


def call_rows(wheel: Wheel, module: str, owner: ast.ClassDef, defaults: dict[str, Any]) -> list[dict[str, Any]]:
    """The flags that ``add_cli_args`` adds by hand."""
    rows = []
    method = next(n for n in owner.body if isinstance(n, ast.FunctionDef) and n.name == "add_cli_args")
    for call in (n for n in ast.walk(method) if isinstance(n, ast.Call) and dotted(n.func).endswith(".add_argument")):
        names, given = [ast.literal_eval(a) for a in call.args], {k.arg: k.value for k in call.keywords}
        action, dest = dotted(given.get("action")), names[0].removeprefix("--").replace("-", "_")
        told: dict[str, Any] = {"help": dotted(given.get("help")).strip("f'\""), "deprecated": action.startswith("Deprecated")}
        boolean = action in ("'store_true'", "DeprecatedStoreTrueAction")
        told["kind"] = "bool_flag" if boolean else KIND_OF_TYPE.get(dotted(given.get("type")), "str")
        default = given.get("default")
        told["default"] = (
            False
            if boolean
            else None
            if told["deprecated"]
            else defaults.get(dest)
            if default is None or isinstance(default, ast.Call)
            else ast.literal_eval(default)
        )
        if "choices" in given:
            text = dotted(given["choices"])
            computed = next((where for name, where in COMPUTED.items() if name in text), None)
            members = wheel.named(*computed) if computed else wheel.value(module, given["choices"])
            told["choices"] = sorted(
                [m.lower() if isinstance(members, dict) else m for m in members] + (["auto"] if "auto" in text else [])
            )
        rows.append(row(names, ast.literal_eval(given["dest"]) if "dest" in given else dest, "add_cli_args", told))
    return rows


def main(wheel_path: str, out: str) -> None:
    wheel, module = Wheel(wheel_path), "sglang.srt.server_args"
    imported = {a.name: n.module for n in wheel.tree(module).body if isinstance(n, ast.ImportFrom) for a in n.names}
    spaces = next(n.value for n in wheel.tree(module).body if isinstance(n, ast.Assign) and dotted(n.targets[0]) == "_INPUT_NAMESPACES")
    flags, defaults = [], {}
    for name in (dotted(e) for e in spaces.elts):  # type: ignore[attr-defined]
        where = str(imported[name])
        cls = next(n for n in wheel.tree(where).body if isinstance(n, ast.ClassDef) and n.name == name)
        flags += field_rows(wheel, where, cls)
        constants = [f for f in cls.body if isinstance(f, ast.AnnAssign) and isinstance(f.value, ast.Constant)]
        defaults |= {dotted(f.target): f.value.value for f in constants}  # type: ignore[union-attr]
    owner = next(n for n in wheel.tree(module).body if isinstance(n, ast.ClassDef) and n.name == "ServerArgs")
    flags += call_rows(wheel, module, owner, defaults)
    envs = next(n for n in wheel.tree("sglang.srt.environ").body if isinstance(n, ast.ClassDef) and n.name == "Envs")
    table = {
        "sglang": wheel.version,
        "parserModule": module,
        "asOf": date.today().isoformat(),
        "source": f"PyPI sglang {wheel.version} sglang/srt/server_args.py and arg_groups/fields, read by ast",
        "schemas": {},
        "env": sorted({dotted(s.targets[0]) for s in envs.body if isinstance(s, ast.Assign)}),
    }
    dump = lambda v: json.dumps(v, ensure_ascii=False, separators=(", ", ": "))  # noqa: E731
    with open(out, "w", encoding="utf-8") as handle:
        head = ",\n".join(f"{dump(k)}: {dump(v)}" for k, v in table.items())
        handle.write("{\n" + head + ',\n"flags": [\n' + ",\n".join(" " + dump(f) for f in flags) + "\n]}\n")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    main(sys.argv[1], sys.argv[2])
