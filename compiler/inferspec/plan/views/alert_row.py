"""One alert, of whatever it speaks."""

from __future__ import annotations

from ...values import Value, text
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
