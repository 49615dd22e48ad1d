"""How many replicas a workload has, and what moves them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, GetJsonSchemaHandler, Tag
from pydantic_core import CoreSchema, PydanticCustomError

from .base import Duration
from .forms import Closed, Grammar
from .watching import Latency

MetricId = Annotated[str, Grammar(r"[a-z0-9]+(?:-[a-z0-9]+)*", "the id of a metric of the engine", "queue-depth", 40)]


def _form(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise PydanticCustomError("target", "a target is a whole number, or a time such as 2500ms for a latency")
    return value


class _Either:
    """A choice by form is published as any other: no tag tells the forms apart in the document."""

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"anyOf": handler(schema)["oneOf"]}


class OwnMetric(Closed):
    """A series that the catalogue has no row of, on the metrics page of the service's own servers."""

    series: Annotated[str, Grammar(r"[a-zA-Z_:][a-zA-Z0-9_:]*", "the name of a Prometheus series", "acme_backlog", 200)]
    """Its name, of a histogram without _bucket."""
    type: Literal["gauge", "counter", "histogram"]
    """gauge: as it stands; counter: its rate; histogram of seconds (…_seconds), by keda: its quantile."""

    def __str__(self) -> str:
        return f"{self.series}|{self.type}"


ScaledBy = Annotated[
    Annotated[MetricId, Tag("id")] | Annotated[OwnMetric, Tag("own")],
    # One of the two is tried, so that a mistake in it is the one message.
    Discriminator(lambda value: "own" if isinstance(value, (dict, OwnMetric)) else "id"),
    _Either(),
]
Amount = Annotated[int, Field(ge=1, le=100_000)]
Target = Annotated[Amount | Latency, BeforeValidator(_form, json_schema_input_type=Amount | Latency)]


class Scale(Closed):
    """Replicas and what moves them."""

    min: Annotated[int, Field(ge=0, le=10_000)] | None = None
    """Fewest replicas; 0 with by: keda, behind an endpoint picker that holds requests."""
    max: Annotated[int, Field(ge=1, le=10_000)] | None = None
    """Most replicas."""
    by: Literal["hpa", "keda"] | None = None
    """Who moves them: a HorizontalPodAutoscaler on the custom metrics adapter, or KEDA on Managed Prometheus; hpa without it."""
    metric: ScaledBy | None = None
    """What they are moved by: queue-depth, running, kv-cache-usage, requests, ttft or another metric of the engine; or your own series."""
    target: Target | None = None
    """Wanted value a replica: requests, percent for kv-cache-usage, a second's worth of what is counted; for a latency a time (2s)."""
    buffer: Annotated[int, Field(ge=0, le=1_000)] | None = None
    """Servers whose nodes are kept ready beside those in use, so that a new one waits for no node (CapacityBuffer, Preview)."""
    placeholders: Annotated[int, Field(ge=0, le=1_000)] | None = None
    """The same by Pods that do nothing and give way to a server: for clusters without CapacityBuffer."""
    idle: Duration | None = None
    """Time without a request after which the last replica goes, with min: 0."""
