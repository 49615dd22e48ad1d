"""The proof with the real kustomize, both versions: what is built is the plan."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace as Row

import pytest
from inferspec.emit.tree import cluster_objects, render_tree
from inferspec.emit.write import write_tree
from inferspec.plan.objects import ClusterPlan, Facet, FleetPlan, Object
from inferspec.plan.skeleton import Skeletons
from inferspec.prove.equality import compare
from inferspec.values import Default, Value

from .fleet import ODD_TEXTS, SITES, Fleet, Site

Build = Callable[[Path], dict[str, bytes]]


@pytest.mark.parametrize("place", range(len(SITES)), ids=[site.name for site in SITES])
def test_every_overlay_builds_to_the_plan(place: int, tmp_path: Path, build: Build) -> None:
    plan = Fleet().plan()
    write_tree(render_tree(plan), tmp_path)
    cluster = plan.clusters[place]
    overlay = tmp_path / "overlays" / "acme" / cluster.region / cluster.name
    parts = cluster_objects(plan, cluster)
    for part, objects in parts.items():
        outputs = build(overlay / part)
        for version, output in outputs.items():
            assert compare(output, objects) == [], version
        assert outputs["5.8.2"] == outputs["5.4.2"]
    whole = {identity: tree for objects in parts.values() for identity, tree in objects.items()}
    for version, output in build(overlay).items():
        assert compare(output, whole) == [], version


@pytest.mark.parametrize("site", ["euw4-prod", "euw4-number"])
def test_a_layer_left_out_still_builds_to_the_plan(site: str, tmp_path: Path, build: Build) -> None:
    layers = {"stage-prod": {"sidecars": ()}, "region-europe-west4": {"sidecars": ("other",), "env": {"A": "1", "B": "2"}}}
    plan = Fleet(layers=layers).plan()
    check(plan, site, tmp_path, build)


def check(plan: FleetPlan, site: str, root: Path, build: Build) -> None:
    assert not write_tree(render_tree(plan), root).refused
    cluster = next(cluster for cluster in plan.clusters if cluster.name == site)
    for part, objects in cluster_objects(plan, cluster).items():
        for version, output in build(root / "overlays" / plan.platform / cluster.region / cluster.name / part).items():
            assert compare(output, objects) == [], version


FACTS = ["123", "true", "null", "yes", "012", "1e3", "12:30", "2020-01-01", "a@b.c/d_e-f", "-", ".", "~", "", " x ", "a=b", "a,b",
         '"q"', "'", "$(X)", "{{ x }}", "é", "a\nb", "\U0001f600", "# x", "set", 7, 0, True, False]


@pytest.mark.parametrize("batch", range(0, len(FACTS), 8))
def test_facts_of_every_sort_arrive_with_their_type(batch: int, tmp_path: Path, build: Build) -> None:
    """Those that replacements would change are patches; the others keep their type because the base holds quoted text."""
    sites = tuple(Site(f"c{number}", "us-central1", "prod", project=fact) for number, fact in enumerate(FACTS[batch:batch + 8]))
    plan = Fleet(sites=sites).plan()
    for cluster in plan.clusters:
        check(plan, cluster.name, tmp_path, build)


ODD_KEYS = ["on", "012", "1e3", "null", "~", "true", "y", "12:30", "=", "0", "a b", "#x", "- a", "?", "!x", "*x", "&x", "%", "@x",
            "`", "{a", "[b", "a: b", "a:", "'", '"', "x\ty", "2020-01-01", "é", "a/b~c", "~1", ":", "0x1F", "-", ".inf", "a\\b", "x.y",
            "[a=b]", "name", "<"]


def test_odd_keys_and_texts_survive_bases_and_patches(tmp_path: Path, build: Build) -> None:
    base = {key: f"{key} x" for key in ODD_KEYS} | ODD_TEXTS
    layer = {key: key for number, key in enumerate(base) if number % 3} | {f"{key}z": key for key in ODD_KEYS}
    fleet = Fleet(fleet={"data": base}, layers={"stage-prod": {"data": layer}})
    plan = replace(fleet.plan(), platform="odd")
    check(plan, "euw4-prod", tmp_path, build)
    check(plan, "usc1-canary", tmp_path, build)


def test_names_that_are_regular_expressions_hit_one_object(tmp_path: Path, build: Build) -> None:
    """``a.b`` as a pattern would also hit ``axb``, and a core group that is left empty any group."""
    role = "apiVersion: {}\nkind: Role\nmetadata:\n  name: {}\na: {{{{ row.a }}}}\n"
    skeletons = Skeletons(lambda name: role.format(*name.split()))
    names = ["v1 a.b", "v1 axb", "v1 a+b", "v1 aab", "example.dev/v1 a.b", "v1 a:b", "v1 (a)"]

    def objects(changed: str) -> tuple[Object, ...]:
        return tuple(skeletons.object(name, Row(a=Value("new" if name == changed else "old", Default("x")))) for name in names)

    for changed in names:
        facet = Facet("roles", "platform", objects(""), {"region-r": objects(changed)})
        clusters = tuple(ClusterPlan(name, "r", {}, {"roles": objects(changed)}, layers)
                         for name, layers in (("layer", ("region-r",)), ("residual", ())))
        plan = FleetPlan("names", ("platform",), {"roles": facet}, clusters)
        for cluster in clusters:
            check(plan, cluster.name, tmp_path, build)
