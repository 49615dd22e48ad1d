"""Traces and logs: where traces go, how many requests have one, and who is told to send them or to write JSON."""

from __future__ import annotations

from fractions import Fraction

from ..catalog import Catalogue
from ..catalog.engine_parts import LogFormat, Telemetry
from ..catalog.engines import version_key
from ..diagnostics import SpecPath
from ..model.platform import Platform
from ..model.watching import MANAGED
from ..values import Catalogue as FromCatalogue
from ..values import Default, SpecAt, Value, derive
from .workload import Workload

TRACES: SpecPath = ("observability", "traces")
SAMPLE = "traces.sample"
LOGS: SpecPath = ("observability", "logs")
LOG_FILE = "/logging/logging.json"
"""Where a server finds the settings of its log."""


def managed(platform: Platform) -> bool:
    """Whether the collector of the cluster itself takes them."""
    traces = platform.observability.traces
    return traces is not None and traces.collector == MANAGED


def collector(platform: Platform, catalogue: Catalogue) -> Value | None:
    """Where spans go; None where none are asked for."""
    traces = platform.observability.traces
    if traces is None:
        return None
    said = Value(traces.collector, SpecAt((*TRACES, "collector")))
    if not managed(platform):
        return said
    row = f"stacks.{platform.stack}.managedCollector.url"
    url = catalogue.stack(platform.stack).managed_collector.url
    return derive("the managed collector of the cluster", url, said, Value(url, FromCatalogue(row)))


def share(platform: Platform, catalogue: Catalogue) -> Value:
    """Part of the requests that are traced, as text: 5 percent is 0.05."""
    said = platform.observability.traces.sample if platform.observability.traces is not None else None
    percent = catalogue.default(SAMPLE) if said is None else said
    origin = Default(SAMPLE) if said is None else SpecAt((*TRACES, "sample"))
    wanted = f"{float(Fraction(str(percent)) / 100):.6f}".rstrip("0").rstrip(".")
    return derive("percent as a share of 1", wanted, Value(str(percent), origin))


def logged_requests(platform: Platform, catalogue: Catalogue) -> Value:
    """Requests of a million that a load balancer logs."""
    said = platform.observability.logs.requests
    if said is None:
        return Value(catalogue.default("gateway.logSampleRate"), Default("gateway.logSampleRate"))
    written = Value(str(said), SpecAt((*LOGS, "requests")))
    return derive("percent as parts of a million", int(Fraction(str(said)) * 10_000), written)


def sends(workload: Workload) -> bool:
    """Whether spans leave its clusters: of the servers, or of the picker before them, which a payload processor stands beside."""
    return workload.pooled or traced_by(workload) is not None


def traced_by(workload: Workload) -> Telemetry | None:
    """How the server is told to send spans; None where its version cannot."""
    told = workload.engine.traces
    return told if told is not None and _able(workload, told.since) else None


def json_logs(workload: Workload) -> LogFormat | None:
    """How the server is told to write JSON; None where its version cannot."""
    told = workload.engine.json_logs
    return told if told is not None and _able(workload, told.since) else None


def _able(workload: Workload, since: str) -> bool:
    version = str(workload.engine_version.v)
    return not since or (bool(version) and version_key(since) <= version_key(version))
