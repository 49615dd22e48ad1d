"""Services: a model, an engine, the capacity it runs on, how it scales and who may call it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from .base import (
    AdapterSource,
    Closed,
    EngineVersion,
    Flag,
    Image,
    IsoDate,
    Items,
    KindName,
    Memory,
    ModelVersion,
    Name,
    Percent,
    PublicName,
    Quantity,
    Reason,
    Variable,
    Where,
)


def _flag_value(value: Any) -> Any:
    if isinstance(value, (dict, list)):
        found = "a map" if isinstance(value, dict) else "a list"
        raise PydanticCustomError(
            "flag", "a flag is text, a number, true, false or null, not {found}; JSON goes between quotes", {"found": found}
        )
    return value


FlagValue = Annotated[str | int | float | bool | None, BeforeValidator(_flag_value, json_schema_input_type=str | int | float | bool | None)]
Flags = dict[Flag, FlagValue]
TokenCount = Annotated[int, Field(ge=1, le=100_000_000)]


class Scale(Closed):
    """Replicas and what moves them."""

    min: Annotated[int, Field(ge=0, le=10_000)] | None = None
    """Fewest replicas."""
    max: Annotated[int, Field(ge=1, le=10_000)] | None = None
    """Most replicas."""
    metric: Literal["queue-depth", "running", "kv-cache-usage"] | None = None
    """What the autoscaler watches."""
    target: Annotated[int, Field(ge=1, le=100_000)] | None = None
    """Wanted value a replica: requests, or percent for kv-cache-usage."""


class Resources(Closed):
    """Requests of the server container, where the derived ones do not fit the case."""

    cpu: Quantity | None = None
    """CPU request of the server."""
    memory: Memory | None = None
    """Memory request and limit of the server."""


class Adapter(Closed):
    """A LoRA adapter served beside its base model."""

    source: AdapterSource
    """hf://ORG/NAME or gs://BUCKET/PATH."""
    revision: Annotated[str, Field(min_length=1, max_length=64)]
    """Pinned revision of the source."""
    rank: Annotated[int, Field(ge=1, le=512)]
    """LoRA rank."""


class Exposure(Closed):
    """A name under which a gateway offers the service."""

    gateway: Name
    """Key in ``gateways``."""
    as_: PublicName | None = Field(default=None, alias="as")
    """Model name that clients send; the service's own name without it."""
    objective: Name | None = None
    """Key in ``objectives``: priority of requests that name it."""


class Canary(Closed):
    """A second version that takes a share of the requests."""

    model: ModelVersion
    """MODEL@VERSION of ``models``."""
    weight: Annotated[int, Field(ge=1, le=99)]
    """Percent of the requests."""
    where: Where
    """Clusters that run it."""


class Setting(Closed):
    """What a service, a variant and an override can all set."""

    model: ModelVersion | None = None
    """MODEL@VERSION of ``models``."""
    max_model_len: TokenCount | None = None
    """Longest request, prompt and answer, in tokens."""
    flags: Flags = {}
    """Engine flags by name; merged by key, null removes one."""
    env: dict[Variable, str | None] = {}
    """Environment of the server; merged by key, null removes one."""
    scale: Scale = Scale.model_construct()
    """Replicas; merged by key."""
    resources: Resources = Resources.model_construct()
    """Requests of the server container."""
    tensor_parallel: Annotated[int, Field(ge=1, le=64)] | None = None
    """Chips that share one copy of the model; all chips of the machine without it."""


class Variant(Setting):
    """One workload and pool of a service."""

    capacity: Name
    """Key in ``capacityClasses``."""
    where: Where
    """Clusters that run it."""


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
    """Engine, at the version of the stack profile or a pinned one: vllm, vllm@0.33.0."""
    image: Image | None = None
    """Image of the engine; from the catalogue without it."""
    capacity: Name | None = None
    """Key in ``capacityClasses``, for a service with one variant."""
    where: Where | None = None
    """Clusters that run it, for a service with one variant."""
    variants: dict[Name, Variant] = {}
    """One workload and pool each."""
    adapters: dict[Name, Adapter] = {}
    """LoRA adapters."""
    canary: Canary | None = None
    """A second version that takes a share of the requests."""
    expose: Items[Exposure] = ()
    """Gateways that offer the service; none, and it is reached inside its cluster only."""
    callers: Items[Name] = ()
    """Namespaces whose pods may call the service directly."""
    disruption: Percent | None = None
    """Percent of the replicas that may be away at once."""
    overrides: Items[Override] = ()
    """Changes for some clusters."""
    patches: Items[Patch] = ()
    """Fields of emitted objects, set by hand."""
