"""Model servers: versions, images, ports, probes, metric names and flag tables.

A new engine is one new file in ``engines/``; a preset, a container that needs nothing but its row, is one row of ``presets.yaml``.
"""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import Any

from .reader import CatalogueError, read
from .record import EMPTY, Record, build, listed, mapped
from .rows import Row

Version = tuple[int, ...]


def version_key(text: str) -> Version:
    """``0.11.2`` -> (0, 11, 2): 0.9 sorts before 0.11."""
    return tuple(int(part) for part in re.findall(r"[0-9]+", text.split("-")[0]))


class Metric(Record):
    """One series. ``id`` is what scalers, pickers, dashboards and alerts name; ``since`` and ``until`` (exclusive) are engine versions."""

    id: str
    series: str
    type: str
    since: str = ""
    until: str = ""
    flag: str = ""
    unverified: bool = False
    labels: Mapping[str, str] = EMPTY

    def exists_in(self, version: str) -> bool:
        at = version_key(version)
        return (not self.since or version_key(self.since) <= at) and (not self.until or at < version_key(self.until))


class Flag(Record):
    """One flag the compiler writes itself, by role. A user may not set an ``owned`` one: it is derived from the object graph.

    ``value``: what it always has, for a role that nothing in the spec decides.
    """

    name: str
    owned: bool = False
    since: str = ""
    value: str | int | bool | None = None


class Group(Record):
    """How one copy of a model that spans nodes is started: arguments of every Pod, and what workers have besides.

    ``$(LWS_LEADER_ADDRESS)``, ``$(LWS_GROUP_SIZE)`` and ``$(LWS_WORKER_INDEX)`` are set by LeaderWorkerSet in each container.
    ``command`` replaces the engine's. ``worker_command`` does for a worker that runs another program, without the server's arguments.
    """

    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    worker_args: tuple[str, ...] = ()
    worker_command: tuple[str, ...] = ()
    env: Mapping[str, str] = EMPTY
    annotations: Mapping[str, str] = EMPTY


class Sidecar(Record):
    """A container beside the server, started before it and ended after it."""

    name: str
    image: str
    cpu: str
    memory: str
    args: tuple[str, ...] = ()


class EngineVersion(Record):
    """``images``: platform -> tag. ``inferred``: platforms whose tag follows the naming pattern and was not seen.

    ``flag_tables``: tables a flag is checked against; one of the same version decides, two others are the versions around it.
    """

    version: str
    images: Mapping[str, str]
    flag_tables: tuple[str, ...] = ()
    inferred: tuple[str, ...] = ()

    @property
    def exact(self) -> bool:
        return self.flag_tables == (self.version,)


class Engine(Row):
    """A model server.

    args          literal arguments before the flags; ``{modelPath}`` and its like stand for what the compiler derives (``PLACES``)
    prefix        of a flag: ``--``, or "" for ``name=value``
    switches      how a switch is written: ``flag`` (``--name``, nothing when off), ``no-`` (``--no-name`` when off), ``value``
                  (``--name=true``)
    document      "" for arguments; else what carries the settings as one document: a variable of the container, or ``serveConfigV2``
    memory_fraction  share of a chip the engine takes where the spec does not say, 0 for the default; ``…_excludes_reserve``: activations
                  and graphs are in what it leaves
    model_path    where the weights are mounted; ``{model}`` is the key of the model
    metrics_port  0: the serving port
    engine_label  value of the label by which the endpoint picker reads its metrics; "" where no picker can
    groups        by platform: how a copy that spans nodes is started
    workload      ``deployment``, or ``ray-service``
    """

    repositories: Mapping[str, str] = EMPTY
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    port: int
    health_path: str
    metrics_path: str = ""
    metrics_port: int = 0
    engine_label: str = ""
    model_path: str = "/models/{model}"
    workload: str = "deployment"
    env: Mapping[str, Mapping[str, str]] = EMPTY
    prefix: str = "--"
    switches: str = "flag"
    document: str = ""
    memory_fraction: float = 0
    memory_fraction_excludes_reserve: bool = False
    speculative_methods: Mapping[str, str] = EMPTY
    sidecars: tuple[Sidecar, ...] = listed(Sidecar)
    flags: Mapping[str, Flag] = mapped(Flag)
    metrics: tuple[Metric, ...] = listed(Metric)
    versions: tuple[EngineVersion, ...] = listed(EngineVersion)
    groups: Mapping[str, Group] = mapped(Group)
    min_capability: Mapping[str, int] = EMPTY
    lora_ranks: tuple[int, ...] = ()

    def version(self, version: str) -> EngineVersion | None:
        return next((v for v in self.versions if v.version == version), None)

    def image(self, version: str, platform: str) -> str | None:
        """``repository:tag`` for platform gpu, tpu or cpu; None where the catalogue knows no such image."""
        row = self.version(version)
        tag = row.images.get(platform) if row else None
        return f"{self.repositories[platform]}:{tag}" if tag else None

    def newest(self, platform: str) -> EngineVersion | None:
        """The newest version with an image for the platform."""
        held = [v for v in self.versions if platform in v.images]
        return max(held, key=lambda v: version_key(v.version), default=None)

    def metric(self, id: str, version: str) -> Metric | None:
        """The series that carries a metric in that version, or None."""
        return next((m for m in self.metrics if m.id == id and m.exists_in(version)), None)


