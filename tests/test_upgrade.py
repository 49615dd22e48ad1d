"""From the objects of every frozen release to those of today: a real API server takes the step, no field is immutable in its way."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from inferspec import __version__

from tests import line
from tests.controlplane import ApiError, ControlPlane
from tests.test_apiserver import SYNC_NAMESPACE, in_order, manifests, served

pytestmark = pytest.mark.controlplane

FROZEN = line.ROOT / "tests/upgrade"


def releases() -> list[Path]:
    return sorted(FROZEN.glob("*/objects.json"))


def current() -> list[dict[str, Any]]:
    return manifests("quickstart", line.fleet_plan("quickstart").clusters[0])


def remove(plane: ControlPlane, trees: list[dict[str, Any]]) -> None:
    """Delete what an earlier test applied. No controller runs: nothing else would, and a Namespace would never end."""
    for tree in trees:
        if tree["kind"] != "Namespace":
            try:
                plane.request("DELETE", plane.path_of(tree), {"propagationPolicy": "Background"})
            except ApiError as problem:
                if problem.code != 404:
                    raise


def apply(plane: ControlPlane, trees: list[dict[str, Any]]) -> list[str]:
    """What the server refused."""
    refused = []
    for tree in trees:
        try:
            plane.apply(tree, dry_run=False)
        except ApiError as problem:
            refused.append(f"{tree['kind']} {tree['metadata']['name']}: {problem}")
    return refused


def test_this_version_is_frozen(refresh: bool) -> None:
    """Written anew by --refresh until the version is released; the folders of older versions never change."""
    file = FROZEN / __version__ / "objects.json"
    if refresh:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(current(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    assert file in releases()


@pytest.mark.parametrize("release", [path.parent.name for path in releases()] or [__version__])
def test_a_cluster_of_an_older_release_takes_the_objects_of_today(control_plane: ControlPlane, release: str) -> None:
    control_plane.ensure_namespace(SYNC_NAMESPACE)
    old = list(served(control_plane, in_order(json.loads((FROZEN / release / "objects.json").read_text(encoding="utf-8")))))
    new = list(served(control_plane, current()))
    remove(control_plane, [*old, *new])
    assert apply(control_plane, old) == []
    control_plane.take_warnings()
    assert apply(control_plane, new) == []
    assert control_plane.take_warnings() == []
    remove(control_plane, [*old, *new])


def test_a_changed_selector_or_job_would_be_refused(control_plane: ControlPlane) -> None:
    """The control: the server does refuse what must never change under one name."""
    trees = list(served(control_plane, current()))
    remove(control_plane, trees)
    assert apply(control_plane, trees) == []
    deployment = json.loads(json.dumps(next(t for t in trees if t["kind"] == "Deployment")))
    deployment["spec"]["selector"]["matchLabels"]["version"] = deployment["spec"]["template"]["metadata"]["labels"]["version"] = "2"
    job = json.loads(json.dumps(next(t for t in trees if t["kind"] == "Job")))
    job["spec"]["template"]["spec"]["containers"][0]["image"] = "example.com/other:1"
    refused = apply(control_plane, [deployment, job])
    assert len(refused) == 2 and all("field is immutable" in line for line in refused)
    remove(control_plane, trees)
