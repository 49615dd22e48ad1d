"""Base, facts, layers and residual: exact in Python, small where they should be."""

from __future__ import annotations

from types import SimpleNamespace as Row
from typing import Any

import pytest
from inferspec.emit.diff import apply, same
from inferspec.emit.layers import EmitError, Patch, Stack, Stacks, bindable
from inferspec.plan.objects import ClusterPlan, Facet, FleetPlan
from inferspec.plan.skeleton import Skeletons, unfold
from inferspec.values import Default, Value, cluster_fact

from .fleet import Fleet, Site

CONFLICT = {"stage-prod": {"sidecars": ()}, "region-europe-west4": {"sidecars": ("other",)}}


def everything(fleet: Fleet) -> list[tuple[FleetPlan, ClusterPlan, str]]:
    plan = fleet.plan()
    return [(plan, cluster, name) for cluster in plan.clusters for name in cluster.facets]


def remaining(stacks: Stacks, cluster: ClusterPlan, facet: str) -> tuple[tuple[str, ...], tuple[Patch, ...]]:
    """The layers that the cluster lists where the facet stands alone, and its residual."""
    odd = stacks.unbindable(cluster)
    listed = stacks.listed([facet], cluster.layers, odd)
    return listed, stacks[facet].residual(listed, cluster.facets[facet], odd)


@pytest.mark.parametrize("layers", [None, CONFLICT, {}], ids=["layers", "conflict", "none"])
def test_base_facts_layers_and_residual_make_every_object(layers: Any) -> None:
    for plan, cluster, name in everything(Fleet(layers=layers)):
        stacks = Stacks(plan)
        odd = stacks.unbindable(cluster)
        stack = stacks[name]
        listed, left = remaining(stacks, cluster, name)
        composite = stack.composite(listed, odd)
        patches = dict(left)
        for place, obj in enumerate(stack.facet.base):
            target = next(one for one in cluster.facets[name] if one.identity == obj.identity)
            made = apply(patches.get(obj.identity, ()), composite.trees[place])
            assert same(made, unfold(target))


def test_a_layer_holds_what_its_entry_changes_and_nothing_else() -> None:
    stack = Stacks(Fleet().plan())["chat"]
    per_object = zip(stack.facet.base, stack.layers["stage-prod"], strict=True)
    changed = {obj.identity.kind: [op.path for op in ops] for obj, ops in per_object if ops}
    server = ("spec", "template", "spec", "containers", 0)
    limits = (*server, "resources", "limits", "example.com/gpu")
    assert changed == {"Deployment": [("spec", "replicas"), (*server, "env", 2), limits]}


def test_a_cluster_without_an_override_has_no_residual_but_where_facts_cannot_be_bound() -> None:
    plan = Fleet(sites=(Site("a", "us-central1", "test"),)).plan()
    _, left = remaining(Stacks(plan), plan.clusters[0], "chat")
    assert [(identity.kind, [op.path for op in ops]) for identity, ops in left] == [
        # A Knative-like Service of the same name stands beside the core one; a numeric key is an index in a field path.
        ("Service", [("metadata", "labels", "example.com/cluster")]), ("ConfigMap", [("data", "0")]),
    ]


def test_a_layer_that_does_not_apply_is_left_out_and_noted() -> None:
    fleet = Fleet(layers=CONFLICT)
    plan = fleet.plan()
    stacks = Stacks(plan)
    cluster = next(cluster for cluster in plan.clusters if cluster.name == "euw4-prod")
    assert remaining(stacks, cluster, "chat")[0] == ("stage-prod",)
    [note] = stacks.notes
    assert (note.facet, note.layer, note.after, note.object.kind) == ("chat", "region-europe-west4", ("stage-prod",), "Deployment")
    assert "nothing there" in note.reason
    plain = next(cluster for cluster in plan.clusters if cluster.name == "euw4-number")
    assert remaining(stacks, plain, "chat")[0] == ("region-europe-west4",)


def test_facets_that_share_components_list_a_layer_together_or_not_at_all() -> None:
    stacks = Stacks(Fleet(layers={name: {**entry, "port": 8001} for name, entry in CONFLICT.items()}).plan())
    both = ("stage-prod", "region-europe-west4")
    assert stacks.listed(["knative"], both) == both
    assert stacks.listed(["chat", "knative"], both) == ("stage-prod",)
    assert stacks.listed(["core"], both) == ()


