"""One alert, of a workload or of what no service owns."""

from __future__ import annotations

from ...catalog.engines import Metric
from ...resolve.workload import Workload
from ...values import Catalogue as FromCatalogue
from ...values import Value, derive, text
from ..row import Row

RUNBOOKS = "docs/runbooks.md"
CRITICAL, WARNING = "critical", "warning"


def alert(name: str, severity: str, wait: Value, expr: Value, summary: Value | str, first: str, **labels: str) -> Row:
    """``first``: what to look at first; the rest is in the section of docs/runbooks.md that has the alert's name."""
    return Row(
        name=f"Inference{name}",
        expr=expr,
        wait=text("{}s", wait),
        labels={"severity": severity, **labels},
        annotations={"summary": summary, "first": first, "runbook": f"{RUNBOOKS}#inference{name.lower()}"},
    )


def of_workload(w: Workload, name: str, severity: str, wait: Value, expr: Value, summary: Value | str, first: str) -> Row:
    return alert(name, severity, wait, expr, summary, first, service=w.service_name, workload=w.name)


def wait(w: Workload, *, urgent: bool = False) -> Value:
    return w.default("alerts.urgentWait" if urgent else "alerts.wait")


def derived(w: Workload, metric: Metric, expr: str, *figures: Value) -> Value:
    """An expression whose origin is the row of the series and the figures in it."""
    return derive(f"{metric.id} of {w.engine.id}", expr, Value(metric.series, FromCatalogue(f"engines.{w.engine.id}.metrics")), *figures)
