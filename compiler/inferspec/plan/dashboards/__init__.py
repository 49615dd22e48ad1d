"""Dashboards as files: what they show is settled here, a module a form writes it. No sync reads them: they are Google Cloud's or Grafana's.

A new form is a module with ``document`` and its name in ``FORMS`` and in the model (``Observability``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...resolve.fleet import Fleet
from . import cloud_monitoring, grafana
from .fleet import of_fleet
from .panels import Dashboard
from .service import of_service

FORMS: dict[str, Callable[[Dashboard], dict[str, Any]]] = {
    "cloud-monitoring": cloud_monitoring.document,
    "grafana": grafana.document,
}


def dashboards(fleet: Fleet) -> dict[str, Any]:
    """``FORM/NAME.json`` -> content, for the forms that the spec names."""
    found = [of_service(fleet, service) for service in fleet.platform.serving]
    shown = [*(d for d in found if d is not None), *([of_fleet(fleet)] if any(found) else [])]
    forms = [form for form in FORMS if form in fleet.platform.observability.dashboards]
    return {f"{form}/{one.name}.json": FORMS[form](one) for form in forms for one in shown}
