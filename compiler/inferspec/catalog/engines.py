"""Model servers: versions, images, ports, probes, metric names.

A new engine is one new file in ``engines/``; a preset, a container that needs nothing but its row, is one row of ``presets.yaml``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .flagtable import FlagTable
from .reader import CatalogueError, read
from .record import EMPTY, Record, build, listed, mapped, optional
from .rows import Row

Version = tuple[int, ...]


def version_key(text: str) -> Version:
    """``0.11.2`` -> (0, 11, 2): 0.9 sorts before 0.11."""
    return tuple(int(part) for part in re.findall(r"[0-9]+", text.split("-")[0]))


class Metric(Record):
    """One series. ``id`` is what scalers, pickers, dashboards and alerts name; ``since`` and ``until`` (exclusive) are engine versions.

    ``buckets``: upper bounds of a histogram in its own unit, known from version ``buckets_since`` on, unless ``buckets_flag`` sets others.
    """

    id: str
    series: str
    type: str
    since: str = ""
    until: str = ""
    flag: str = ""
    unverified: bool = False
    labels: Mapping[str, str] = EMPTY
    buckets: tuple[float, ...] = ()
    buckets_since: str = ""
    buckets_flag: str = ""

    def boundaries(self, version: str) -> tuple[float, ...]:
        """The bounds in that version; none where they are not known."""
        return self.buckets if not self.buckets_since or version_key(self.buckets_since) <= version_key(version) else ()

    @property
    def timed(self) -> bool:
        """Whether it is a histogram of seconds."""
        return self.type == "histogram" and self.series.endswith("_seconds")

    def exists_in(self, version: str) -> bool:
        at = version_key(version)
        return (not self.since or version_key(self.since) <= at) and (not self.until or at < version_key(self.until))


class Flag(Record):
    """One flag the compiler writes itself, by role. A user may not set an ``owned`` one: it is derived from the object graph.

    ``value``: what it always has, for a role that nothing in the spec decides. ``multiple_of``: what its value must be a multiple of, where
    the engine finds that out on the accelerator alone. ``default``: the number that it takes by itself on a GPU, for plain attention.
    """

    name: str
    owned: bool = False
    since: str = ""
    value: str | int | bool | None = None
    multiple_of: int = 0
    default: int = 0


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


class Disaggregation(Record):
    """Prompts read by one server, answers made by another, the KV cache handed over between them.

    connector   what the routing sidecar calls the engine's way to hand over
    flags       by half, ``prefill`` and ``decode``
    pod_ip_env  variable that holds the Pod's own address, for the side channel
    """

    connector: str
    flags: Mapping[str, Mapping[str, str]]
    env: Mapping[str, str] = EMPTY
    pod_ip_env: str = ""


class Telemetry(Record):
    """What a program is told so that it sends spans, from version ``since`` on. ``{collector}``, ``{share}`` (of 1), ``{name}`` and
    ``{namespace}`` stand for what the spec says.

    ``flags`` by name, ``env`` by variable; ``source``: where it is said that the image carries what this needs.
    """

    source: str
    since: str = ""
    flags: Mapping[str, str | bool] = EMPTY
    env: Mapping[str, str] = EMPTY


class LogFormat(Record):
    """What a server is told so that its lines are JSON, from version ``since`` on: ``env`` by variable.

    ``document``: a file with the settings; ``{file}`` in a variable stands for where it is mounted.
    """

    source: str
    since: str = ""
    env: Mapping[str, str] = EMPTY
    document: str = ""


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
    model_kinds   kinds of the catalogue's models that it serves; any where it is empty
    layout        what stands in the model's folder where it is not the Hugging Face repository
    quantised_only  methods of quantisation that need weights quantised by them
    flags_of      the engine whose flag tables hold, where it is not its own
    prefix        of a flag: ``--``, or "" for ``name=value``
    switches      how a switch is written: ``flag`` (``--name``, nothing when off), ``no-`` (``--no-name`` when off), ``value``
                  (``--name=true``)
    document      "" for arguments; else what carries the settings as one document: a variable of the container, or ``serveConfigV2``
    memory_fraction  share of a chip the engine takes where the spec does not say, 0 for the default; ``…_excludes_reserve``: activations
                  and graphs are in what it leaves
    model_path    where the weights are mounted; ``{model}`` is the key of the model
    paths         beginnings of the paths that clients ask for, ``/v1`` for those of the OpenAI API; any where it is empty
    metrics_port  0: the serving port
    engine_label  value of the label by which the endpoint picker reads its metrics; "" where no picker can
    groups        by platform: how a copy that spans nodes is started
    arm64_since   first version whose images were seen for arm64 too; "" where none was
    python        its images have a Python 3, which the wait for the weights runs in
    json_logs     how it is told to write its log as JSON; None where it cannot, or no source says that its image can
    traces        how it is told to send spans; None where it cannot, or no source says that its image can
    workload      ``deployment``, or ``ray-service``
    """

    repositories: Mapping[str, str] = EMPTY
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    port: int
    health_path: str
    paths: tuple[str, ...] = ()
    metrics_path: str = ""
    metrics_port: int = 0
    engine_label: str = ""
    model_path: str = "/models/{model}"
    workload: str = "deployment"
    env: Mapping[str, Mapping[str, str]] = EMPTY
    model_kinds: tuple[str, ...] = ()
    layout: str = ""
    quantised_only: tuple[str, ...] = ()
    flags_of: str = ""
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
    disaggregation: Disaggregation = optional(Disaggregation)
    traces: Telemetry = optional(Telemetry)
    json_logs: LogFormat = optional(LogFormat)
    arm64_since: str = ""
    python: bool = True
    min_capability: Mapping[str, int] = EMPTY
    lora_ranks: tuple[int, ...] = ()

    @property
    def openai(self) -> bool:
        """Whether its requests are those of the OpenAI API: a model in the body, a list of models under /v1/models."""
        return OPENAI in self.paths

    def version(self, version: str) -> EngineVersion | None:
        return next((v for v in self.versions if v.version == version), None)

    def image(self, version: str, platform: str) -> str | None:
        """``repository:tag`` for platform gpu, tpu or cpu; None where the catalogue knows no such image."""
        row = self.version(version)
        tag = row.images.get(platform) if row else None
        return f"{self.repositories[platform]}:{tag}" if tag else None

    def runs_on(self, arch: str, version: str) -> bool:
        """Whether the image of that version has an edition for the machine's processors."""
        return arch != "arm64" or bool(self.arm64_since and version and version_key(self.arm64_since) <= version_key(version))

    def newest(self, platform: str) -> EngineVersion | None:
        """The newest version with an image for the platform."""
        held = [v for v in self.versions if platform in v.images]
        return max(held, key=lambda v: version_key(v.version), default=None)

    def metric(self, id: str, version: str) -> Metric | None:
        """The series that carries a metric in that version, or None."""
        return next((m for m in self.metrics if m.id == id and m.exists_in(version)), None)


OPENAI = "/v1"
"""Where the OpenAI API begins (OpenAI API reference, "Introduction")."""

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
