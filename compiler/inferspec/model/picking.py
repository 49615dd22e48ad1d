"""How the endpoint picker of a service chooses a server for a request, and how long requests wait for one."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from .base import Duration, Memory
from .forms import Closed, Grammar, Items
from .watching import Latency

PluginName = Annotated[str, Grammar(r"[A-Za-z0-9][-A-Za-z0-9_.]*", "the name of a plugin", "queue-scorer", 63)]
FeatureGate = Annotated[str, Grammar(r"[A-Za-z][A-Za-z0-9]*(?:=(?:true|false))?", "a feature gate", "flowControl", 63)]
Weight = Annotated[int, Field(ge=0)] | Annotated[float, Field(ge=0)]


class FlowControl(Closed):
    """Requests wait in the picker, by the priority of their objective, while every server is full; ``{}`` has the release's own limits."""

    ttl: Duration | None = None
    """Longest wait while there are servers (defaultRequestTTL)."""
    cold_start_ttl: Duration | None = None
    """Longest wait while there is none (noEndpointRequestTTL)."""
    max_requests: Annotated[int, Field(ge=1, le=10_000_000)] | None = None
    """Most requests that wait, of all priorities and of each."""
    max_bytes: Memory | None = None
    """Most bytes that wait, of all priorities and of each."""
    fairness: Literal["strict", "round-robin"] | None = None
    """Who is next within a priority: the oldest request, or each client in turn."""
    ordering: Literal["fcfs", "edf", "slo"] | None = None
    """Which of a client's requests is next: the oldest, the one whose wait ends first, or the one whose latency objective does."""


class Saturation(Closed):
    """When a server counts as full (utilization-detector)."""

    queue_depth: Annotated[int, Field(ge=1, le=100_000)] | None = None
    """Requests that wait in the server (queueDepthThreshold)."""
    kv_cache: Annotated[int, Field(ge=1, le=100)] | None = None
    """Percent of its KV cache in use (kvCacheUtilThreshold)."""
    staleness: Latency | None = None
    """Age from which its metrics count as none, and it as full (metricsStalenessThreshold)."""


class Plugin(Closed):
    """A plugin of the picker."""

    type: PluginName
    """Type, as the release registers it."""
    name: PluginName | None = None
    """Name that profiles refer to; the type without it."""
    parameters: dict[str, Any] = {}
    """Its parameters."""


class ProfilePlugin(Closed):
    """A plugin that a profile uses."""

    plugin_ref: PluginName
    """Name of the plugin."""
    weight: Weight | None = None
    """Weight of a scorer."""


class Profile(Closed):
    """Filters, scorers and the picker that a request meets."""

    name: PluginName
    """Name of the profile."""
    plugins: Items[ProfilePlugin]
    """Plugins, in their order."""


class Configuration(Closed):
    """An EndpointPickerConfig as the stack's release reads it, without its apiVersion and kind. ``{service}`` in a text stands for the
    Service of the pool's servers."""

    feature_gates: Items[FeatureGate] = ()
    """Optional features, NAME or NAME=false."""
    plugins: Annotated[Items[Plugin], Field(min_length=1)]
    """Plugins that the picker makes."""
    scheduling_profiles: Items[Profile] = ()
    """Profiles; one of every filter, scorer and picker without it."""
    saturation_detector: dict[str, Any] | None = None
    """What says how full the pool is."""
    data_layer: dict[str, Any] | None = None
    """Sources of what is known of servers."""
    flow_control: dict[str, Any] | None = None
    """Queues before the servers; it needs the feature gate flowControl."""
    request_handler: dict[str, Any] | None = None
    """Parsers of requests."""
    parser: dict[str, Any] | None = None
    """Parser of requests, where the release takes one."""


class Picker(Closed):
    """The endpoint picker of the service's pools."""

    preset: Literal["balanced", "prefix-heavy", "lora-heavy"] | None = None
    """What counts most in the choice of a server; balanced without it, and with prefill what its halves need."""
    flow_control: FlowControl | None = None
    """Requests wait in the picker while every server is full."""
    saturation: Saturation | None = None
    """When a server counts as full."""
    config: Configuration | None = None
    """The whole configuration, in place of the others."""


def plain(model: Closed) -> dict[str, Any]:
    """What was written, by the keys of the spec."""
    return model.model_dump(by_alias=True, exclude_defaults=True)
