"""Patches of objects of every shape: what is the compiler's own stays, whichever path leads there; the rest may be set."""

from __future__ import annotations

from typing import Any

import pytest
from inferspec.emit.diff import same
from inferspec.model.serving import Patch
from inferspec.plan.objects import Object
from inferspec.plan.patches import apply_patches
from inferspec.plan.skeleton import Skeletons, unfold

from tests import line

AT = ("serving", "chat", "patches", 0)


def one(kind: str) -> Object:
    plan = line.fleet_plan("engines")
    return next(obj for facet in plan.facets.values() for obj in facet.base if obj.identity.kind == kind)


def patched(obj: Object, field: str, value: Any) -> tuple[Object, list[str]]:
    patch = Patch(target=obj.identity.kind, reason="a test", set={field: value})
    (made,), found = apply_patches(Skeletons(), (obj,), [(AT, patch)], set())
    return made, [problem.code for problem in found]


LWS, RAY = "spec.leaderWorkerTemplate", "spec.rayClusterConfig"


@pytest.mark.parametrize(
    ("kind", "field", "value"),
    [
        ("LeaderWorkerSet", f"{LWS}.size", 9),
        ("LeaderWorkerSet", f"{LWS}.leaderTemplate.metadata.labels.app", "other"),
        ("LeaderWorkerSet", f"{LWS}.leaderTemplate.metadata", None),
        ("LeaderWorkerSet", f"{LWS}.workerTemplate.spec.serviceAccountName", "other"),
        ("LeaderWorkerSet", f"{LWS}.workerTemplate.spec.enableServiceLinks", None),
        ("LeaderWorkerSet", f"{LWS}.leaderTemplate.spec.containers.server.args", ["a"]),
        ("LeaderWorkerSet", f"{LWS}.workerTemplate", None),
        ("RayService", f"{RAY}.workerGroupSpecs", None),
        ("RayService", f"{RAY}.workerGroupSpecs[0]", None),
        ("RayService", f"{RAY}.workerGroupSpecs[0].replicas", 7),
        ("RayService", f"{RAY}.workerGroupSpecs[0].template.metadata.labels", None),
        ("RayService", f"{RAY}.workerGroupSpecs[0].template.spec.containers", None),
        ("RayService", f"{RAY}.headGroupSpec.template.spec.serviceAccountName", "other"),
        ("PodMonitoring", "spec.endpoints", None),
        ("PodMonitoring", "spec.endpoints[0].port", "other"),
        ("Deployment", "metadata", None),
        ("Deployment", "spec.template.spec.initContainers", None),
    ],
)
def test_what_is_the_compilers_stays(kind: str, field: str, value: Any) -> None:
    obj = one(kind)
    made, found = patched(obj, field, value)
    assert found == ["SPC021"]
    assert same(unfold(made), unfold(obj)), "and nothing of the patch is left"


@pytest.mark.parametrize(
    ("kind", "field", "value"),
    [
        ("LeaderWorkerSet", f"{LWS}.leaderTemplate.spec.containers.server.env.A", "b"),
        ("LeaderWorkerSet", f"{LWS}.leaderTemplate.metadata.labels.mine", "a"),
        ("RayService", f"{RAY}.headGroupSpec.template.spec.priorityClassName", "a"),
        ("PodMonitoring", "spec.endpoints[0].interval", "5s"),
        ("Deployment", "spec.template.spec.containers.mine", {"image": "a/b", "args": ["c"], "ports": [{"containerPort": 1}]}),
        ("Deployment", 'spec.template.spec.nodeSelector["a/b"]', "c"),
        ("Deployment", "spec.template.spec.terminationGracePeriodSeconds", 900),
    ],
)
def test_the_rest_may_be_set(kind: str, field: str, value: Any) -> None:
    obj = one(kind)
    made, found = patched(obj, field, value)
    assert found == [] and not same(unfold(made), unfold(obj))
