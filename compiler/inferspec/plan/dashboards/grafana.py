"""A dashboard of Grafana (Grafana documentation, "Dashboard JSON model"): whoever imports it chooses the data source."""

from __future__ import annotations

from typing import Any

from ...names import truncate_with_hash
from .panels import ACROSS, COUNT, RATE, SECONDS, SHARE, Dashboard, Panel

COLUMNS, HEADER, HEIGHT = 24, 1, 8
SCHEMA = 39
"""schemaVersion of Grafana 11; later ones migrate it."""
UNITS = {COUNT: "short", SHARE: "percentunit", SECONDS: "s", RATE: "cps"}
UID_LIMIT = 40
SOURCE = {"type": "prometheus", "uid": "${datasource}"}


def document(dashboard: Dashboard) -> dict[str, Any]:
    panels: list[dict[str, Any]] = []
    y = 0
    for section in dashboard.sections:
        grid = {"x": 0, "y": y, "w": COLUMNS, "h": HEADER}
        panels.append({"id": len(panels) + 1, "type": "row", "title": section.title, "collapsed": False, "gridPos": grid, "panels": []})
        y += HEADER
        for i, panel in enumerate(section.panels):
            width = COLUMNS // ACROSS
            grid = {"x": i % ACROSS * width, "y": y + i // ACROSS * HEIGHT, "w": width, "h": HEIGHT}
            panels.append({"id": len(panels) + 1, "type": "timeseries", "title": panel.title, "gridPos": grid, **_chart(panel)})
        y += -(-len(section.panels) // ACROSS) * HEIGHT
    return {
        "uid": truncate_with_hash(f"{dashboard.platform}_{dashboard.name}", UID_LIMIT),
        "title": dashboard.title,
        "tags": ["inferspec", dashboard.platform],
        "schemaVersion": SCHEMA,
        "editable": False,
        "refresh": "1m",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": [{"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus"}]},
        "panels": panels,
    }


def _chart(panel: Panel) -> dict[str, Any]:
    steps: list[dict[str, Any]] = [{"color": "green", "value": None}]
    custom: dict[str, Any] = {"drawStyle": "line", "stacking": {"mode": "normal" if panel.stacked else "none", "group": "A"}}
    chart: dict[str, Any] = {"datasource": SOURCE}
    if panel.line is not None:
        steps.append({"color": "red", "value": panel.line.number})
        custom["thresholdsStyle"] = {"mode": "line"}
        chart["description"] = panel.line.label
    chart["fieldConfig"] = {
        "defaults": {"unit": UNITS[panel.unit], "min": 0, "custom": custom, "thresholds": {"mode": "absolute", "steps": steps}},
        "overrides": [],
    }
    chart["options"] = {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi"}}
    chart["targets"] = [
        {
            "refId": f"Q{i}",
            "datasource": SOURCE,
            "expr": query.expr,
            "legendFormat": query.legend.replace("{", "{{").replace("}", "}}"),
        }
        for i, query in enumerate(panel.queries, 1)
    ]
    return chart
