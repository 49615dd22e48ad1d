"""The tree as a whole: where files stand, and what a change changes."""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import sys
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace as Row
from typing import Any

import pytest
import yaml
from inferspec.emit.layers import EmitError
from inferspec.emit.locks import DamagedLock, parse_lock, removed_objects
from inferspec.emit.names import RESERVED_REGIONS, directories, escaped
from inferspec.emit.tree import Tree, cluster_objects, render_tree
from inferspec.emit.write import tree_inventory
from inferspec.plan.objects import ClusterPlan, Facet, FleetPlan, Identity
from inferspec.plan.skeleton import Skeletons, pointers
from inferspec.prove.equality import faults
from inferspec.values import SENTINEL

from tests import line

from .fleet import SITES, Fleet, Site


def differing(a: Tree, b: Tree) -> set[str]:
    return {path for path in a.keys() | b.keys() if a.get(path) != b.get(path)}


def of(tree: Tree, *places: str) -> set[str]:
    return {path for path in tree if any(path.startswith(place) for place in places)}


def test_paths() -> None:
    tree = render_tree(Fleet(sites=SITES[2:3]).plan())
    assert sorted(tree) == [
        "clusters/acme/europe-west4/euw4-prod/manifest.lock",
        "clusters/acme/europe-west4/euw4-prod/sync/root-syncs.yaml",
        "clusters/acme/europe-west4/euw4-prod/terraform/terraform.tfvars.json",
        *[f"overlays/acme/base/{facet}/{file}" for facet in ("chat-autoscaling", "chat", "core", "knative")
          for file in ("kustomization.yaml", "objects.yaml")],
        *[f"overlays/acme/components/{name}/kustomization.yaml" for name in
          ("chat-facts", "core-facts", "knative-facts", "search-region-europe-west4", "search-stage-prod")],
        "overlays/acme/europe-west4/euw4-prod/kustomization.yaml",
        "overlays/acme/europe-west4/euw4-prod/platform/kustomization.yaml",
        "overlays/acme/europe-west4/euw4-prod/search/kustomization.yaml",
        "overlays/acme/europe-west4/euw4-prod/search/objects.yaml",
        "overlays/acme/manifest.lock",
    ]
    assert tree.hashes == {path: sha256(text.encode()).hexdigest() for path, text in tree.items()}


def test_synced_directories_hold_manifests_only() -> None:
    tree = render_tree(Fleet().plan())
    for path, text in tree.items():
        folders = path.split("/")
        if folders[0] == "overlays" and folders[2] not in RESERVED_REGIONS and len(folders) > 4:
            assert (folders[-1] == "kustomization.yaml" and len(folders) in (5, 6)) or folders[-1] == "objects.yaml"
        if "sync" in folders:
            assert {document["kind"] for document in yaml.safe_load_all(text)} == {"RootSync"}
        if path.endswith("objects.yaml"):
            assert all(document["kind"] and document["metadata"]["name"] for document in yaml.safe_load_all(text))


def test_no_empty_component_and_every_listed_one_exists() -> None:
    tree = render_tree(Fleet().plan())
    for path, text in tree.items():
        if not path.endswith("kustomization.yaml"):
            continue
        kustomization = yaml.safe_load(text)
        assert len(kustomization) > 2
        for listed in kustomization.get("components", []) + kustomization.get("resources", []):
            target = os.path.normpath(f"{path}/../{listed}")
            assert target in tree or f"{target}/kustomization.yaml" in tree
            assert "://" not in listed


@pytest.mark.parametrize("edit", ["own", "add", "remove", "fact", "stage"])
def test_an_edit_of_one_cluster_stays_in_its_directories(edit: str) -> None:
    before = render_tree(Fleet().plan())
    site = SITES[1]
    changed = {
        "own": replace(site, own={"replicas": 7, "sidecars": ("x", "y")}), "add": site, "remove": None,
        "fact": replace(site, project=7), "stage": replace(site, stage="test"),
    }[edit]
    new = (Site("usc1-new", "us-central1", "prod"),) if edit == "add" else ()
    after = render_tree(Fleet(sites=(SITES[0], *([changed] if changed else []), *SITES[2:], *new)).plan())
    name = "usc1-new" if edit == "add" else site.name
    assert differing(before, after)
    assert all(f"/us-central1/{name}/" in path for path in differing(before, after))


