"""Which objects a compile checks: each once, and those with facts of a cluster once for each that is chosen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

from inferspec.load import Document
from inferspec.prove.cache import Proofs
from inferspec.prove.objects import ObjectProver

from tests.emit.fleet import SITES, Fleet, Site


@contextmanager
def prover(*sites: Site, known: Proofs | None = None) -> Iterator[tuple[ObjectProver, Any]]:
    plan = Fleet(sites=sites).plan()
    made = ObjectProver(cast(Document, None), known=known) if known else ObjectProver(cast(Document, None))
    try:
        for cluster in plan.clusters:
            for objects in (*cluster.facets.values(), *cluster.own.values()):
                made.add(cluster, objects)
        yield made, plan
    finally:
        made.close()


def kinds(objects: ObjectProver) -> Counter[str]:
    return Counter(obj.identity.kind for _, obj in objects.listed.values())


def test_an_object_is_checked_with_the_facts_of_each_cluster() -> None:
    with prover(*(Site(f"c{n}", "us-central1", "prod") for n in range(3))) as (objects, plan):
        assert kinds(objects)["Deployment"] == 1, "clusters of one cohort share it"
        for cluster in (*plan.clusters, *plan.clusters):
            objects.add_own(cluster)
        seen = {cluster.name for cluster, obj in objects.listed.values() if obj.identity.kind == "Deployment"}
        assert seen == {"c0", "c1", "c2"}
        assert kinds(objects)["RootSync"] == 2 * 3


def test_objects_without_facts_are_not_checked_again() -> None:
    with prover(Site("a", "us-central1"), Site("b", "us-central1")) as (objects, plan):
        before = kinds(objects)
        for cluster in plan.clusters:
            objects.add_own(cluster)
        more = kinds(objects) - before
        assert "HorizontalPodAutoscaler" in before and "HorizontalPodAutoscaler" not in more and "Deployment" in more


def test_another_fact_is_another_proof() -> None:
    keys = []
    for site in (Site("c", "us-central1"), Site("c", "us-central1", project="acme-lab"), Site("c", "us-central1")):
        with prover(site) as (objects, plan):
            objects.add_own(plan.clusters[0])
            keys.append(objects.covered)
    assert keys[0] != keys[1] and keys[0] == keys[2]


def test_what_is_known_counts_and_is_not_checked(tmp_path: Any) -> None:
    with prover(SITES[0]) as (objects, _):
        held = Proofs(tmp_path / "proofs")
        held.add(*objects.listed)
        first = objects.covered
    with prover(SITES[0], known=held) as (objects, _):
        assert objects.covered == first and not objects.listed
        assert list(objects.findings()) == [], "and no tool is started"
