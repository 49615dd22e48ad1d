"""Traces that somebody sends, to a collector that is there, and logs in the form that was asked for."""

from __future__ import annotations

from collections.abc import Iterator

from ..diagnostics import Diagnostic, Severity
from ..resolve.telemetry import LOGS, TRACES, json_logs, managed, sends, traced_by
from .context import Context, agreeing

OTLP_GRPC, OTLP_HTTP = 4317, 4318
"""Default ports (OpenTelemetry, "OpenTelemetry Protocol Exporter")."""
MANAGED_ADDON = "managed-opentelemetry"


def traces(context: Context) -> Iterator[Diagnostic]:
    """A server that sends none is missing at the end of every trace."""
    if context.platform.observability.traces is None:
        return
    without: dict[str, str] = {}
    for w in context.workloads():
        if traced_by(w) is None:
            without.setdefault(w.service_name, f"{w.engine.id} {w.engine_version.v}".rstrip())
    if without:
        known = context.catalogue.engine("vllm").traces
        yield context.finding(
            "OBS105",
            f"no traces of {', '.join(without)}: nothing is known of spans there",
            TRACES,
            key=True,
            severity=Severity.INFO,
            notes=tuple(f"{service} runs {engine}" for service, engine in without.items()),
            help=f"vllm from {known.since} on, or sglang" if known is not None else "",
        )


def collectors(context: Context) -> Iterator[Diagnostic]:
    """GKE's managed collector is in clusters that somebody turned it on for, and is asked for where something sends."""
    if not managed(context.platform):
        return
    sending = {p.name for _, w, places in context.cohorts if sends(w) for p in places}
    without = [p for p in context.fleet.places if p.name in sending and MANAGED_ADDON not in p.cluster.addons]
    if without:
        yield context.finding(
            "OBS106",
            f"traces go to GKE's managed collector, and {agreeing(without, 'has', 'have')} none",
            (*TRACES, "collector"),
            related=(context.span((*without[0].path, "addons"), "add-ons of the cluster", key=True),),
            notes=("gcloud container clusters update NAME --managed-otel-scope=COLLECTION_AND_INSTRUMENTATION_COMPONENTS",),
            help=f"turn it on and write '{MANAGED_ADDON}' under the cluster's addons",
        )


def protocols(context: Context) -> Iterator[Diagnostic]:
    """Spans are sent by gRPC; 4318 is where collectors take OTLP over HTTP."""
    traces = context.platform.observability.traces
    if traces is not None and traces.collector.rstrip("/").endswith(f":{OTLP_HTTP}"):
        yield context.finding(
            "SPC033",
            f"traces go to port {OTLP_HTTP}, where collectors take OTLP over HTTP: spans are sent by gRPC",
            (*TRACES, "collector"),
            severity=Severity.WARNING,
            help=f"port {OTLP_GRPC}, where they take it by gRPC",
        )


def logs(context: Context) -> Iterator[Diagnostic]:
    """A query on fields of the log finds nothing of a server that writes lines of its own."""
    if context.platform.observability.logs.servers is None:
        return
    without: dict[str, str] = {}
    for w in context.workloads():
        if json_logs(w) is None:
            without.setdefault(w.service_name, w.engine.id)
    if without:
        yield context.finding(
            "OBS107",
            f"no JSON logs of {', '.join(without)}: nothing is known of a switch for it",
            (*LOGS, "servers"),
            severity=Severity.INFO,
            notes=tuple(f"{service} runs {engine}" for service, engine in without.items()),
            help="its lines are logged as text; a container of your own can write JSON by itself",
        )
