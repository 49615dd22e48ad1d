"""``inferspec graph``: its edges are the references between emitted objects, in every form."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml
from inferspec.catalog import catalogue
from inferspec.check import check
from inferspec.cli import main
from inferspec.emit.tree import cluster_objects
from inferspec.graph import KINDS, graph, render
from inferspec.graph.svg import width
from inferspec.load import load_text
from inferspec.model.errors import read_platform
from inferspec.resolve.fleet import Fleet

from tests import line

Ends = tuple[tuple[str, str], tuple[str, str]]
ENDS = {"InferencePool": "pool", "GCPInferencePoolImport": "import"}
LEADER = {"leaderworkerset.sigs.k8s.io/worker-index": "0"}
"""LeaderWorkerSet puts it on the leader itself."""


def pods(tree: dict[str, Any]) -> Iterator[tuple[dict[str, str], dict[str, Any]]]:
    """Labels and spec of the Pods that an object makes."""
    spec = tree["spec"]
    if tree["kind"] == "Deployment":
        templates = [(spec["template"], {})]
    elif tree["kind"] == "LeaderWorkerSet":
        group = spec["leaderWorkerTemplate"]
        templates = [(group["leaderTemplate"], LEADER), (group["workerTemplate"], {})]
    else:
        groups = [spec["rayClusterConfig"]["headGroupSpec"], *spec["rayClusterConfig"].get("workerGroupSpecs", [])]
        templates = [(group["template"], {}) for group in groups]
    for template, more in templates:
        yield {**template["metadata"]["labels"], **more}, template["spec"]


def references(objects: list[dict[str, Any]]) -> set[Ends]:
    """What the objects of one cluster say of each other."""
    of_kind: dict[str, list[dict[str, Any]]] = {}
    for tree in objects:
        of_kind.setdefault(tree["kind"], []).append(tree)
    listeners = {
        (g["metadata"]["namespace"], g["metadata"]["name"], at["name"]): at["hostname"]
        for g in of_kind.get("Gateway", [])
        for at in g["spec"]["listeners"]
    }
    found: set[Ends] = set()
    for route in of_kind.get("HTTPRoute", []):
        if not any("backendRefs" in rule for rule in route["spec"]["rules"]):
            continue  # a redirect ends at the gateway
        name = route["metadata"]["name"]
        for parent in route["spec"]["parentRefs"]:
            host = listeners[parent["namespace"], parent["name"], parent["sectionName"]]
            assert host in route["spec"]["hostnames"]
            if not host.startswith("*."):  # names below a host lead where it does
                found.add((("host", host), ("route", name)))
        for rule in route["spec"]["rules"]:
            for to in rule["backendRefs"]:
                # A Service has the name of the server whose Pods it selects (tests/test_routing.py).
                found.add((("route", name), (ENDS.get(to["kind"], "service"), to["name"])))
    for kind in ("Deployment", "LeaderWorkerSet", "RayService"):
        for server in of_kind.get(kind, []):
            name, namespace = server["metadata"]["name"], server["metadata"]["namespace"]
            if server["metadata"]["labels"]["app.kubernetes.io/component"] == "placeholder":
                continue  # it holds room for a server and serves nobody
            for labels, spec in pods(server):
                at = spec.get("nodeSelector", {}).get("cloud.google.com/compute-class")
                if at is not None:
                    found.add((("service", name), ("class", at)))
                for pool in of_kind.get("InferencePool", []):
                    chosen = pool["spec"]["selector"]["matchLabels"].items() <= labels.items()
                    if chosen and pool["metadata"]["namespace"] == namespace:
                        found.add((("pool", pool["metadata"]["name"]), ("service", name)))
    used = {end[1] for _, end in found if end[0] == "class"}
    for ladder in of_kind.get("ComputeClass", []):
        name = ladder["metadata"]["name"]
        for rule in ladder["spec"]["priorities"] if name in used else []:
            for held in rule.get("reservations", {}).get("specific", []):
                found.add((("class", name), ("reservation", held["name"])))
    return found


def across(emitted: dict[str, set[Ends]], held: dict[str, list[dict[str, Any]]]) -> dict[str, set[Ends]]:
    """The way to an import, which stands in the config cluster, is the way to each pool that is exported under its name."""
    ways = [
        (imported, {(host, route) for each in emitted.values() for host, to in each if to == route} | {(route, imported)})
        for each in emitted.values()
        for route, imported in each
        if imported[0] == "import"
    ]
    led = {edge for _, edges in ways for edge in edges}
    found = {cluster: edges - led for cluster, edges in emitted.items()}
    for cluster, trees in held.items():
        for pool in (tree for tree in trees if tree["kind"] == "InferencePool" and "annotations" in tree["metadata"]):
            assert pool["metadata"]["annotations"] == {"networking.gke.io/export": "True"}
            own = ("pool", pool["metadata"]["name"])
            found[cluster] |= {edge for imported, edges in ways if imported[1] == own[1] for edge in edges} | {(("import", own[1]), own)}
    return found


@pytest.mark.parametrize("name", line.SPECS)
def test_edges_are_the_references_of_the_emitted_objects(name: str) -> None:
    plan = line.fleet_plan(name)
    held = {c.name: [tree for part in cluster_objects(plan, c).values() for tree in part.values()] for c in plan.clusters}
    emitted = across({cluster: references(trees) for cluster, trees in held.items()}, held)
    drawn: dict[str, set[Ends]] = {cluster.name: set() for cluster in plan.clusters}
    for region in graph(line.fleet(name)).regions:
        for edge in region.edges:
            start, end = region.nodes[edge.start], region.nodes[edge.end]
            past = (("route", "service"), ("route", "pool"))
            assert KINDS.index(end.kind) == KINDS.index(start.kind) + 1 or (start.kind, end.kind) in past
            for cluster in edge.clusters:
                assert cluster in start.clusters and cluster in end.clusters
                drawn[cluster].add(((start.kind, start.name), (end.kind, end.name)))
    assert drawn == emitted and any(emitted.values())


@pytest.mark.parametrize("name", line.SPECS)
def test_every_form_has_every_node_and_edge_and_is_the_same_again(name: str) -> None:
    drawn = graph(line.fleet(name))
    nodes, edges = sum(len(r.nodes) for r in drawn.regions), sum(len(r.edges) for r in drawn.regions)
    made = {form: render(form, drawn) for form in ("mermaid", "dot", "svg", "json")}
    assert made == {form: render(form, graph(line.resolved(line.text(name)))) for form in made}
    assert (made["mermaid"].count(":::"), made["mermaid"].count(" -->")) == (nodes, edges)
    assert (len(re.findall(r"fillcolor=\"#", made["dot"])), made["dot"].count(" -> ")) == (nodes, edges)
    plain = json.loads(made["json"])["regions"]
    ids = [n["id"] for r in plain for n in r["nodes"]]
    assert len(set(ids)) == len(ids) == nodes and {end for r in plain for e in r["edges"] for end in (e["from"], e["to"])} <= set(ids)
    picture = ElementTree.fromstring(made["svg"])
    space = "{http://www.w3.org/2000/svg}"
    assert len(picture.findall(f"{space}g")) == nodes and picture.get("width") == str(width(drawn))
    assert len([p for p in picture.findall(f"{space}path") if p.find(f"{space}title") is not None]) == edges


def test_text_is_escaped() -> None:
    spec = line.data("quickstart")
    drawn = graph(line.resolved(line.written(spec)))
    region = drawn.regions[0]
    node = type(region.nodes[0])("host", 'a"<b>&#\\', "x", region.clusters)
    odd = type(drawn)(drawn.platform, (type(region)(region.name, region.clusters, (node, *region.nodes[1:]), region.edges),))
    assert "a#quot;#lt;b#gt;#amp;#35;\\" in render("mermaid", odd)
    assert r"host a\"<b>&#\\\nx" in render("dot", odd)
    assert any(e.text == node.name for e in ElementTree.fromstring(render("svg", odd)).iter())


def test_one_region_and_one_service(capsys: pytest.CaptureFixture[str]) -> None:
    def told(*arguments: str) -> Any:
        assert main(["graph", "--format", "json", *arguments, "-C", str(line.ROOT), "-f", "specs/platform.yaml"]) == 0
        return json.loads(capsys.readouterr().out)["regions"]

    assert [r["region"] for r in told("--region", "us-east5")] == ["us-east5"]
    nodes = [n for r in told("--service", "tools") for n in r["nodes"]]
    assert {n["name"] for n in nodes if n["kind"] in ("service", "route")} == {"tools", "tools-models"}
    assert main(["graph", "--region", "us-east4", "-C", str(line.ROOT), "-f", "specs/platform.yaml"]) == 3
    assert "there is no region us-east4; did you mean us-east5?" in capsys.readouterr().err


BROKEN = yaml.safe_load((line.ROOT / "tests/broken_edges.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", BROKEN, ids=lambda case: case["edge"])
def test_a_broken_edge_is_a_finding_that_names_both_ends(case: dict[str, Any]) -> None:
    text = line.text("quickstart")
    for old, new in case["edits"]:
        assert old in text, old
        text = text.replace(old, new, 1)
    document, found = load_text(text, "spec.yaml")
    assert document is not None
    platform, more = read_platform(document)
    last = check(Fleet(platform, catalogue()), document, line.TODAY)[1] if platform is not None else []
    by_code = {d.code: d for d in (*found, *more, *last)}
    assert case["code"] in by_code, sorted(by_code)
    diagnostic = by_code[case["code"]]
    said = " ".join([".".join(map(str, diagnostic.path)), diagnostic.message, *diagnostic.notes])
    assert all(end in said for end in case["ends"]), said
