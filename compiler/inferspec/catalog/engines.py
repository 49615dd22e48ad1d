"""Model servers: versions, images, ports, probes, metric names.

A new engine is one new file in ``engines/``; a preset, a container that needs nothing but its row, is one row of ``presets.yaml``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from .engine_parts import Bounds, Disaggregation, EngineVersion, Flag, Group, LogFormat, Metric, Reserved, Sidecar, Telemetry, version_key
from .flagtable import FlagTable
from .forms import Count, OptionalUrlPath, Platform, Port, Share, Text, UrlPath, Within
from .reader import CatalogueError, read
from .record import EMPTY, build, listed, mapped, optional
from .rows import Row

__all__ = [
    "OPENAI",
    "PLACES",
    "Disaggregation",
    "Engine",
    "EngineVersion",
    "Flag",
    "Group",
    "LogFormat",
    "Metric",
    "Sidecar",
    "Telemetry",
    "load_engine",
    "load_flags",
    "version_key",
]


class Engine(Row):
    """A model server. ``{modelPath}`` and its like in arguments, variables and paths stand for what the compiler derives (``PLACES``)."""

    repositories: Mapping[Platform, Text] = EMPTY
    """Platform -> repository of its images."""
    command: tuple[str, ...] = ()
    """Command of the container; the image's own where it is empty."""
    args: tuple[str, ...] = ()
    """Literal arguments before the flags."""
    port: Port
    """Port it answers on."""
    health_path: UrlPath
    """Path of its probes."""
    paths: tuple[str, ...] = ()
    """Beginnings of the paths that clients ask for, `/v1` for those of the OpenAI API; any where it is empty."""
    metrics_path: OptionalUrlPath = ""
    """Path of its metrics; none where it is empty."""
    metrics_port: Annotated[int, Within(0, 65535)] = 0
    """Port of its metrics; 0: the serving port."""
    engine_label: str = ""
    """Value of the label by which the endpoint picker reads its metrics; empty where no picker can."""
    model_path: UrlPath = "/models/{model}"
    """Where the weights are mounted; `{model}` is the key of the model."""
    workload: Literal["deployment", "ray-service"] = "deployment"
    """What runs it."""
    env: Mapping[Text, Mapping[Text, str]] = EMPTY
    """Variables: of `all` platforms, of one, or of `dynamicAdapters`."""
    model_kinds: tuple[Literal["llm", "diffusion", "draft", "encoder-decoder"], ...] = ()
    """Kinds of models that it serves; any where it is empty."""
    layout: str = ""
    """What stands in the model's folder where it is not the Hugging Face repository."""
    quantised_only: tuple[Text, ...] = ()
    """Methods of quantisation that need weights quantised by them."""
    flags_of: str = ""
    """The engine whose flag tables hold, where it is not its own."""
    prefix: str = "--"
    """Of a flag: `--`, or nothing for `name=value`."""
    switches: Literal["flag", "no-", "value"] = "flag"
    """How a switch is written: `flag` (`--name`, nothing when off), `no-` (`--no-name` when off), `value` (`--name=true`)."""
    document: str = ""
    """What carries the settings as one document: a variable of the container, or `serveConfigV2`; empty for arguments."""
    memory_fraction: Share = 0
    """Share of a chip it takes where the spec does not say; 0 for the default."""
    memory_fraction_excludes_reserve: bool = False
    """Activations and graphs are in what it leaves."""
    memory_fraction_of_free: bool = False
    """The share is of what is free once the model is loaded, and for the KV cache alone."""
    loads_whole_until: str = ""
    """First version that does not have weights on the chip as they are stored while it quantises them."""
    speculative_methods: Mapping[Text, Text] = EMPTY
    """Method of a spec -> what the engine calls it."""
    sidecars: tuple[Sidecar, ...] = listed(Sidecar)
    """Containers beside the server."""
    flags: Mapping[str, Flag] = mapped(Flag)
    """Role -> flag: model, servedModelName, host, port, tensorParallelSize, maxModelLen and others."""
    reserved: tuple[Reserved, ...] = listed(Reserved)
    """Flags that would part the server from what speaks with it."""
    unreserved: tuple[Text, ...] = ()
    """Those of `flagsOf` that do not here."""
    replaced: Mapping[Text, Text] = EMPTY
    """Flag that is deprecated or gone -> what a spec says in its place."""
    bounds: Mapping[Platform, Bounds] = mapped(Bounds)
    """Platform -> what it refuses there."""
    metrics: tuple[Metric, ...] = listed(Metric)
    """Its series."""
    versions: tuple[EngineVersion, ...] = listed(EngineVersion)
    """Its versions; without one the spec says `image`."""
    groups: Mapping[Platform, Group] = mapped(Group)
    """Platform -> how a copy that spans nodes is started."""
    disaggregation: Disaggregation = optional(Disaggregation)
    """How it hands its KV cache over."""
    traces: Telemetry = optional(Telemetry)
    """How it is told to send spans; none where it cannot, or no source says that its image can."""
    json_logs: LogFormat = optional(LogFormat)
    """How it is told to write its log as JSON; none where it cannot, or no source says that its image can."""
    arm64_since: str = ""
    """First version whose images were seen for arm64 too."""
    python: bool = True
    """Its images have a Python 3, which the wait for the weights runs in."""
    min_capability: Mapping[Text, Annotated[int, Within(10)]] = EMPTY
    """Method of quantisation -> least CUDA compute capability, without its point."""
    lora_ranks: tuple[Count, ...] = ()
    """Ranks of LoRA adapters it takes."""

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
