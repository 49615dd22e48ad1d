"""Services: a model, an engine, the capacity it runs on, how it scales and who may call it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from .base import (
    AdapterSource,
    Duration,
    EngineVersion,
    Flag,
    FolderSource,
    HttpPath,
    Image,
    IsoDate,
    KindName,
    Memory,
    ModelVersion,
    MountPath,
    Name,
    Percent,
    Port,
    PublicName,
    Quantity,
    ReadPath,
    Reason,
    RelativeFile,
    Variable,
    Where,
)
from .forms import Closed, Items
from .picking import Picker
from .scaling import Scale
from .watching import Alerts, Slo


def _flag_value(value: Any) -> Any:
    if isinstance(value, (dict, list)):
        found = "a map" if isinstance(value, dict) else "a list"
        raise PydanticCustomError(
            "flag", "a flag is text, a number, true, false or null, not {found}; JSON goes between quotes", {"found": found}
        )
    return value


FlagValue = Annotated[str | int | float | bool | None, BeforeValidator(_flag_value, json_schema_input_type=str | int | float | bool | None)]
Flags = dict[Flag, FlagValue]
Share = Annotated[int, Field(ge=1, le=99)]
TokenCount = Annotated[int, Field(ge=1, le=100_000_000)]


class Resources(Closed):
    """Requests of the server container, where the derived ones do not fit the case."""

    cpu: Quantity | None = None
    """CPU request of the server."""
    memory: Memory | None = None
    """Memory request and limit of the server."""


class Speculative(Closed):
    """Speculative decoding: tokens guessed cheaply and checked by the model in one step."""

    method: Literal["ngram", "draft", "eagle", "eagle3"] | None = None
    """ngram: from the prompt itself; draft: a small model of the same vocabulary; eagle, eagle3: a head trained for the model."""
    tokens: Annotated[int, Field(ge=1, le=32)] | None = None
    """Tokens guessed at once (num_speculative_tokens)."""
    lookup: Annotated[int, Field(ge=1, le=32)] | None = None
    """ngram: longest run of tokens looked up in the prompt (prompt_lookup_max)."""
    model: ModelVersion | None = None
    """draft, eagle, eagle3: MODEL@VERSION of ``models``; its weights are mounted beside the model's."""
    tensor_parallel: Annotated[int, Field(ge=1, le=64)] | None = None
    """Chips that share the draft model; 1 for a head."""


class DynamicAdapters(Closed):
    """LoRA adapters found by name when a request asks for one, in a folder of a bucket."""

    source: FolderSource
    """gs://BUCKET/PATH; a folder an adapter."""
    max: Annotated[int, Field(ge=1, le=256)]
    """Adapters that share a batch (max_loras)."""
    rank: Annotated[int, Field(ge=1, le=512)]
    """Highest LoRA rank among them."""


class ContainerMetrics(Closed):
    """Where a container of your own shows its metrics."""

    path: HttpPath = "/metrics"
    """Path of the page."""
    port: Port | None = None
    """Its port; the serving port without it."""


class Container(Closed):
    """A model server that the catalogue does not know. ``{modelPath}``, ``{model}``, ``{servedName}``, ``{port}``, ``{chips}``,
    ``{tensorParallel}`` and ``{maxModelLen}`` stand for what the compiler derives."""

    command: Items[str] = ()
    """Entry point; the image's own without it."""
    args: Items[str] = ()
    """Arguments."""
    port: Port = 8080
    """Port it serves on."""
    health: HttpPath = "/health"
    """Path that answers 200 once the model is loaded."""
    paths: Items[HttpPath] = ()
    """Beginnings of the paths that gateways lead to it, [/v1] for the OpenAI API; all without it."""
    metrics: ContainerMetrics | None = None
    """Its metrics page; not monitored without it."""
    model_path: MountPath | None = None
    """Where the weights are mounted; /models/MODEL without it."""


class Adapter(Closed):
    """A LoRA adapter served beside its base model."""

    source: AdapterSource
    """hf://ORG/NAME or gs://BUCKET/PATH."""
    revision: Annotated[str, Field(min_length=1, max_length=64)]
    """Pinned revision of the source."""
    rank: Annotated[int, Field(ge=1, le=512)]
    """LoRA rank."""
    secret: Name | None = None
    """Key in ``secrets``, for a gated repository; that of its model without it."""


class Exposure(Closed):
    """A name under which a gateway offers the service."""

    gateway: Name
    """Key in ``gateways``."""
    as_: PublicName | None = Field(default=None, alias="as")
    """Model name that clients send; the service's own name without it."""
    objective: Name | None = None
    """Key in ``objectives``: priority of requests that name it."""


