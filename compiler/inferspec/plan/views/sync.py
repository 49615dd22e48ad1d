"""What makes Config Sync read a cluster's parts."""

from __future__ import annotations

from ...catalog import Catalogue
from ...model.places import Management
from ...model.platform import Platform
from ...resolve.places import Place
from ...values import Default, SpecAt, Value, derive
from ..row import Drawn, Row

NAMESPACE = "config-management-system"


def root_sync(platform: Platform, catalogue: Catalogue, place: Place, part: str) -> Drawn:
    """One a part. Never the one that reads this directory: the fleet's Config Sync setting makes that one."""
    wave = platform.delivery.waves[place.wave]
    revision = Value(wave.revision, SpecAt(("delivery", "waves", place.wave, "revision"))) if wave.revision else None
    directory = derive(
        "overlays/PLATFORM/REGION/CLUSTER/PART",
        f"overlays/{platform.name}/{place.region}/{place.name}/{part}",
        Value(platform.name, SpecAt(("name",))),
        Value(place.name, SpecAt(place.path)),
    )
    return _sync(platform, catalogue, part, revision, directory)


def management_sync(platform: Platform, catalogue: Catalogue, management: Management, part: str) -> Drawn:
    """The management cluster is in no wave: it reads its own revision, else that of the last."""
    last = len(platform.delivery.waves) - 1
    said = platform.delivery.waves[last].revision
    revision = Value(said, SpecAt(("delivery", "waves", last, "revision"))) if said else None
    if management.revision is not None:
        revision = Value(management.revision, SpecAt(("management", "revision")))
    cluster = Value(management.cluster, SpecAt(("management", "cluster")))
    name = Value(platform.name, SpecAt(("name",)))
    directory = derive("overlays/PLATFORM/management", f"overlays/{platform.name}/{part}", name, cluster)
    return _sync(platform, catalogue, part, revision, directory)


def _sync(platform: Platform, catalogue: Catalogue, part: str, revision: Value | None, directory: Value) -> Drawn:
    source = platform.delivery.config_sync
    at = ("delivery", "configSync")
    return "root-sync", Row(
        name=part,
        repo=Value(str(source.repo), SpecAt((*at, "repo"))),
        revision=revision,
        branch=Value(source.branch, SpecAt((*at, "branch")))
        if source.branch
        else Value(catalogue.default("delivery.branch"), Default("delivery.branch")),
        directory=directory,
        auth=Value(source.auth, SpecAt((*at, "auth"))),
        secret=Value(source.secret_ref, SpecAt((*at, "secretRef"))) if source.secret_ref else None,
        service_account=Value(source.service_account, SpecAt((*at, "serviceAccount"))) if source.service_account else None,
        reconcile_timeout=Value(catalogue.default("delivery.reconcileTimeout"), Default("delivery.reconcileTimeout")),
    )
