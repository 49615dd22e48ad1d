"""The management cluster: Config Connector objects, and the RootSync that reads them."""

from __future__ import annotations

from ..resolve.fleet import Fleet
from .objects import ClusterPlan, Object
from .row import Drawn
from .skeleton import Skeletons
from .views import sync
from .views.cloud import Connector
from .views.platform import namespace

PART = "management"
"""Its only part, and the name of its folder under ``overlays/<platform>/``."""


def management(fleet: Fleet, skeletons: Skeletons) -> ClusterPlan | None:
    """None for a platform without one. Its objects are nobody else's: no base holds them."""
    spec = fleet.platform.management
    if spec is None:
        return None
    rows = [namespace(fleet.platform, spec.namespace, "cloud", "restricted"), *_rows(fleet)]
    made: list[Object] = [skeletons.object(*row) for row in rows]
    return ClusterPlan(
        name=spec.cluster,
        region=spec.region,
        facts={"cluster": spec.cluster, "region": spec.region, "project": fleet.platform.projects[spec.project].id},
        facets={},
        layers=(),
        own={PART: tuple(made)},
        syncs=(skeletons.object(*sync.management_sync(fleet.platform, fleet.catalogue, spec, PART)),),
        folder=PART,
    )


def _rows(fleet: Fleet) -> list[Drawn]:
    cloud, spec = fleet.cloud, fleet.platform.management
    assert spec is not None
    connector = Connector(cloud, spec)
    kinds = ("buckets", "addresses", "secrets", "modelArmor", "cloudArmor")
    found = [connector.resource(one) for kind in kinds for one in cloud.of(kind) if one.intent != "observe"]
    caches = sorted(cloud.caches.items(), key=lambda item: (item[0].bucket, item[0].zone))
    found += [connector.cache(one, first) for one, first in caches]
    jobs = sorted(cloud.transfers.items(), key=lambda item: (item[0].store, item[0].sink))
    transfers = [row for one, first in jobs for row in connector.transfer(one, first)]
    grants = sorted(cloud.grants, key=lambda one: (one.on, one.role, one.project, one.namespace, one.account))
    # Two jobs of one project and source need one grant.
    unique = {(template, str(row.name)): (template, row) for template, row in [*transfers, *map(connector.grant, grants)]}
    return [*found, *unique.values()]