class Running(Closed):
    """How a server runs, whatever it serves."""

    flags: Flags = {}
    """Engine flags by name; merged by key, null removes one."""
    env: dict[Variable, str | None] = {}
    """Environment of the server; merged by key, null removes one."""
    scale: Scale = Scale.model_construct()
    """Replicas; merged by key."""
    resources: Resources = Resources.model_construct()
    """Requests of the server container."""
    tensor_parallel: Annotated[int, Field(ge=1, le=64)] | None = None
    """Chips that share each layer; all chips of the machine or slice without it."""
    pipeline_parallel: Annotated[int, Field(ge=1, le=64)] | None = None
    """Stages of layers, one after the other; beyond one machine each stage has machines of its own."""
    data_parallel: Annotated[int, Field(ge=1, le=64)] | None = None
    """Copies of the model in one server."""
    expert_parallel: bool | None = None
    """Whole experts on a chip instead of a part of each."""


class Setting(Running):
    """What a service, a variant and an override can all set."""

    model: ModelVersion | None = None
    """MODEL@VERSION of ``models``."""
    max_model_len: TokenCount | None = None
    """Longest request, prompt and answer, in tokens."""
    read: ReadPath | None = None
    """How this server reads its weights; as its store says without it."""
    startup: Duration | None = None
    """Longest time from a server's start to its first answer; from the size of the weights and the storage path without it."""
    speculative: Speculative = Speculative.model_construct()
    """Speculative decoding; merged by key."""
    chat_template: RelativeFile | None = None
    """Chat template, a file of the model's folder; the tokenizer's own without it."""


class Prefill(Running):
    """Servers of their own that read the prompt and hand its KV cache to those that answer; what it leaves out is as theirs."""

    capacity: Name
    """Key in ``capacityClasses``."""


class Canary(Running):
    """Servers beside the service's own that take a share of its requests; what it leaves out is as theirs. ``scale`` without it is
    the same share of the service's replicas."""

    weight: Share
    """Percent of the requests."""
    where: Where
    """Clusters that run it, of those that run the service."""
    variant: Name | None = None
    """Only beside this variant."""
    model: ModelVersion | None = None
    """MODEL@VERSION of ``models``."""
    engine: EngineVersion | None = None
    """Engine, at the stack profile's version or a pinned one."""
    image: Image | None = None
    """Image of the engine."""
    capacity: Name | None = None
    """Key in ``capacityClasses``."""


class Variant(Setting):
    """One workload and pool of a service."""

    capacity: Name
    """Key in ``capacityClasses``."""
    where: Where
    """Clusters that run it."""
    prefill: Prefill | None = None
    """Prompts are read by servers of their own; this workload then answers only."""


class Override(Setting):
    """A change for some clusters. Its rung is the most specific key of ``where``: fleet < stage < region < label < cluster."""

    where: Where
    """Clusters it is for."""
    variant: Name | None = None
    """Only this variant."""


class Patch(Closed):
    """A field of an emitted object, set by hand. It must hit, and it must say why."""

    target: KindName
    """Kind of the object."""
    name: Name | None = None
    """Its name, where the service has several of that kind."""
    container: Name | None = None
    """Container that the paths start from."""
    set: Annotated[dict[str, Any], Field(min_length=1)]
    """Field path -> value; null removes it."""
    where: Where | None = None
    """Clusters; all that run the service without it."""
    reason: Reason
    until: IsoDate | None = None
    """Last day; an expired patch is an error."""


class Service(Setting):
    """A model behind an endpoint."""

    team: Name
    """Key in ``teams``."""
    engine: EngineVersion
    """Engine or preset of the catalogue, at the stack profile's version or a pinned one: vllm, vllm@0.33.0, sglang, tgi; or custom."""
    image: Image | None = None
    """Image of the engine; from the catalogue without it."""
    container: Container | None = None
    """The server itself, with engine: custom."""
    capacity: Name | None = None
    """Key in ``capacityClasses``, for a service with one variant."""
    where: Where | None = None
    """Clusters that run it, for a service with one variant."""
    prefill: Prefill | None = None
    """Prompts are read by servers of their own, for a service with one variant."""
    variants: dict[Name, Variant] = {}
    """One workload and pool each."""
    adapters: dict[Name, Adapter] = {}
    """LoRA adapters, loaded when the server starts."""
    dynamic_adapters: DynamicAdapters | None = None
    """LoRA adapters, loaded when a request names one."""
    canary: Canary | None = None
    """Servers with another model version, engine, class or flags that take a share of the requests."""
    expose: Items[Exposure] = ()
    """Gateways that offer the service; none, and it is called inside its cluster, by the pods that callers names."""
    aliases: dict[PublicName, PublicName | Annotated[dict[PublicName, Share], Field(min_length=1)]] = {}
    """Further names that clients may send: of the model or one of its adapters, or of several, each with its percent of the requests."""
    picker: Picker | None = None
    """How a server is chosen for a request that comes by a gateway."""
    callers: Items[Name] = ()
    """Namespaces whose pods may call the service directly; without any, and without expose, those of the team's own."""
    slo: Slo = Slo.model_construct()
    """What users may expect; alerts tell when the error budget burns."""
    alerts: Alerts = Alerts.model_construct()
    """Where its other alerts speak."""
    disruption: Percent | None = None
    """Percent of the replicas that may be away at once."""
    overrides: Items[Override] = ()
    """Changes for some clusters."""
    patches: Items[Patch] = ()
    """Fields of emitted objects, set by hand."""
