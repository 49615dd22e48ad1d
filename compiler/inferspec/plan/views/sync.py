"""What makes Config Sync read a cluster's parts."""

from __future__ import annotations

from ...catalog import Catalogue
from ...model.platform import Platform
from ...resolve.places import Place
from ...values import Default, SpecAt, Value, derive
from ..row import Drawn, Row

NAMESPACE = "config-management-system"


def root_sync(platform: Platform, catalogue: Catalogue, place: Place, part: str) -> Drawn:
    """One a part. Never the one that reads this directory: the fleet's Config Sync setting makes that one."""
    source = platform.delivery.config_sync
    at = ("delivery", "configSync")
    wave = platform.delivery.waves[place.wave]
    revision = Value(wave.revision, SpecAt(("delivery", "waves", place.wave, "revision"))) if wave.revision else None
    return "root-sync", Row(
        name=part,
        repo=Value(str(source.repo), SpecAt((*at, "repo"))),
        revision=revision,
        branch=Value(source.branch, SpecAt((*at, "branch")))
        if source.branch
        else Value(catalogue.default("delivery.branch"), Default("delivery.branch")),
        directory=derive(
            "overlays/PLATFORM/REGION/CLUSTER/PART",
            f"overlays/{platform.name}/{place.region}/{place.name}/{part}",
            Value(place.name, SpecAt(place.path)),
        ),
        auth=Value(source.auth, SpecAt((*at, "auth"))),
        secret=Value(source.secret_ref, SpecAt((*at, "secretRef"))) if source.secret_ref else None,
        service_account=Value(source.service_account, SpecAt((*at, "serviceAccount"))) if source.service_account else None,
        reconcile_timeout=Value(catalogue.default("delivery.reconcileTimeout"), Default("delivery.reconcileTimeout")),
    )
