"""What holds for every tree: bytes depend on the spec alone, every field has an origin, a change stays where it was made."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from inferspec.emit.tree import Tree, cluster_objects, render_tree
from inferspec.emit.write import write_tree
from inferspec.plan.objects import ClusterPlan, FleetPlan, Identity, Object
from inferspec.plan.provenance import fields, objects, spec_paths
from inferspec.plan.skeleton import leaves_of, pointer, pointers
from inferspec.prove.equality import compare
from inferspec.tools import find
from inferspec.values import SENTINEL, Catalogue, Default, Derived, Fact, SpecAt, Value
from ruamel.yaml import YAML

from tests import line

SPECS = pytest.mark.parametrize("name", ["quickstart", "platform", "fleet", "router", "engines", "capacity", "crossregion"])
SHARED = ("overlays/fleet/base/", "overlays/fleet/components/", "overlays/fleet/manifest.lock")
few = settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow], phases=[Phase.explicit, Phase.reuse, Phase.generate]
)
"""Few and not shrunk: an example is a whole compile."""


def differing(one: dict[str, str], other: dict[str, str]) -> set[str]:
    return {path for path in one.keys() | other.keys() if one.get(path) != other.get(path)}


def shuffled(node: Any, order: random.Random) -> Any:
    """The same data with the keys of every map in another order."""
    if isinstance(node, dict):
        keys = list(node)
        order.shuffle(keys)
        return {key: shuffled(node[key], order) for key in keys}
    return [shuffled(item, order) for item in node] if isinstance(node, list) else node


# -- bytes depend on the spec alone ------------------------------------------------------------------------------------


@SPECS
def test_the_same_spec_makes_the_same_bytes(name: str) -> None:
    assert differing(line.tree(name), line.tree_of(line.text(name))) == set()


@given(order=st.randoms(use_true_random=False))
@few
def test_the_order_of_keys_makes_no_difference(order: random.Random) -> None:
    for name in ("quickstart", "fleet", "router", "engines"):
        assert differing(line.tree(name), line.tree_of(shuffled(line.data(name), order))) == set()


def test_the_environment_makes_no_difference(tmp_path: Path) -> None:
    """Hash seed, locale, time zone, umask, user, host, home and place of the repository; two whole runs at once."""
    odd = {
        "PYTHONHASHSEED": "4",
        "LC_ALL": "C",
        "TZ": "Asia/Kathmandu",
        "USER": "somebody-odd",
        "LOGNAME": "somebody-odd",
        "HOSTNAME": "odd",
    }
    plain = {"PYTHONHASHSEED": "0", "LC_ALL": "C.UTF-8", "TZ": "UTC"}

    def run(place: str, umask: int, environment: dict[str, str]) -> dict[str, str]:
        root = tmp_path / place
        (root / "specs").mkdir(parents=True)
        (root / "specs/fleet.yaml").write_text(line.text("fleet"), encoding="utf-8")
        done = line.inferspec("compile", "-f", "specs/fleet.yaml", cwd=root, environment=environment, umask=umask)
        assert done.returncode == 0, done.stdout + done.stderr
        return {
            p.relative_to(root).as_posix(): p.read_text(encoding="utf-8")
            for p in root.rglob("*")
            if p.is_file() and p.parent.name != "specs"
        }

    with ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(run, "plain", 0o022, plain), pool.submit(run, "an odd place/ü", 0o077, odd)]
        one, other = [r.result() for r in runs]
    assert differing(one, other) == set()
    assert differing(one, line.tree("fleet")) == set()


@pytest.mark.parametrize("name", [path.stem for path in sorted((line.ROOT / "specs").glob("*.yaml"))])
def test_the_committed_tree_is_what_the_spec_makes(name: str) -> None:
    made, platform = line.tree(name), line.data(name)["name"]
    committed = {
        path.relative_to(line.ROOT).as_posix(): path.read_text(encoding="utf-8")
        for folder in (f"overlays/{platform}", f"clusters/{platform}")
        for path in (line.ROOT / folder).rglob("*")
        if path.is_file()
    }
    assert differing(made, committed) == set()


@SPECS
def test_nothing_of_the_machine_is_in_the_tree(name: str) -> None:
    tree = "\n".join(line.tree(name).values())
    for what in (os.uname().nodename, str(Path.home()) + "/", str(line.ROOT), sys.prefix, str(Path(sys.executable).parent)):
        assert what not in tree
    assert not re.search(r"\d{4}-\d\d-\d\d[T ]\d\d:|\d\d:\d\d:\d\d", tree)
    # The home folder of the image that ComfyUI runs in.
    tree = tree.replace("/home/comfyuser/", "")
    assert not re.search(r"(?<![\w.-])(?:/home/|/tmp/inferspec|/Users/|[A-Z]:\\\\)", tree)


@SPECS
def test_a_second_write_writes_nothing(name: str, tmp_path: Path) -> None:
    first = write_tree(line.tree(name), tmp_path)
    second = write_tree(line.tree(name), tmp_path)
    assert set(first.created) == set(line.tree(name)) and not second.stale


# -- every field has an origin -----------------------------------------------------------------------------------------


def every_object(plan: FleetPlan) -> Iterator[Object]:
    for facet in plan.facets.values():
        yield from facet.base
        for layer in facet.layers.values():
            yield from layer
    for cluster in plan.clusters:
        yield from (obj for _, _, obj in objects(plan, cluster))
        yield from cluster.syncs


def inputs(value: Value) -> Iterator[Value]:
    yield value
    if isinstance(value.origin, Derived):
        for part in value.origin.inputs:
            yield from inputs(part)


@SPECS
def test_every_field_has_an_origin_that_exists(name: str) -> None:
    spec, defaults = line.data(name), line.fleet(name).catalogue.defaults
    for obj in {id(o): o for o in every_object(line.fleet_plan(name))}.values():
        told = dict(pointers(obj))
        assert list(told) == [pointer(path) for path, _ in leaves_of(obj.tree())], obj.identity
        for place, value in told.items():
            for part in inputs(value) if value is not None else ():
                where = f"{obj.identity} {place}"
                assert isinstance(part.origin, SpecAt | Default | Catalogue | Fact | Derived), where
                if isinstance(part.origin, Default):
                    assert part.origin.key in defaults, where
                elif isinstance(part.origin, Derived):
                    assert part.origin.rule, where
                elif isinstance(part.origin, Catalogue):
                    assert "." in part.origin.row, where
            for path in spec_paths(value.origin) if value is not None else ():
                at = spec
                for step in path:
                    assert step in at if isinstance(at, dict) else step < len(at), f"{obj.identity} {place}: {path}"
                    at = at[step]


@SPECS
def test_what_differs_between_clusters_is_a_value(name: str) -> None:
    """Of one object, text of the template is the same wherever the field is there: only values differ. Lists shift, so not in those."""
    plan = line.fleet_plan(name)
    seen: dict[tuple[str, Identity, str], Any] = {}
    for facet in plan.facets.values():
        drawn = [facet.base, *facet.layers.values(), *(c.facets[facet.name] for c in plan.clusters if facet.name in c.facets)]
        for obj in (obj for group in drawn for obj in group):
            values = dict(pointers(obj))
            for path, leaf in leaves_of(obj.tree()):
                if values[pointer(path)] is None and not any(isinstance(step, int) for step in path):
                    assert seen.setdefault((facet.name, obj.identity, pointer(path)), leaf) == leaf


@SPECS
def test_no_sentinel_is_left_in_a_cluster(name: str) -> None:
    plan = line.fleet_plan(name)
    for cluster in plan.clusters:
        for found in fields(plan, cluster):
            if found.value is not None:
                assert found.value.fact in cluster.facts if found.value.fact else found.value.v != SENTINEL


# -- a change stays where it was made ----------------------------------------------------------------------------------

CLUSTERS = line.clusters("fleet")
SPARE = [("europe-west4", "euw4-prod"), ("us-east1", "use1-prod")]
"""Clusters that no selector names, nowhere the last of their kind, and write no bucket: that would get another writer."""


def folders(region: str, cluster: str) -> tuple[str, str]:
    return f"overlays/fleet/{region}/{cluster}/", f"clusters/fleet/{region}/{cluster}/"


def test_the_writers_of_buckets_are_not_spare() -> None:
    assert not {d.writer.name for d in line.fleet("fleet").downloads} & {cluster for _, cluster in SPARE}


OVERRIDES: list[dict[str, Any]] = [
    {"flags": {"max-num-seqs": 17}},
    {"env": {"EDITED": "yes"}},
    {"scale": {"max": 11}},
    {"resources": {"memory": "20Gi"}},
    {"maxModelLen": 2048},
    {"flags": {"seed": None}, "env": {"A": "1", "B": "2"}},
]


@pytest.mark.parametrize("number", range(len(OVERRIDES)), ids=[" ".join(override) for override in OVERRIDES])
def test_an_override_of_one_cluster_changes_that_cluster_alone(number: int) -> None:
    for place in CLUSTERS[number % 3 :: 3]:
        spec = line.data("fleet")
        entries = spec["serving"]["draft"]["overrides"]
        entries.append({"where": {"cluster": place[1]}, **OVERRIDES[number]})
        plan = line.planned(line.written(spec))
        changed = differing(line.tree("fleet"), render_tree(plan))
        assert changed and all(path.startswith(folders(*place)) for path in changed)
        written = ("serving", "draft", "overrides", len(entries) - 1)
        reached = {
            cluster.name
            for cluster in plan.clusters
            for found in fields(plan, cluster)
            if found.value is not None and any(path[:4] == written for path in spec_paths(found.value.origin))
        }
        assert reached == {place[1]}


@given(
    place=st.sampled_from(CLUSTERS),
    edit=st.sampled_from(
        [
            lambda c: c.setdefault("labels", {}).update(colour="blue"),
            lambda c: c.update(project="shared"),
            lambda c: c["gke"].update(channel="extended"),
            lambda c: c["addons"].append("kueue"),
            lambda c: c.update(mode="standard"),
        ]
    ),
)
@few
def test_an_edit_of_one_cluster_changes_that_cluster_alone(place: tuple[str, str], edit: Callable[[Any], Any]) -> None:
    spec = line.data("fleet")
    edit(spec["regions"][place[0]]["clusters"][place[1]])
    before, after = line.tree("fleet"), line.tree_of(spec)
    stray = {path for path in differing(before, after) if not path.startswith(folders(*place))}
    assert all(hands_over(place[1], path, before, after) for path in stray)


def hands_over(cluster: str, path: str, before: Tree, after: Tree) -> bool:
    """Whether a file differs by who makes what alone: a cluster that joins or leaves a project hands over what its clusters share."""
    if path.endswith("/manifest.lock"):
        path = path.replace("manifest.lock", "terraform/terraform.tfvars.json")
    if not path.endswith("/terraform.tfvars.json"):
        return False
    told = [re.sub(r'(made_by": )"[^"]*"', r"\1", text) for text in (before[path], after[path])]
    return told[0] == told[1] and f'made_by": "{cluster}"' in before[path] + after[path]


@pytest.mark.parametrize("place", SPARE, ids=lambda p: p[1])
def test_removing_one_cluster_removes_its_folders_and_nothing_else(place: tuple[str, str]) -> None:
    spec = line.data("fleet")
    del spec["regions"][place[0]]["clusters"][place[1]]
    assert differing(line.tree("fleet"), line.tree_of(spec)) == {p for p in line.tree("fleet") if p.startswith(folders(*place))}


@given(
    like=st.sampled_from(CLUSTERS),
    stage=st.sampled_from(["dev", "canary", "prod"]),
    mode=st.sampled_from(["autopilot", "standard"]),
    labels=st.dictionaries(st.sampled_from(["residency", "tier", "other"]), st.sampled_from(["eu", "us", "gold"])),
)
@few
def test_adding_one_cluster_adds_its_folders_and_nothing_else(like: tuple[str, str], stage: str, mode: str, labels: dict[str, str]) -> None:
    spec = line.data("fleet")
    clusters = spec["regions"][like[0]]["clusters"]
    clusters["zz-new"] = {**clusters[like[1]], "stage": stage, "mode": mode, "labels": labels}
    changed = differing(line.tree("fleet"), line.tree_of(spec))
    assert changed and all(path.startswith(folders(like[0], "zz-new")) for path in changed)


EDITS: dict[str, Callable[[Any], Any]] = {
    "env": lambda s: s["serving"]["draft"].update(env={"FLEET_WIDE": "1"}),
    "new-flag": lambda s: s["serving"]["reason"].update(flags={"max-num-seqs": 9}),
    "tokens": lambda s: s["serving"]["chat-tpu"].update(maxModelLen=4096),
    "scale": lambda s: s["serving"]["chat"]["variants"]["ampere"]["scale"].update(max=5),
    "timeout": lambda s: s["gateways"]["public"].update(timeout="11m"),
    "host": lambda s: s["gateways"]["drafts"].update(host="d.internal.acme.example"),
    "objective": lambda s: s["objectives"].update(interactive=11),
    "callers": lambda s: s["serving"]["embed"].update(callers=["other"]),
    "disruption": lambda s: s["serving"]["embed"].update(disruption=30),
    "class": lambda s: s["capacityClasses"]["l4"].update(burst=["on-demand"]),
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_of_the_whole_fleet_shows_in_bases_and_components(edit: str) -> None:
    spec = line.data("fleet")
    EDITS[edit](spec)
    changed = {p for p in differing(line.tree("fleet"), line.tree_of(spec)) if not p.endswith("/terraform.tfvars.json")}
    overlays = {p for p in changed if p.startswith("overlays/")}
    assert any("/base/" in path for path in overlays)
    assert not {p for p in overlays if not p.startswith(SHARED)}


# -- what Config Sync reads --------------------------------------------------------------------------------------------


def documents(text: str) -> list[Any]:
    return [d for d in yaml.load_all(text, Loader=yaml.CSafeLoader) if d is not None]


def root_syncs(tree: Tree) -> Iterator[tuple[str, Any]]:
    for path, text in tree.items():
        if path.endswith("/sync/root-syncs.yaml"):
            for document in documents(text):
                yield path, document


@SPECS
def test_below_a_synced_directory_stand_manifests_and_the_kustomization_at_its_top(name: str) -> None:
    tree = line.tree(name)
    directories = {sync["spec"]["git"]["dir"] for _, sync in root_syncs(tree)} | {str(PurePosixPath(p).parent) for p, _ in root_syncs(tree)}
    assert len(directories) >= 2 * len(line.fleet_plan(name).clusters)
    for directory in directories:
        below = {p.removeprefix(f"{directory}/"): text for p, text in tree.items() if p.startswith(f"{directory}/")}
        assert below, directory
        for path, text in below.items():
            assert path.endswith(".yaml"), f"{directory}/{path}"
            for document in documents(text):
                if path == "kustomization.yaml":
                    assert document["kind"] == "Kustomization"
                else:
                    assert {"apiVersion", "kind", "metadata"} <= document.keys() and document["kind"] != "Kustomization", path
                    assert "/" not in path, f"{directory}/{path}"


@SPECS
def test_no_two_root_syncs_of_a_cluster_manage_one_object_or_directory(name: str) -> None:
    plan = line.fleet_plan(name)
    for cluster in plan.clusters:
        identities = [identity for held in cluster_objects(plan, cluster).values() for identity in held]
        assert len(identities) == len({(i.group, i.kind, i.namespace, i.name) for i in identities})
        directories = [o.tree(cluster.facts)["spec"]["git"]["dir"] for o in cluster.syncs]
        assert len(set(directories)) == len(directories) == len(cluster_objects(plan, cluster))


@SPECS
def test_both_yaml_versions_read_what_was_meant(name: str) -> None:
    """PyYAML is a reader of YAML 1.1, ruamel in pure Python one of 1.2."""
    plan, newer = line.fleet_plan(name), YAML(typ="safe", pure=True)
    meant = {text: [o.tree() for o in facet.base] for facet in plan.facets.values() if (text := base_text(name, facet.name))}
    for path, text in line.tree(name).items():
        if path.endswith((".lock", ".json")):
            json.loads(text)
            continue
        one, other = documents(text), [d for d in newer.load_all(text) if d is not None]
        assert one == other, path
        if text in meant:
            assert one == meant[text], path


def base_text(name: str, facet: str) -> str:
    tree = line.tree(name)
    return next((t for p, t in tree.items() if p.endswith(f"/base/{facet}/objects.yaml")), "")


@SPECS
def test_replicas_belong_to_the_autoscaler_where_there_is_one(name: str) -> None:
    plan = line.fleet_plan(name)
    both = set()
    for cluster in plan.clusters:
        trees = [tree for held in cluster_objects(plan, cluster).values() for tree in held.values()]
        targets = {
            (t["metadata"]["namespace"], t["spec"]["scaleTargetRef"]["name"]) for t in trees if t["kind"] == "HorizontalPodAutoscaler"
        }
        for tree in (t for t in trees if t["kind"] == "Deployment"):
            scaled = (tree["metadata"]["namespace"], tree["metadata"]["name"]) in targets
            assert ("replicas" in tree["spec"]) is not scaled, f"{tree['metadata']['name']} in {cluster.name}"
            both.add(scaled)
    assert both == {True, False}


def lines_of_identity(plan: FleetPlan) -> Iterator[str]:
    """Names and selectors: what can never change in a running cluster."""
    for cluster in plan.clusters:
        for part, held in cluster_objects(plan, cluster).items():
            for identity, tree in held.items():
                name = re.sub(r"-[0-9a-f]{8}$", "-HASH", identity.name) if identity.kind == "Job" else identity.name
                spec = tree.get("spec") or {}
                selector = {
                    key: spec[key]
                    for key in ("selector", "podSelector", "targetRef", "targetRefs", "scaleTargetRef", "poolRef")
                    if key in spec
                }
                more = f"  {json.dumps(selector, sort_keys=True)}" if selector else ""
                yield f"{cluster.name}  {part}  {identity.api_version}  {identity.kind}  {identity.namespace or '-'}/{name}{more}"
        for obj in cluster.syncs:
            yield f"{cluster.name}  sync  {obj.identity.api_version}  {obj.identity.kind}  {obj.identity.namespace}/{obj.identity.name}"


@SPECS
def test_names_and_selectors_are_those_of_the_last_release(name: str, refresh: bool) -> None:
    snapshot = line.ROOT / f"tests/upgrade/names/{name}.txt"
    found = "".join(f"{item}\n" for item in sorted(lines_of_identity(line.fleet_plan(name))))
    if refresh:
        snapshot.parent.mkdir(parents=True, exist_ok=True)
        snapshot.write_text(found, encoding="utf-8")
    assert found == snapshot.read_text(encoding="utf-8"), (
        "a name or selector changed: running clusters cannot follow (pytest --refresh if it is meant)"
    )


# -- kustomize ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["fleet", "router", "engines", "capacity"])
def test_both_kustomize_versions_build_every_overlay_to_the_plan(name: str, real_programs: Path, tmp_path: Path) -> None:
    write_tree(line.tree(name), tmp_path)
    plan = line.fleet_plan(name)

    def built(program: Path, overlay: Path) -> bytes:
        done = subprocess.run([program, "build", overlay], capture_output=True, timeout=60, env={})
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    def proven(cluster: ClusterPlan) -> list[str]:
        overlay = tmp_path / "overlays" / name / cluster.region / cluster.name
        parts = cluster_objects(plan, cluster)
        wanted = {part: (overlay / part, held) for part, held in parts.items()}
        wanted["whole"] = (overlay, {identity: tree for held in parts.values() for identity, tree in held.items()})
        problems = []
        for part, (folder, held) in wanted.items():
            pinned, bundled = built(find("kustomize"), folder), built(real_programs / "kustomize", folder)
            if pinned != bundled:
                problems.append(f"{cluster.name}/{part}: the two versions differ")
            problems += [f"{cluster.name}/{part}: {d}" for d in compare(pinned, held)]
        return problems

    with ThreadPoolExecutor(2) as pool:
        assert [problem for found in pool.map(proven, plan.clusters) for problem in found] == []


# -- interruption ------------------------------------------------------------------------------------------------------


def on_disk(root: Path) -> dict[str, str]:
    tops = [root / "overlays", root / "clusters"]
    return {p.relative_to(root).as_posix(): p.read_text(encoding="utf-8") for top in tops for p in top.rglob("*") if p.is_file()}


def check_after_a_kill(root: Path, old: dict[str, str], new: Tree) -> str:
    """Old tree, new tree, or a journal with which the next run finishes the new one."""
    found = on_disk(root)
    journal = (root / ".inferspec-write/journal.json").exists()
    assert journal or found in (old, dict(new)), sorted(differing(found, old))[:5]
    state = "journal" if journal else "old" if found == old else "new"
    write_tree(new, root)
    assert on_disk(root) == dict(new)
    assert not (root / ".inferspec-write/journal.json").exists()
    write_tree(line.tree("fleet"), root)  # a run that was killed while it tidied up left its folder; the next one takes it away
    assert on_disk(root) == dict(line.tree("fleet")) and not (root / ".inferspec-write").exists()
    return state


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_write_killed_at_any_point_leaves_the_old_tree_or_the_new_one(tmp_path: Path) -> None:
    spec = line.data("fleet")
    del spec["regions"]["us-east1"]["clusters"]["use1-prod"]
    spec["serving"]["draft"]["env"] = {"CHANGED": "yes"}
    new, dice, states = line.tree_of(spec), random.Random(7), []
    for attempt in range(24):
        root = tmp_path / str(attempt)
        write_tree(line.tree("fleet"), root)
        child = os.fork()
        if child == 0:
            try:
                write_tree(new, root)
            finally:
                os._exit(0)
        time.sleep(dice.uniform(0, 0.05))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        states.append(check_after_a_kill(root, dict(line.tree("fleet")), new))
    assert "old" in states


def test_a_compile_killed_at_any_point_leaves_the_old_tree_or_the_new_one(tmp_path: Path) -> None:
    old, dice = line.tree("router"), random.Random(3)
    for attempt in range(6):
        root = tmp_path / str(attempt)
        (root / "specs").mkdir(parents=True)
        (root / "specs/fleet.yaml").write_text(line.text("fleet"), encoding="utf-8")
        write_tree(old, root)
        process = line.start("compile", "-f", "specs/fleet.yaml", cwd=root)
        time.sleep(dice.uniform(0.2, 1.6))
        process.kill()
        process.communicate()
        found = on_disk(root)
        assert (root / ".inferspec-write/journal.json").exists() or found in (dict(old), {**old, **line.tree("fleet")})
        write_tree(line.tree("fleet"), root)
        assert on_disk(root) == {**old, **line.tree("fleet")}