class FlagSpec(Record):
    """One flag of an engine's own parser."""

    names: tuple[str, ...]
    kind: str
    dest: str = ""
    group: str = ""
    hidden: tuple[str, ...] = ()
    optional: bool = False
    schema: str = ""
    normalised: bool = False
    nargs: str = ""
    choices: tuple[Any, ...] = ()
    default: Any = None
    deprecated: bool = False
    positional: bool = False
    constraints: Mapping[str, float] = EMPTY

    def problem(self, value: str | None) -> str:
        """Why the parser, or the config class behind it, refuses ``value``; "" if it does not. None stands for a bare flag."""
        if self.kind == "bool_flag":
            return "takes no value" if value is not None else ""
        if value is None:
            return "" if self.nargs == "?" else "needs a value"
        if self.optional and value.lower() in ("none", ""):
            return ""
        parse = _PARSERS.get(self.kind)
        try:
            parsed = parse(value) if parse else value
        except ValueError:
            return f"wants {_WANTS.get(self.kind, self.kind)}, not {value!r}"
        if self.choices:
            said = value.lower().replace("-", "_") if self.normalised else value
            if said not in map(str, self.choices):
                return f"wants one of {', '.join(str(c) for c in self.choices if c is not None)}, not {value!r}"
        return _outside(parsed, self.constraints) if isinstance(parsed, (int, float)) else ""


_LIMITS: dict[str, tuple[str, Callable[[float, float], bool]]] = {
    "ge": ("at least", operator.ge),
    "gt": ("more than", operator.gt),
    "le": ("at most", operator.le),
    "lt": ("less than", operator.lt),
    "multiple_of": ("a multiple of", lambda value, step: value % step == 0),
}


def _outside(value: float, limits: Mapping[str, float]) -> str:
    for name, limit in limits.items():
        if name in _LIMITS and not _LIMITS[name][1](value, limit):
            return f"wants {_LIMITS[name][0]} {limit}, not {value}"
    return ""


def human_int(text: str) -> int:
    """``32k`` is 32,000 and ``32K`` is 32,768, as in vLLM's human_readable_int; only the decimal suffixes take a fraction."""
    match = re.fullmatch(r"(-?[0-9]+(?:\.[0-9]+)?)([kmgtKMGT]?)", text)
    if not match or ("." in match[1] and match[2] not in tuple("kmgt")):
        raise ValueError(text)
    power = "kmgt".find(match[2].lower()) + 1 if match[2] else 0
    return int(float(match[1]) * (1000 if match[2].islower() else 1024) ** power) if power else int(match[1])


def _json_or_str(text: str) -> object:
    return json.loads(text) if text.lstrip().startswith("{") else text


_PARSERS: dict[str, Callable[[str], object]] = {
    "int": int,
    "float": float,
    "json": json.loads,
    "json_or_str": _json_or_str,
    "human_int": human_int,
    "human_int_or_auto": lambda text: -1 if text == "auto" else human_int(text),
}
_WANTS = {
    "int": "an integer",
    "float": "a number",
    "json": "JSON",
    "json_or_str": "JSON or text",
    "human_int": "an integer (8192, 32k, 32K)",
    "human_int_or_auto": "an integer (8192, 32k, 32K) or auto",
}


class FlagTable:
    """Every flag of one engine version, by each of its names. The first key of its file is ``ENGINE: VERSION``.

    Names are exact: the parser takes prefixes, a manifest must not.
    """

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.version: str = next(iter(data.values()))
        self.source: str = data["source"]
        self.schemas: dict[str, list[str]] = data["schemas"]
        self.env = frozenset(data["env"])
        self._rows: list[dict[str, Any]] = data["flags"]
        self._built: dict[int, FlagSpec] = {}

    @cached_property
    def _index(self) -> dict[str, int]:
        return {name: i for i, row in enumerate(self._rows) for name in (*row["names"], *row.get("hidden", ()))}

    def find(self, name: str) -> FlagSpec | None:
        """By any name, hidden ones included, with or without the dashes: ``--max-num-seqs`` and ``max-num-seqs``; None if there is none."""
        at = self._index.get(name, self._index.get(f"--{name}"))
        if at is None:
            return None
        if at not in self._built:
            self._built[at] = build(FlagSpec, self._rows[at] | {"nargs": str(self._rows[at].get("nargs", ""))})
        return self._built[at]

    def near(self, name: str) -> list[str]:
        import difflib

        return difflib.get_close_matches(name if name.startswith("-") else f"--{name}", list(self._index), n=3)

    def __iter__(self) -> Iterator[str]:
        return iter(self._index)

    def __len__(self) -> int:
        return len(self._rows)


PLACES = ("modelPath", "model", "servedName", "port", "chips", "tensorParallel", "maxModelLen")
"""What ``{…}`` may name in an argument or a variable of a container."""


def load_engine(name: str, folders: tuple[str, ...], presets: Mapping[str, Mapping[str, Any]]) -> Engine:
    """The engine's file in the last folder that has one, over the earlier ones top key by top key; else its row of presets."""
    data: dict[str, Any] = {}
    file = ""
    for folder in folders:
        if document := read(f"{folder}/engines", name):
            data, file = data | document, document.file
    if not data:
        data, file = dict(presets.get(name, {})), "presets"
    if not data:
        raise KeyError(name)
    data.pop("kind", None)
    try:
        return build(Engine, data)
    except (ValueError, TypeError, AttributeError) as error:
        raise CatalogueError(file, 1, str(error), name) from error


def load_flags(engine: str, version: str, folders: tuple[str, ...]) -> FlagTable:
    for folder in reversed(folders):
        if document := read(f"{folder}/engines/{engine}", version):
            return FlagTable(document)
    raise KeyError(f"{engine} {version}")
