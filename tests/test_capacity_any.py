"""Classes of any keys at all: what the checks let through, the schema of ComputeClass and its CEL rules take."""

from __future__ import annotations

import random
from typing import Any

from inferspec.catalog import catalogue
from inferspec.check import check
from inferspec.diagnostics import Severity
from inferspec.load import load_text
from inferspec.model.errors import read_platform
from inferspec.plan.fleet import plan
from inferspec.plan.provenance import objects
from inferspec.resolve.fleet import Fleet

from tests import line
from tests.objects import check_objects

SHAPES = (
    *("a3-highgpu-1g", "g2-standard-16", "a3-ultragpu-8g", "a4-highgpu-8g", "ct6e-standard-4t", "g4-standard-48"),
    *("c3-standard-8", "a4x-highgpu-4g"),
)
KINDS: tuple[dict[str, Any], ...] = (
    *({"onDemand": True}, {"spot": True}, {"flexStart": "24h"}, {"nodePools": ["l4-pool"]}, {"anyReservation": "then-fail"}),
    *({"anyReservation": "best-effort"}, *({"reservation": key} for key in ("chat-a", "slice", "block", "rack"))),
)
OPTIONS: dict[str, tuple[Any, ...]] = {
    "zones": (["a"], ["b"], ["c"]),
    "zoneTypes": (["AI"],),
    "locationPolicy": ("ANY", "BALANCED"),
    "bootDisk": (
        *("100Gi", "5Gi", {"type": "hyperdisk-balanced"}, {"type": "hyperdisk-balanced", "iops": 3000, "throughput": 140}),
        *({"iops": 3000}, {"type": "pd-ssd", "size": "20Gi"}),
    ),
    "localSsd": (0, 1, 2, 4),
    "maxPodsPerNode": (32,),
    "labels": ({"acme.example/kind": "x"},),
    "taints": ([{"key": "acme.example/a"}], [{"key": "acme.example/b", "value": "x"}], [{"key": "node.kubernetes.io/c"}]),
    "placement": ("acme-compact",),
    "networkProfile": ("auto",),
    "gpuDirect": ("rdma",),
    "gpuTopology": ("1x72",),
    "gpuSharing": ({"strategy": "MPS", "clients": 2},),
    "gpuPartition": ("1g.10gb", "2g.5gb"),
    "driver": ("default",),
}
OF_SOURCE: dict[str, tuple[Any, ...]] = {
    "wait": ("10m",),
    "recycleBefore": ("1h",),
    "maxRun": ("2h",),
    "score": (1, 2, 3),
    "minimumNodes": (1,),
    "shape": SHAPES,
}
OF_CLASS: dict[str, tuple[Any, ...]] = {
    "minimumNodes": (2,),
    "autopilot": (True,),
    "confidential": ("SEV", "TDX", "SEV_SNP"),
    "nodePoolGroup": ("draft",),
    "workloadType": ("HIGH_AVAILABILITY", "HIGH_THROUGHPUT"),
    "shielded": ({"secureBoot": True},),
    "consolidation": ({"delay": "10m"}, {"delay": "1s"}),
    "activeMigration": (True, {"rules": False, "daemonSets": True}),
    "imageStreaming": (False,),
    "teams": (["search"],),
}


def some(order: random.Random, keys: dict[str, tuple[Any, ...]], share: float) -> dict[str, Any]:
    return {key: order.choice(values) for key, values in keys.items() if order.random() < share}


def any_class(order: random.Random) -> dict[str, Any]:
    shape = order.choice(SHAPES)
    sources = [
        order.choice(KINDS) | some(order, OPTIONS, 0.05) | some(order, OF_SOURCE, 0.05) for _ in range(order.randint(1, 3))
    ]
    own = some(order, OPTIONS, 0.1) | some(order, OF_CLASS, 0.1) | ({"topology": "2x2"} if shape.startswith("ct6e") else {})
    return {"shape": shape, "where": "all", "burst": sources, **own}


def emitted(platform: dict[str, Any], written: dict[str, Any]) -> list[dict[str, Any]]:
    """The ComputeClass of each cluster; none for a class that is refused."""
    document, _ = load_text(line.written(platform | {"capacityClasses": {"one": written}}), "spec.yaml")
    assert document is not None
    read, problems = read_platform(document)
    assert read is not None and problems == []
    fleet, found = check(Fleet(read, catalogue()), document, line.TODAY)
    if any(d.severity is Severity.ERROR for d in found):
        return []
    made, problems_of_patches = plan(fleet)
    assert problems_of_patches == []
    trees = [obj.tree(cluster.facts) for cluster in made.clusters for _, _, obj in objects(made, cluster)]
    return [tree for tree in trees if tree["kind"] in ("ComputeClass", "ValidatingAdmissionPolicy")]


def test_what_is_let_through_is_what_the_schema_takes() -> None:
    platform = line.data("capacity") | {"serving": {}, "objectives": {}}
    for region in platform["regions"].values():
        for held in region.get("reservations", {}).values():
            held |= {key: str(held[key]) for key in ("starts", "ends") if key in held}
    order = random.Random(35)
    tried = [any_class(order) for _ in range(1500)]
    made = [(written, tree) for written in tried for tree in emitted(platform, written)]
    assert len(made) > 150, "the checks refuse nearly everything"
    refused = check_objects((str(number), tree) for number, (_, tree) in enumerate(made))
    assert [(problem.message, made[int(problem.id)][0]) for problem in refused] == []