def test_a_fleet_edit_changes_bases_only() -> None:
    before = render_tree(Fleet().plan())
    after = render_tree(Fleet(fleet={"note": "on", "min": 2}).plan())
    assert differing(before, after) == {
        "overlays/acme/base/chat/objects.yaml", "overlays/acme/base/chat-autoscaling/objects.yaml", "overlays/acme/manifest.lock",
    }


def test_an_override_edit_changes_its_component_only() -> None:
    fleet = Fleet()
    layers = {**fleet.layers, "stage-prod": {**fleet.layers["stage-prod"], "max": 32}}
    assert differing(render_tree(fleet.plan()), render_tree(Fleet(layers=layers).plan())) == {
        "overlays/acme/components/search-stage-prod/kustomization.yaml", "overlays/acme/manifest.lock"}


def test_a_facet_whose_changed_objects_another_has_too_has_components_of_its_own() -> None:
    plan = Fleet().plan()
    knative = plan.facets["knative"]
    tree = render_tree(replace(plan, facets={**plan.facets, "knative-too": replace(knative, name="knative-too")}))
    components = {path.split("/")[3] for path in of(tree, "overlays/acme/components/")}
    assert components == {"chat-facts", "core-facts", "knative-facts", "knative-too-facts", "search-region-europe-west4",
                          "search-stage-prod", "knative-region-europe-west4", "knative-too-region-europe-west4"}
    listed = yaml.safe_load(tree["overlays/acme/europe-west4/euw4-prod/search/kustomization.yaml"])["components"]
    assert [one.rpartition("/")[2] for one in listed][-3:] == ["search-stage-prod", "search-region-europe-west4",
                                                               "knative-region-europe-west4"]


def test_facets_with_one_object_that_no_layer_changes_share_components() -> None:
    plan = Fleet().plan()
    account = next(obj for obj in plan.facets["chat"].base if obj.identity.kind == "ServiceAccount")
    tree = render_tree(replace(plan, facets={**plan.facets, "chat-too": Facet("chat-too", "search", (account,))}))
    components = {path.split("/")[3] for path in of(tree, "overlays/acme/components/")}
    assert components == {"chat-facts", "chat-too-facts", "core-facts", "knative-facts", "search-region-europe-west4",
                          "search-stage-prod"}


def test_a_cluster_without_the_canary_changes_no_other_overlay() -> None:
    """Its route has another facet there, with the name of the one that shares: a layer of either stays with its own."""
    spec = line.data("platform")
    chat = spec["serving"]["chat"]
    chat["canary"]["where"], chat["variants"]["gpu"]["where"] = {"stage": "prod"}, {"region": "europe-west4"}
    labelled = {"target": "HTTPRoute", "reason": "a label", "where": {"region": "europe-west4"}, "set": {"metadata.labels.tier": "gold"}}
    chat |= {"patches": [labelled], "overrides": chat["overrides"][2:]}
    before = line.tree_of(spec)
    addons = ["custom-metrics-adapter", "inference-objective"]
    new = {"project": "prod", "mode": "autopilot", "stage": "canary", "gke": {"minVersion": "1.35.3-gke.1290000"}, "addons": addons}
    spec["regions"]["europe-west4"]["clusters"]["euw4-canary"] = new
    listings = [path for path in differing(before, line.tree_of(spec)) if path.endswith("kustomization.yaml")]
    changed = [path for path in listings if "/euw4-canary/" not in path]
    own = tuple(f"overlays/acme/{where}/chat-gpu-route-" for where in ("base", "components"))
    assert changed and all(path.startswith(own) for path in changed)


def test_a_new_cluster_is_new_files_only() -> None:
    before, after = render_tree(Fleet().plan()), render_tree(Fleet(sites=(*SITES, Site("euw4-new", "europe-west4", "prod"))).plan())
    assert differing(before, after) == after.keys() - before.keys()


def shuffled(plan: FleetPlan, seed: int) -> FleetPlan:
    order = random.Random(seed)

    def mix(mapping: Any) -> dict[Any, Any]:
        items = list(mapping.items())
        order.shuffle(items)
        return dict(items)

    clusters = [replace(one, facts=mix(one.facts), facets=mix(one.facets), own=mix(one.own))
                for one in plan.clusters]
    order.shuffle(clusters)
    return replace(plan, clusters=tuple(clusters))


