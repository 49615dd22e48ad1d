"""Alerts of what no service owns: the syncs of a cluster, and the reservations of its region.

The series of ClusterRules are those of its cluster, of GlobalRules those of the project's whole metrics scope (GoogleCloudPlatform/
prometheus-engine doc/api.md). Compute Engine's series have no cluster: GlobalRules alone sees them.
"""

from __future__ import annotations

from fractions import Fraction

from ...catalog import Catalogue
from ...catalog.stacks import Shown
from ...model.platform import Platform
from ...resolve.layers import Subject
from ...values import SENTINEL, Default, Value, derive, text
from ...values import Catalogue as FromCatalogue
from ..row import Drawn, Row, labels
from . import promql
from .alert_row import WARNING, alert

SYNC, RESERVATIONS = "config-sync", "reservations"
"""Names of the objects; ``job`` of the first is that of its ClusterPodMonitoring."""


def sync_alerts(platform: Platform, catalogue: Catalogue) -> list[Drawn]:
    """A ClusterPodMonitoring, since a part declares nothing in a namespace of Config Sync's, and the alerts on what it reads."""
    shown = catalogue.stack(platform.stack).config_sync
    at = f"stacks.{platform.stack}.configSync"
    wait, interval = _default(catalogue, "alerts.sync"), text("{}s", _default(catalogue, "alerts.interval"))
    errors, last = (_selected(shown, id, promql.job(SYNC)) for id in ("errors", "last-sync"))
    by = ", ".join(shown.by)
    sync = "{{ $labels.configsync_sync_kind }} {{ $labels.configsync_sync_namespace }}/{{ $labels.configsync_sync_name }}"
    failing, recent = (_origin(shown, id, at) for id in ("errors", "last-sync"))
    found = [
        alert(
            "SyncErrors",
            WARNING,
            wait,
            derive("errors of a sync, by their class", f"sum by ({by}, errorclass) ({errors}) > 0", failing),
            f"{sync} meets errors of class {{{{ $labels.errorclass }}}} again and again: what was merged is not in the cluster",
            "nomos status: the message and the object of the error",
        ),
        alert(
            "SyncStale",
            WARNING,
            _default(catalogue, "alerts.wait"),
            derive("seconds since the last sync that went well", f"time() - max by ({by}) ({last}) > {wait.v}", recent, wait),
            derive("who, and for how long", f"{sync} has not gone well for {wait.v} seconds", wait),
            "nomos status: a sync that still runs, a source that cannot be read",
        ),
        alert(
            "SyncUnseen",
            WARNING,
            wait,
            derive("no sync is seen", f"absent({last})", recent),
            "no sync that went well is seen in the cluster: the alerts on syncs say nothing",
            "the collector's Pod in config-management-monitoring, then its ClusterPodMonitoring",
        ),
    ]
    own = {"name": SYNC, "labels": labels(platform.name, SYNC, "alerts")}
    port = Value(shown.port, FromCatalogue(f"{at}.port"))
    return [
        ("cluster-pod-monitoring", Row(**own, selector=dict(shown.selector), port=port, path="/metrics", interval=interval)),
        ("cluster-rules", Row(**own, interval=interval, alerts=found)),
    ]


def reservation_alerts(platform: Platform, catalogue: Catalogue, subject: Subject) -> list[Drawn]:
    """Of the cluster's region, so that clusters of one region alone say the same."""
    shown = catalogue.stack(platform.stack).reservations
    least, wait = _default(catalogue, "alerts.reserved"), _default(catalogue, "alerts.reservedWait")
    # A reservation stands in a zone; the label of its series is documented without saying whether it is the zone or the region.
    where = (f'location=~"{subject.region}(-[a-z])?"',)
    used, reserved = (f"sum by ({', '.join(shown.by)}) (avg_over_time({_selected(shown, id, where)}[1h]))" for id in ("used", "reserved"))
    told = f"{used} / {reserved} < {promql.number(Fraction(int(least.v), 100))}" if subject.region else SENTINEL
    idle = alert(
        "ReservationIdle",
        WARNING,
        wait,
        derive(
            "what is used of what is reserved in the cluster's region",
            told,
            *(_origin(shown, id, f"stacks.{platform.stack}.reservations") for id in ("used", "reserved")),
            least,
        ),
        text("less than {} % of reservation {{{{ $labels.reservation_id }}}} in {{{{ $labels.location }}}} is in use", least),
        "whether the classes that name it have servers there, and whether these were placed before the reservation began",
    )
    own = {"name": RESERVATIONS, "labels": labels(platform.name, RESERVATIONS, "alerts")}
    return [("global-rules", Row(**own, interval=text("{}s", _default(catalogue, "alerts.interval")), alerts=[idle]))]


def _default(catalogue: Catalogue, key: str) -> Value:
    return Value(catalogue.default(key), Default(key))


def _origin(shown: Shown, id: str, at: str) -> Value:
    return Value(shown.metrics[id].series, FromCatalogue(f"{at}.metrics.{id}"))


def _selected(shown: Shown, id: str, where: promql.Matchers = ()) -> str:
    metric = shown.metrics[id]
    return promql.selector(metric.series, (*where, *(promql.matcher(key, value) for key, value in metric.labels.items())))
