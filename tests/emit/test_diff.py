"""Tree difference and strict application."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from inferspec.emit.diff import NotApplicable, Op, apply, diff, same
from inferspec.emit.kustomize import patches_text
from inferspec.emit.text import HEADER, block
from inferspec.plan.objects import Identity
from inferspec.prove.equality import canonical, compare
from inferspec.values import SpecAt, Value, cluster_fact

from .trees import Edits, trees


@given(trees, trees)
@settings(max_examples=300)
def test_apply_of_diff_is_the_target(a: Any, b: Any) -> None:
    before = canonical(a)
    assert canonical(apply(diff(a, b), a)) == canonical(b)
    assert canonical(a) == before
    assert same(a, b) == (not diff(a, b)) == (canonical(a) == canonical(b))


def test_edits_reach_their_target() -> None:
    edits = Edits(3)
    for _ in range(2000):
        a = edits.spec()
        b = edits.changed(a)
        assert canonical(apply(diff(a, b), a)) == canonical(b)


def test_eighty_pairs_in_both_kustomize_versions(tmp_path: Path, build: Callable[[Path], dict[str, bytes]]) -> None:
    edits = Edits(7)
    resources, patches, expected = [], [], {}
    for number in range(80):
        spec = edits.spec()
        target = edits.changed(spec)
        identity = Identity("example.dev", "v1", "Thing", "default", f"thing-{number}")
        head = {"apiVersion": "example.dev/v1", "kind": "Thing", "metadata": {"name": identity.name, "namespace": "default"}}
        resources.append("".join(map(str, block({**head, "spec": spec}))))
        patches.append((identity, tuple(diff({**head, "spec": spec}, {**head, "spec": target}))))
        expected[identity] = {**head, "spec": target}
    (tmp_path / "objects.yaml").write_text(HEADER + "---\n".join(resources))
    (tmp_path / "kustomization.yaml").write_text("resources:\n- objects.yaml\n" + patches_text(patches))
    for version, output in build(tmp_path).items():
        assert compare(output, expected) == [], version


@pytest.mark.parametrize(("a", "b", "ops"), [
    ([1], [True], [Op("replace", (0,), True)]),
    (["x", "--a=1"], ["x", "--a=2"], [Op("replace", (1,), "--a=2")]),
    ([{"name": "a", "x": 1}, {"name": "b"}], [{"name": "a", "x": 2}, {"name": "b"}], [Op("replace", (0, "x"), 2)]),
    ([{"name": "a"}, {"name": "b", "x": 1}, {"name": "c"}], [{"name": "b", "x": 2}, {"name": "d"}],
     [Op("replace", (1, "x"), 2), Op("remove", (2,)), Op("remove", (0,)), Op("add", (1,), {"name": "d"})]),
    ([{"name": "a"}, {"name": "b"}], [{"name": "b"}, {"name": "a"}], [Op("replace", (), [{"name": "b"}, {"name": "a"}])]),
    (["a", "a"], ["a"], [Op("replace", (), ["a"])]),
    (["a", "b"], ["c", "d", "e"], [Op("replace", (), ["c", "d", "e"])]),
    ([{"name": "a", "x": 1}], [{"name": "b", "x": 1}], [Op("replace", (0,), {"name": "b", "x": 1})]),
    ([{"port": 1}], [{"port": 2}], [Op("replace", (0, "port"), 2)]),
    ({"a": 1, "b": 1}, {"b": 1, "c": 1}, [Op("remove", ("a",)), Op("add", ("c",), 1)]),
    ({"a": {"b": 1}}, {"a": "b"}, [Op("replace", ("a",), "b")]),
])
def test_operations_and_their_order(a: Any, b: Any, ops: list[Op]) -> None:
    assert diff(a, b) == ops


@pytest.mark.parametrize("op", [
    Op("replace", ("nope",), 1), Op("remove", ("nope",)), Op("add", ("nope", "x"), 1), Op("replace", ("list", 2), 1),
    Op("remove", ("list", 2)), Op("add", ("list", 3), 1), Op("add", ("list", "x"), 1), Op("add", ("a", "x"), 1),
    Op("replace", ("list", -1), 1), Op("replace", ("list", "0"), 1), Op("replace", ("map", 0), 1),
])
def test_what_kustomize_refuses_or_would_create_silently_does_not_apply(op: Op) -> None:
    with pytest.raises(NotApplicable):
        apply([op], {"a": 1, "list": [1, 2], "map": {"0": 1}})


def test_values_compare_by_content_and_facts_by_name() -> None:
    one, other = Value("x", SpecAt(("a",))), Value("x", SpecAt(("b",)))
    assert diff({"a": one}, {"a": other}) == [] == diff({"a": one}, {"a": "x"})
    assert diff({"a": cluster_fact("zone")}, {"a": cluster_fact("zone")}) == []
    assert len(diff({"a": cluster_fact("zone")}, {"a": cluster_fact("region")})) == 1
    assert len(diff({"a": "set-by-cluster"}, {"a": cluster_fact("region")})) == 1


def test_what_is_added_is_not_shared_with_the_operation() -> None:
    added = {"x": [1]}
    tree = apply([Op("add", ("a",), added), Op("add", ("a", "x", 0), 0)], {})
    assert tree == {"a": {"x": [0, 1]}} and added == {"x": [1]}
