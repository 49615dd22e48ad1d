"""A dashboard of Cloud Monitoring (Cloud Monitoring API v1, projects.dashboards: Dashboard, MosaicLayout, XyChart, SectionHeader).

``gcloud monitoring dashboards create --config-from-file`` takes the file as it is; ``name`` and ``etag`` are the service's to fill in.
"""

from __future__ import annotations

from typing import Any

from .panels import ACROSS, COUNT, RATE, SECONDS, SHARE, Dashboard, Panel

COLUMNS = 48
"""Of the grid (GoogleCloudPlatform/monitoring-dashboard-samples@91dc5f93 dashboards/google-compute-engine/reservations-monitoring.json)."""
HEADER, HEIGHT = 4, 14
UNITS = {COUNT: "1", SHARE: "10^2.%", SECONDS: "s", RATE: "1/s"}
"""Cloud Monitoring API v3, MetricDescriptor.unit: 10^2.% is a share from 0 to 1."""


def document(dashboard: Dashboard) -> dict[str, Any]:
    tiles: list[dict[str, Any]] = []
    y = 0
    for section in dashboard.sections:
        header = {"title": section.title, "sectionHeader": {"dividerBelow": True}}
        tiles.append({"xPos": 0, "yPos": y, "width": COLUMNS, "height": HEADER, "widget": header})
        y += HEADER
        for i, panel in enumerate(section.panels):
            at = {"xPos": i % ACROSS * (COLUMNS // ACROSS), "yPos": y + i // ACROSS * HEIGHT}
            tiles.append({**at, "width": COLUMNS // ACROSS, "height": HEIGHT, "widget": {"title": panel.title, "xyChart": _chart(panel)}})
        y += -(-len(section.panels) // ACROSS) * HEIGHT
    labels = {"inferspec": "", dashboard.platform: ""}
    return {"displayName": dashboard.title, "labels": labels, "mosaicLayout": {"columns": COLUMNS, "tiles": tiles}}


def _chart(panel: Panel) -> dict[str, Any]:
    chart: dict[str, Any] = {
        "dataSets": [
            {
                "timeSeriesQuery": {"prometheusQuery": query.expr, "unitOverride": UNITS[panel.unit]},
                "plotType": "STACKED_AREA" if panel.stacked else "LINE",
                "targetAxis": "Y1",
                "legendTemplate": query.legend.replace("{", "${"),
            }
            for query in panel.queries
        ],
        "yAxis": {"scale": "LINEAR"},
    }
    if panel.line is not None:
        chart["thresholds"] = [{"label": panel.line.label, "value": panel.line.number, "targetAxis": "Y1"}]
    return chart
