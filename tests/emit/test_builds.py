"""Many builds in one process: what they tell is what ``kustomize build`` prints of each, and what differs from the plan is told."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from inferspec.emit.tree import Tree, cluster_objects, render_tree
from inferspec.emit.write import write_tree
from inferspec.plan.objects import ClusterPlan, FleetPlan, Object
from inferspec.plan.reading import read_manifests
from inferspec.prove import builds as prove_builds
from inferspec.prove.builds import Builds, Verdict
from inferspec.prove.equality import canonical, compare, identity_of
from inferspec.tools import ToolError, runner
from inferspec.tools.builds import Built, build, build_line, file_line

from .fleet import SITES, Fleet

OVERLAY = "overlays/acme/here"


def text(cluster: ClusterPlan, obj: Object) -> str:
    return json.dumps(obj.tree(cluster.facts))


def verdicts(plan: FleetPlan, tree: Tree, jobs: int = 2) -> list[Verdict]:
    builds = Builds(plan, tree, text, plan.clusters)
    with ThreadPoolExecutor(jobs) as pool:
        try:
            builds.start(pool, jobs)
            return list(builds.verdicts())
        finally:
            builds.stop()


@contextmanager
def in_parts() -> Iterator[None]:
    whole, prove_builds.WHOLE = prove_builds.WHOLE, 0
    try:
        yield
    finally:
        prove_builds.WHOLE = whole


@pytest.mark.parametrize("jobs", [1, 2, 5])
def test_every_overlay_is_the_plan(jobs: int) -> None:
    plan = Fleet().plan()
    found = verdicts(plan, render_tree(plan), jobs)
    assert [(v.error, v.differences) for v in found] == [("", [])] * len(SITES)
    with in_parts():
        parts = verdicts(plan, render_tree(plan), jobs)
    held = [(cluster, part) for cluster in plan.clusters for part in cluster_objects(plan, cluster)]
    assert sorted(v.overlay for v in parts) == sorted(f"overlays/acme/{cluster.directory(part)}" for cluster, part in held)
    assert not any(v.error or v.differences for v in parts)


def one(directory: Path, objects: list[Any]) -> Built:
    """A directory of files built and compared with ``objects``."""
    files = [file_line(f"{OVERLAY}/{path.name}", path.read_text()) for path in sorted(directory.iterdir())]
    lines, found = iter([build_line(OVERLAY, map(json.dumps, objects))]), []
    build(files, lambda: next(lines, None), found.append, sentinel="set-by-cluster", deadline=60)
    return found[0]


def config_map(data: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "n"}, "data": data}


@pytest.fixture
def overlay(tmp_path: Path) -> Callable[[dict[str, Any]], Path]:
    def write(tree: dict[str, Any]) -> Path:
        (tmp_path / "kustomization.yaml").write_text("resources: [objects.yaml]\n")
        (tmp_path / "objects.yaml").write_text(json.dumps(tree, ensure_ascii=False), encoding="utf-8")
        return tmp_path

    return write


PLAIN = [
    "a", "8000", "true", "1e3", "012", "10.0.0.0/8", "--a={\"b_c\": 1}", "2020-01-01", "null", "~", "", "a: b", "# x", "- a", "yes",
    "x y" * 300, "a\nb\n", "a\n  b\n\nc",
]  # fmt: skip
UNPLAIN = [
    ".5_", "._1", "_1", "_0", "1:00_", "1:0_1", "+.nan", "-.INF", "=", "<<", "0x_", "0b_", "12:30", "-_", " a", "a ", "a\n\n", "\na",
    "a\tb", "a\r\nb", "é", "\U0001f600", "x y " * 300, "x set-by-cluster y",
]  # fmt: skip
BARE = {".5_", "._1", "_1", "_0", "1:00_", "1:0_1", "+.nan"}
"""kustomize prints them without quotes, and some readers take them for numbers: found, as long as they are printed and read."""


@pytest.mark.parametrize("value", UNPLAIN)
def test_other_texts_are_printed_and_compared(value: str, overlay: Any) -> None:
    tree = config_map({"k": value})
    built = one(overlay(tree), [tree])
    assert built.equal == frozenset()
    faults = {fault.kind for fault in compare(built.rest, {identity_of(tree): tree})}
    assert faults == ({"sentinel"} if "set-by-cluster" in value else {"unreadable"} if value in BARE else set())


OTHERS: list[tuple[Any, Any]] = [
    ("8000", 8000), (1, True), (1, 1.5), (0, False), ("true", True), ("a", "b"), ([1, 2], [2, 1]), ([1], [1, 1]),
    ({"a": 1}, {"a": 1, "b": 1}),
    ({"a": 1}, {"b": 1}), ({"a": 1}, []), ([], {}), (None, "null"), (2**53 + 1, 2**53), ("2020-01-01", "2020-01-01T00:00:00Z"), ("a", None),
]  # fmt: skip


@pytest.mark.parametrize(("built", "expected"), OTHERS, ids=repr)
def test_what_is_not_the_plan_is_not_settled(built: Any, expected: Any, overlay: Any) -> None:
    """In either direction, and at any depth."""
    for left, right in ((built, expected), (expected, built)):
        for wrapped in (lambda v: {"k": v}, lambda v: {"k": [{"l": v}]}):
            tree, wanted = config_map(wrapped(left)), config_map(wrapped(right))
            told = one(overlay(tree), [wanted])
            assert told.equal == frozenset()
            assert told.error or compare(told.rest, {identity_of(wanted): wanted})


def test_missing_and_extra_objects_are_left_to_be_compared(overlay: Any) -> None:
    tree, other = config_map({"k": "v"}), config_map({"k": "v"}) | {"metadata": {"name": "b", "namespace": "n"}}
    told = one(overlay(tree), [other])
    assert told.equal == frozenset()
    assert {fault.kind for fault in compare(told.rest, {identity_of(other): other})} == {"missing", "extra"}


def test_a_fault_in_the_tree_is_one_verdict() -> None:
    plan = Fleet().plan()
    tree = render_tree(plan)
    path = next(path for path in tree if path.startswith("overlays/acme/base/chat/") and path.endswith("objects.yaml"))
    tree.put(path, tree[path].replace("replicas: 2", "replicas: 3", 1))
    faults = [(v.cluster.name, f.kind, f.pointer, f.expected, f.built) for v in verdicts(plan, tree) for f in v.differences]
    assert faults and {fault[1:] for fault in faults} == {("differs", "/spec/replicas", "2", "3")}


def test_an_overlay_that_does_not_build_is_one_verdict() -> None:
    plan = Fleet().plan()
    tree = render_tree(plan)
    path = f"overlays/acme/{plan.clusters[0].overlay}/kustomization.yaml"
    tree.put(path, tree[path] + "- nowhere\n")
    found = {v.cluster.name: v.error for v in verdicts(plan, tree)}
    assert "nowhere" in found.pop(plan.clusters[0].name)
    assert set(found.values()) == {""}


def test_the_answer_is_what_the_command_line_prints(tmp_path: Path, build: Any) -> None:
    """Of every cluster: the objects that were settled and the rest, together, are the output of `kustomize build`."""
    plan = Fleet().plan()
    tree = render_tree(plan)
    write_tree(tree, tmp_path)
    builds = Builds(plan, tree, text, plan.clusters)
    told: dict[str, Built] = {}
    judged = builds._verdict
    builds._verdict = lambda built: told.update({built.directory: built}) or judged(built)  # type: ignore[method-assign]
    with ThreadPoolExecutor(2) as pool:
        builds.start(pool, 2)
        assert not any(v.differences for v in builds.verdicts())
    assert any(built.equal for built in told.values()) and any(built.rest for built in told.values()), "both ways are taken"
    for directory, built in told.items():
        expected = builds._expected(builds.wanted[directory])
        settled = [expected[place].tree(builds.wanted[directory].cluster.facts) for place in built.equal]
        printed = read_manifests(build(tmp_path / directory)["5.8.2"])
        assert sorted(map(canonical, [*settled, *read_manifests(built.rest)])) == sorted(map(canonical, printed))


@pytest.mark.parametrize(("body", "says"), [("exit 0", "before it had built 5 of 5"), ("echo no >&2; exit 3", "failed: no")])
def test_a_tool_that_ends_early_is_told(body: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "tool"
    script.write_text(f"#!/bin/sh\n{body}\n")
    script.chmod(0o755)
    monkeypatch.setattr(runner, "find", lambda name: script)
    plan = Fleet().plan()
    with pytest.raises(ToolError, match=says):
        verdicts(plan, render_tree(plan))


def test_the_expected_objects_are_not_changed() -> None:
    plan = Fleet().plan()
    before = [copy.deepcopy(cluster_objects(plan, cluster)) for cluster in plan.clusters]
    verdicts(plan, render_tree(plan))
    assert [cluster_objects(plan, cluster) for cluster in plan.clusters] == before
