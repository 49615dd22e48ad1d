"""Stack profiles: one release of the gateway extension with everything that moves with it.

API groups, images, flags, headers, labels and metric names live here and nowhere else: they change between releases, and a user never
types one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .engine_parts import Telemetry
from .picking import Detector, Plugin, PluginRef, PluginType, Preset
from .reader import CatalogueError, read
from .record import EMPTY, Record, build, listed, mapped, nested, optional
from .rows import Row


class Api(Record):
    """``gke_managed``: the GKE version from which the cluster brings the CRD itself; "" if it must be installed."""

    group: str
    version: str
    gke_managed: str = ""

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}"


class Image(Record):
    """``digest`` is "" while unknown. ``optional`` features of a stack can lack an image: then ``tag`` is ""."""

    repository: str
    tag: str = ""
    digest: str = ""
    inferred: bool = False

    @property
    def reference(self) -> str:
        return f"{self.repository}:{self.tag}" + (f"@{self.digest}" if self.digest else "")


class Picker(Record):
    """The endpoint picker: ports, arguments, resources.

    ``args`` are literal; ``options`` are ``--name=value`` by role, None where the release has none.
    """

    image: Image = nested(Image)
    ports: Mapping[str, int]
    args: Mapping[str, str]
    options: Mapping[str, str | None]
    requests: Mapping[str, str]
    limits: Mapping[str, str]
    app_protocol: str
    health_service: str
    health_services_replicated: Mapping[str, str]
    strategy: str
    grace_seconds: int
    failure_mode: str
    config_key: str
    probes: Mapping[str, Mapping[str, int]]


class Processor(Record):
    """The body processor that turns the ``model`` of a request into a header."""

    image: Image = nested(Image)
    ports: Mapping[str, int]
    args: tuple[str, ...]
    app_protocol: str
    adapters_label: Mapping[str, str] = EMPTY


class Disaggregated(Record):
    """How requests reach servers that only read prompts and servers that only answer.

    A sidecar before each answering server, which then listens on ``server_port``; ``profiles``: half -> plugins that choose its servers.
    """

    image: Image = nested(Image)
    args: tuple[str, ...]
    server_port: int
    requests: Mapping[str, str]
    plugins: tuple[Plugin, ...] = listed(Plugin)
    profiles: Mapping[str, tuple[Mapping[str, Any], ...]]
    source: str = ""


class Rule(Record):
    """One RBAC rule. ``scope``: namespace or cluster.

    ``when``: "" always, ``ha`` with leader election, ``auth`` with authenticated metrics.
    """

    scope: str
    verbs: tuple[str, ...]
    groups: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    urls: tuple[str, ...] = ()
    when: str = ""


class GatewayClass(Record):
    """A GatewayClass by the name the spec uses."""

    name: str
    scope: str
    multi_cluster: bool = False
    inference: bool = True
    proxy_subnet: str = ""
    address_type: str = ""


class Series(Record):
    """One series of something that is no model server, with the labels that choose it."""

    series: str
    type: str
    labels: Mapping[str, str] = EMPTY


class Shown(Record):
    """What something beside the servers shows: its series by id, and the labels that tell one thing from another.

    ``selector`` and ``port``: where it is read, if the platform has to say so.
    """

    by: tuple[str, ...]
    metrics: Mapping[str, Series] = mapped(Series)
    selector: Mapping[str, str] = EMPTY
    port: int = 0


class Collector(Record):
    """GKE's managed collector: where it listens in every cluster that has it, and the GKE version from which a cluster can."""

    url: str
    min_gke: str
    source: str


class Stack(Row):
    """A release of the inference gateway as the compiler emits it.

    presets            plugins of a picker's one profile, by the name the spec gives them
    adapter_scorer     what every preset has besides, for servers with LoRA adapters
    traces             what a picker is told so that it sends spans, and a processor whose arguments name one of the flags
    policies           ``fairness`` and ``ordering`` -> the spec's word -> plugin
    fields             fields of EndpointPickerConfig by place (``config`` is its top); another ends the picker at start
    provided           plugins that the picker makes itself under their type's name where the configuration has none of their kind
    strict_parameters  whether an unknown parameter of a plugin ends the picker too; else it is ignored
    gate_values        whether a feature gate can be NAME=false
    """

    apis: Mapping[str, Api] = mapped(Api)
    picker: Picker = nested(Picker)
    processor: Processor = optional(Processor)
    traces: Telemetry = nested(Telemetry)
    managed_collector: Collector = nested(Collector)
    disaggregated: Disaggregated = optional(Disaggregated)
    headers: Mapping[str, str]
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    metrics: Mapping[str, Mapping[str, str]]
    metrics_also: Mapping[str, tuple[str, ...]] = EMPTY
    presets: Mapping[str, Preset] = mapped(Preset)
    adapter_scorer: PluginRef = nested(PluginRef)
    policies: Mapping[str, Mapping[str, str]]
    detector: Detector = nested(Detector)
    plugins: Mapping[str, PluginType] = mapped(PluginType)
    fields: Mapping[str, tuple[str, ...]]
    provided: tuple[str, ...] = ()
    strict_parameters: bool
    feature_gates: tuple[str, ...] = ()
    gate_values: bool
    rbac: tuple[Rule, ...] = listed(Rule)
    gateway_classes: Mapping[str, GatewayClass] = mapped(GatewayClass)
    engines: Mapping[str, Mapping[str, str]]
    min_gke: Mapping[str, str]
    adapter: Image = nested(Image)
    downloader: Image = nested(Image)
    pause: Image = nested(Image)
    downloader_client: str = ""
    collector_namespaces: Mapping[str, str] = EMPTY
    collector_metrics: Mapping[str, Mapping[str, str]] = EMPTY
    config_sync: Shown = nested(Shown)
    reservations: Shown = nested(Shown)

    def engine_version(self, engine: str, platform: str) -> str | None:
        """The version a service gets unless it pins one, by platform gpu, tpu or cpu."""
        return self.engines.get(engine, {}).get(platform)

    def metric(self, id: str) -> tuple[str, str] | None:
        """Series and type of a picker metric, or None where this release has none."""
        row = self.metrics.get(id)
        return (row["series"], row["type"]) if row else None


def load_stack(name: str, folders: tuple[str, ...]) -> Stack:
    """``stacks/<name>.yaml`` over ``stacks/common.yaml``, team folders over the package, top key by top key, presets one by one."""
    data: dict[str, Any] = {}
    file = ""
    for part in ("common", name):
        for folder in folders:
            if document := read(f"{folder}/stacks", part):
                presets = data.get("presets", {}) | document.get("presets", {})
                data = data | document | {"presets": presets}
                file = document.file if part == name else file
    if not file:
        raise KeyError(name)
    data.pop("kind", None)
    try:
        stack = build(Stack, data)
        _sound(stack)
    except (ValueError, TypeError, AttributeError) as error:
        raise CatalogueError(file, 1, str(error), name) from error
    return stack


def _sound(stack: Stack) -> None:
    """ValueError for a preset that the release could not read."""
    for name, preset in stack.presets.items():
        if unknown := [ref.plugin for ref in preset.plugins if ref.plugin not in stack.plugins]:
            raise ValueError(f"preset {name}: stack {stack.id} has no plugin {unknown[0]}")
