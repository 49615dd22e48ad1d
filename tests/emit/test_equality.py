"""The comparison of a build with the plan, and which clusters are worth building."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from inferspec.plan.objects import Identity
from inferspec.prove.equality import compare, cover, faults, structures

from .fleet import SITES, Fleet, Site

THING = Identity("example.dev", "v1", "Thing", "", "a")
HEAD = "apiVersion: example.dev/v1\nkind: Thing\nmetadata: {name: a}\n"


def thing(**fields: Any) -> dict[str, Any]:
    return {"apiVersion": "example.dev/v1", "kind": "Thing", "metadata": {"name": "a"}, **fields}


def kinds(built: str, expected: dict[Identity, Any]) -> list[tuple[str, str]]:
    return [(found.kind, found.pointer) for found in compare(built.encode(), expected)]


def test_order_and_style_do_not_matter() -> None:
    assert kinds('kind: Thing\nb: "1"\na: 1\nmetadata: {name: a}\napiVersion: example.dev/v1\n', {THING: thing(a=1, b="1")}) == []


@pytest.mark.parametrize(("built", "expected"), [("1", True), ("true", "true"), ('"1"', 1), ("[1]", [1, 2]), ("{x: 1}", {"y": 1})])
def test_type_and_content_matter(built: str, expected: Any) -> None:
    assert {kind for kind, _ in kinds(f"{HEAD}a: {built}\n", {THING: thing(a=expected)})} == {"differs"}


def test_both_sides_are_counted() -> None:
    other = THING._replace(name="b")
    assert kinds(HEAD, {other: thing()}) == [("extra", ""), ("missing", "")]
    assert kinds("", {THING: thing()}) == [("missing", "")]
    assert kinds(f"{HEAD}---\n{HEAD}", {THING: thing()}) == [("twice", "")]
    assert kinds(f"{HEAD}---\na: 1\n", {THING: thing()}) == [("no identity", "")]
    assert kinds(f"{HEAD}---\na: [\n", {THING: thing()}) == [("unreadable", "")]


def test_a_sentinel_is_an_error_even_where_the_plan_has_it() -> None:
    tree = thing(a=["x-set-by-cluster"])
    assert kinds(f"{HEAD}a: [x-set-by-cluster]\n", {THING: tree}) == [("sentinel", "/a/0")]


@pytest.mark.parametrize("text", ["a: {}", "a: []"])
def test_empties_are_errors(text: str) -> None:
    assert ("not storable", "/a") in kinds(f"{HEAD}{text}\n", {THING: thing(a={})})


@pytest.mark.parametrize("text", ["a: null", "a: 1.5", "a: 012", "a: 1e3"])
def test_nulls_floats_and_ambiguous_text_are_errors(text: str) -> None:
    assert kinds(f"{HEAD}{text}\n", {THING: thing()}) == [("unreadable", "")]


def test_faults_of_a_tree() -> None:
    assert faults({"a": {}, "b": [None, 1.5, "set-by-cluster"], "c": 2**60}) == [
        ("/a", "empty"), ("/b/0", "null: omit the field"), ("/b/1", "1.5 is a float: write a quantity as a string"),
        ("/b/2", "sentinel"), ("/c", f"{2**60} is beyond 2^53 and would be rounded")]


def test_a_cover_holds_every_structure_once() -> None:
    sites = tuple(Site(f"c{n}", "us-central1", ("canary", "prod")[n % 2]) for n in range(6))
    odd, same = replace(sites[0], name="odd", own={"spot": True}), replace(sites[0], name="same", own={"replicas": 9})
    plan = Fleet(sites=(*sites, odd, same)).plan()
    held = [structures(plan, cluster) for cluster in plan.clusters]
    assert len(set(held)) == 3 and held[0] == held[7] != held[6]
    chosen = cover(plan)
    assert frozenset().union(*(structures(plan, c) for c in chosen)) == frozenset().union(*held)
    assert len(chosen) == 3


def test_a_fact_that_cannot_be_bound_is_a_structure_of_its_own() -> None:
    plan = Fleet(sites=(SITES[2], replace(SITES[2], name="odd", project="a b"))).plan()
    assert len({structures(plan, cluster) for cluster in plan.clusters}) == len(cover(plan)) == 2
