"""Which objects a compile checks: each once, and those with facts of a cluster once for each that is chosen."""

from __future__ import annotations

from typing import Any, cast

from inferspec.load import Document
from inferspec.prove.objects import ObjectProver

from tests.emit.fleet import SITES, Fleet, Site


def prover(*sites: Site) -> tuple[ObjectProver, Any]:
    plan = Fleet(sites=sites).plan()
    return ObjectProver(plan.clusters, cast(Document, None)), plan


def test_an_object_is_checked_with_the_facts_of_each_cluster() -> None:
    objects, plan = prover(*(Site(f"c{n}", "us-central1", "prod") for n in range(3)))
    everywhere, own = objects.distinct(), objects.of_clusters(plan.clusters)
    assert sum(obj.identity.kind == "Deployment" for _, obj in everywhere.values()) == 1, "clusters of one cohort share it"
    seen = {cluster.name for cluster, obj in (everywhere | own).values() if obj.identity.kind == "Deployment"}
    assert seen == {"c0", "c1", "c2"}
    assert sum(obj.identity.kind == "RootSync" for _, obj in own.values()) == 2 * 3


def test_objects_without_facts_are_not_checked_again() -> None:
    objects, plan = prover(*SITES[:2])
    kinds = {obj.identity.kind for _, obj in objects.of_clusters(plan.clusters).values()}
    assert "HorizontalPodAutoscaler" not in kinds and "Deployment" in kinds


def test_another_fact_is_another_proof() -> None:
    (one, plan), (other, changed) = prover(Site("c", "us-central1")), prover(Site("c", "us-central1", project="acme-lab"))
    found = [set(p.of_clusters(made.clusters)) for p, made in ((one, plan), (other, changed))]
    assert found[0] != found[1] and found[0] == set(prover(Site("c", "us-central1"))[0].of_clusters(plan.clusters))
