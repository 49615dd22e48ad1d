"""What users may expect of a service, and when its alerts speak."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Annotated, Literal

from pydantic import Field

from .forms import Closed, Grammar, Items, Time

MANAGED = "gke"
"""``traces.collector`` of GKE's own collector."""
Collector = Annotated[
    str,
    Grammar(
        rf"{MANAGED}|http://[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?:[0-9]{{1,5}}",
        "'gke' or a collector that takes OTLP by gRPC without TLS",
        "http://otel.observability.svc:4317",
        200,
    ),
]
Latency = Annotated[str, Time(r"[0-9]+(?:\.[0-9]+)?(?:ms|s)", "a latency in s or ms", "2500ms", 12, ("ms", "s"))]


def latency(text: str) -> Fraction:
    """``"2500ms"`` -> 5/2 seconds."""
    found = re.fullmatch(r"([0-9.]+)(ms|s)", text)
    assert found is not None, "the model has a grammar for it"
    return Fraction(found[1]) / (1000 if found[2] == "ms" else 1)


class Slo(Closed):
    """What users may expect. Each key but ntpot gets alerts on how fast its error budget burns."""

    ttft: Latency | None = None
    """Longest time to the first token: 2500ms. A bucket boundary of the engine, where the catalogue knows them."""
    itl: Latency | None = None
    """Longest time from token to token: 100ms. A bucket boundary too."""
    ntpot: Latency | None = None
    """Longest time of a request for each token of its answer, from its arrival at the gateway to its end: 200ms. It has no error budget."""
    share: Annotated[int, Field(ge=94, le=99)] | None = None
    """Percent of the requests within ttft and ntpot, and of the tokens within itl; of 93 the fast alert could never speak."""
    availability: Annotated[float, Field(ge=95, le=99.99)] | None = None
    """Percent of the responses that are no server error: 99.5."""


class Alerts(Closed):
    """Where alerts speak that no objective is for; the catalogue's planning figures without it."""

    queue: Annotated[int, Field(ge=1, le=100_000)] | None = None
    """Requests that wait at each replica, in the mean."""
    kv_cache: Annotated[int, Field(ge=1, le=100)] | None = None
    """Percent of the KV cache in use, in the mean of the replicas."""
    errors: Annotated[int, Field(ge=1, le=100)] | None = None
    """Percent of the responses that are server errors."""
    fallback: Annotated[int, Field(ge=1, le=100)] | None = None
    """Percent of the replicas that are not on the first kind of capacity of their class, but on spot or flex-start; no alert without it."""


class Traces(Closed):
    """Spans of requests, sent by what serves them to an OpenTelemetry collector that is there."""

    collector: Collector
    """Where it listens: http://HOST:PORT, OTLP by gRPC without TLS; gke for the managed collector of the cluster itself."""
    sample: Annotated[float, Field(ge=0.01, le=100)] | None = None
    """Percent of the requests that are traced, where no caller has decided; the catalogue's figure without it."""


class Logs(Closed):
    """Logs in the form that Cloud Logging takes apart, and how many requests have one."""

    servers: Literal["json"] | None = None
    """Lines of servers as JSON, where the engine can; as it writes them without it. Endpoint pickers write JSON always."""
    requests: Annotated[float, Field(ge=0, le=100)] | None = None
    """Percent of the requests in the log of the gateways' load balancers; the catalogue's figure without it."""


class Observability(Closed):
    """What is written for people who look at the fleet; alerts are written anyway."""

    dashboards: Items[Literal["cloud-monitoring", "grafana"]] = ()
    """A file for each service and one for the fleet, in each form; none without the key. docs/dashboards.md says how they are imported."""
    traces: Traces | None = None
    """Where endpoint pickers and servers send spans; none are made without it. docs/telemetry.md says who can."""
    logs: Logs = Logs.model_construct()
    """Form of the servers' logs, and how many requests are logged."""