def test_a_fact_inside_what_a_layer_adds_is_the_residual_of_each_cluster() -> None:
    plan = Fleet().plan()
    stacks = Stacks(plan)
    cluster = next(cluster for cluster in plan.clusters if cluster.name == "euw4-prod")
    patches = {identity.kind: ops for identity, ops in remaining(stacks, cluster, "chat")[1]}
    [op] = patches["Deployment"]
    assert op.path == ("spec", "template", "spec", "containers", 1, "env", 0, "value") and op.value.fact == "region"


def test_clusters_of_one_cohort_share_the_residual() -> None:
    plan = Fleet(sites=tuple(Site(f"c{n}", "us-central1", "prod") for n in range(3))).plan()
    stacks = Stacks(plan)
    assert len({id(remaining(stacks, cluster, "chat")[1]) for cluster in plan.clusters}) == 1


@pytest.mark.parametrize("value", ["", "a b", "a=b", "é", '"a"', 12, True, "a\nb", "a,b", "$x"])
def test_facts_that_do_not_survive_a_literal_are_not_bound(value: Any) -> None:
    assert not bindable(value)


@pytest.mark.parametrize("value", ["a", "123", "true", "null", "012", "12:30", "1e3", "a@b.c/d_e-f"])
def test_facts_that_survive_are_bound(value: str) -> None:
    assert bindable(value)


def test_unbindable_facts_are_patched_in_their_cluster_only() -> None:
    plan = Fleet().plan()
    stacks = Stacks(plan)
    odd = {cluster.name: stacks.unbindable(cluster) for cluster in plan.clusters}
    none = dict.fromkeys(("usc1-canary", "usc1-prod", "euw4-prod"), frozenset())
    assert odd == {**none, "euw4-odd": {"project", "email"}, "euw4-number": {"project"}}


def one_facet(template: str, row: Row, **more: Any) -> Facet:
    return Facet("f", "platform", (Skeletons(lambda _: template).object("t", row),), **more)


@pytest.mark.parametrize(("name", "body", "bound"), [
    ("plain", "a: {{ row.x }}", True), ("do.t", "a: {{ row.x }}", False), ("plain", "'0': {{ row.x }}", False),
    ("plain", "'-': {{ row.x }}", False), ("plain", "'a b': {{ row.x }}", False), ("plain", "'[a=b]': {{ row.x }}", False),
    ("plain", "'*': {{ row.x }}", False), ("plain", "a.b/c: {{ row.x }}", True), ("plain", "a: [{{ row.x }}]", True),
])
def test_only_unmistakable_places_are_bound(name: str, body: str, bound: bool) -> None:
    template = f"apiVersion: example.dev/v1\nkind: Thing\nmetadata:\n  name: {name}\n{body}\n"
    stack = Stacks(FleetPlan("p", ("platform",), {"f": one_facet(template, Row(x=cluster_fact("cluster")))}, ()))["f"]
    assert bool(stack.bindings) is bound
    leaf = next(iter(stack.composite((), frozenset()).trees[0].values()))
    assert leaf == "example.dev/v1"


def test_a_facet_has_the_same_objects_everywhere() -> None:
    skeletons = Skeletons(lambda name: f"apiVersion: v1\nkind: Thing\nmetadata:\n  name: {name}\na: {{{{ row.x }}}}\n")
    a, b = (skeletons.object(name, Row(x=Value(1, Default("d")))) for name in ("a", "b"))
    for facet in (Facet("f", "p", ()), Facet("f", "p", (a, a)), Facet("f", "p", (a,), {"l": (b,)}), Facet("f", "p", (a,), {"l": (a, b)}),
                  Facet("f", "p", (a,), {"facts": (a,)})):
        with pytest.raises(EmitError):
            Stack(facet, lambda _: True)
    with pytest.raises(EmitError):
        Stack(Facet("f", "p", (a, b)), lambda _: True).residual((), (a,))


def test_layers_that_change_nothing_are_not_there() -> None:
    stacks = Stacks(Fleet().plan())
    assert stacks["core"].layers == {}
    assert set(stacks["chat-autoscaling"].layers) == {"stage-prod"}