@pytest.mark.parametrize("seed", range(3))
def test_order_of_maps_changes_no_byte(seed: int) -> None:
    plan = Fleet().plan()
    assert differing(render_tree(plan), render_tree(shuffled(plan, seed))) == set()


@pytest.mark.parametrize("seed", ["0", "1", "77"])
def test_hash_seed_and_locale_change_no_byte(seed: str) -> None:
    code = ("from tests.emit.fleet import Fleet; from inferspec.emit.tree import render_tree;"
            "print(sorted(render_tree(Fleet().plan()).hashes.items()))")
    root = Path(__file__).parents[2]
    env = {"PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join([str(root), str(root / "compiler")]), "LC_ALL": "C", "TZ": "Asia/Tokyo"}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(sorted(render_tree(Fleet().plan()).hashes.items()))


def test_every_leaf_that_differs_between_clusters_is_a_value() -> None:
    plan = Fleet().plan()
    for cluster in plan.clusters:
        for objects in cluster.facets.values():
            for obj in objects:
                held = {path: leaf for path, leaf in pointers(obj) if leaf is not None}
                assert all(leaf.origin is not None for leaf in held.values())
                for base in plan.facets["chat"].base:
                    if base.identity == obj.identity and base.skeleton is obj.skeleton:
                        assert base.skeleton.holes == obj.skeleton.holes


def test_no_sentinel_and_no_fault_in_any_clusters_objects() -> None:
    plan = Fleet().plan()
    for cluster in plan.clusters:
        for objects in cluster_objects(plan, cluster).values():
            assert [fault for tree in objects.values() for fault in faults(tree)] == []
    base = render_tree(plan)["overlays/acme/base/chat/objects.yaml"]
    assert f'"{SENTINEL}"' in base and f": {SENTINEL}" not in base


def test_locks_own_every_file_once() -> None:
    tree = render_tree(Fleet().plan())
    locks = {path: parse_lock(text, path) for path, text in tree.items() if path.endswith("manifest.lock")}
    owned = [path for lock in locks.values() for path in lock.files]
    assert sorted(owned) == sorted(path for path in tree if path not in locks)
    assert all(lock.files[path] == tree.hashes[path] for lock in locks.values() for path in lock.files)
    assert all(json.loads(tree[path])["version"] == 1 for path in locks)


def test_inventory_is_what_config_sync_manages() -> None:
    plan = Fleet().plan()
    found = tree_inventory(render_tree(plan))
    for cluster in plan.clusters:
        objects = {identity for part in cluster_objects(plan, cluster).values() for identity in part}
        assert found[f"{cluster.region}/{cluster.name}"] == objects | {obj.identity for obj in cluster.syncs}


def test_removed_objects_are_counted() -> None:
    before = tree_inventory(render_tree(Fleet().plan()))
    fewer = replace(SITES[0], autoscaled=False)
    assert removed_objects(before, tree_inventory(render_tree(Fleet(sites=(fewer, *SITES[1:])).plan()))) == [
        ("us-central1/usc1-canary", Identity("autoscaling", "v2", "HorizontalPodAutoscaler", "search-llm", "chat"))]
    gone = removed_objects(before, tree_inventory(render_tree(Fleet(sites=SITES[1:]).plan())))
    assert len(gone) == len(before["us-central1/usc1-canary"]) and {cluster for cluster, _ in gone} == {"us-central1/usc1-canary"}
    assert removed_objects(before, before) == []


@pytest.mark.parametrize(("old", "new", "removed"), [
    (("copy-gemma-1a2b",), ("copy-gemma-9f9f",), []),
    (("copy-gemma-1a2b", "copy-gemma-2222"), ("copy-gemma-2222",), ["copy-gemma-1a2b"]),
    (("copy-gemma-1a2b",), ("copy-qwen-9f9f",), ["copy-gemma-1a2b"]),
    (("copy-gemma-1a2b",), (), ["copy-gemma-1a2b"]),
])
def test_a_job_replaced_by_its_successor_does_not_count(old: tuple[str, ...], new: tuple[str, ...], removed: list[str]) -> None:
    inventories = [tree_inventory(render_tree(Fleet(sites=(replace(SITES[2], jobs=jobs),)).plan())) for jobs in (old, new)]
    assert [identity.name for _, identity in removed_objects(*inventories)] == removed


def test_another_version_is_the_same_object() -> None:
    old, new = Identity("a.dev", "v1beta1", "Thing", "n", "x"), Identity("a.dev", "v1", "Thing", "n", "x")
    assert removed_objects({"r/c": frozenset({old})}, {"r/c": frozenset({new})}) == []


@pytest.mark.parametrize("text", [
    "", "[]", "{}", '{"version": 2, "files": {}}', '{"version": 1}', '{"version": 1, "files": {"/etc/passwd": "%s"}}' % ("0" * 64),
    '{"version": 1, "files": {"clusters/acme/r/c/../../../x": "%s"}}' % ("0" * 64),
    '{"version": 1, "files": {"clusters/acme/r/other/x": "%s"}}' % ("0" * 64), '{"version": 1, "files": {}, "more": 1}',
    "<<<<<<< HEAD\n{}", '{"version": 1, "files": {"clusters/acme/r/c/x": 1}}', '{"version": 1, "files": ["clusters/acme/r/c/x"]}',
])
def test_a_lock_that_is_not_ours_is_damaged(text: str) -> None:
    with pytest.raises(DamagedLock):
        parse_lock(text, "clusters/acme/r/c/manifest.lock")


def test_names_are_escaped_and_never_collide() -> None:
    names = [("chat", "stage-prod"), ("chat-stage", "prod"), ("Chat", "stage-prod"), ("chat", "label-Team=A"), ("chat", "label-team=a"),
             ("chat", "label-team-a"), ("chat", "é"), ("chat", "/../x"), ("x" * 300,)]
    found = directories(names)
    assert len({directory.casefold() for directory in found.values()}) == len(names)
    assert all(re.fullmatch("[a-z0-9-]{1,200}", directory) for directory in found.values())
    assert escaped("region-europe-west4") == "region-europe-west4"
    assert directories(names[:1])["chat", "stage-prod"] == "chat-stage-prod"


def changed_cluster(**changes: Any) -> FleetPlan:
    plan = Fleet(sites=SITES[:1]).plan()
    return replace(plan, clusters=(replace(plan.clusters[0], **changes),))


def impossible() -> dict[str, FleetPlan]:
    plan = Fleet(sites=SITES[:1]).plan()
    [cluster] = plan.clusters
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: facts-search\n  namespace: x\na: 1\n"
    config = Skeletons(lambda _: text).object("t", Row())
    return {
        **{f"reserved region {name}": changed_cluster(region=name) for name in sorted(RESERVED_REGIONS)},
        "region": changed_cluster(region="Europe"),
        "cluster": changed_cluster(name="a/b"),
        "platform": replace(plan, platform="../x"),
        "two clusters": replace(plan, clusters=(cluster, cluster)),
        "no such fact": changed_cluster(facts={}),
        "no such facet": changed_cluster(facets={**cluster.facets, "nope": ()}),
        "no such part": changed_cluster(own={"nope": ()}),
        "facet of no part": replace(plan, parts=("search",)),
        "own object that a facet has": changed_cluster(own={"search": (cluster.facets["chat"][0],)}),
        "other objects": changed_cluster(facets={**cluster.facets, "chat": cluster.facets["core"]}),
        "name of the facts": replace(plan, facets={**plan.facets, "x": Facet("x", "search", (config,))}),
        "dashboard that does not survive": replace(plan, dashboards={"grafana/chat.json": {"title": "\x00"}}),
        "text that does not survive": changed_cluster(terraform={"a": ["\x00"]}),
    }


@pytest.mark.parametrize("name", impossible())
def test_an_impossible_plan_is_an_error(name: str) -> None:
    with pytest.raises(EmitError):
        render_tree(impossible()[name])


def test_a_part_without_objects_has_no_directory() -> None:
    plan = changed_cluster(facets={"core": Fleet(sites=SITES[:1]).plan().clusters[0].facets["core"]})
    tree = render_tree(plan)
    assert not of(tree, "overlays/acme/us-central1/usc1-canary/search/")
    assert "search" not in tree["overlays/acme/us-central1/usc1-canary/kustomization.yaml"].split("resources:")[1]
    bare = ClusterPlan("none", "us-central1", {}, {}, ())
    assert of(render_tree(replace(plan, clusters=(bare,))), "overlays/acme/us-central1", "clusters/") == {
        "clusters/acme/us-central1/none/manifest.lock"}
