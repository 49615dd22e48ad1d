"""The proof with the real kustomize, both versions: what is built is the plan."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from inferspec.emit.tree import cluster_objects, render_tree
from inferspec.emit.write import write_tree
from inferspec.prove.equality import compare

from .fleet import SITES, Fleet

Build = Callable[[Path], dict[str, bytes]]


@pytest.mark.parametrize("place", range(len(SITES)), ids=[site.name for site in SITES])
def test_every_overlay_builds_to_the_plan(place: int, tmp_path: Path, build: Build) -> None:
    plan = Fleet().plan()
    write_tree(render_tree(plan), tmp_path)
    cluster = plan.clusters[place]
    overlay = tmp_path / "overlays" / "acme" / cluster.region / cluster.name
    parts = cluster_objects(plan, cluster)
    for part, objects in parts.items():
        outputs = build(overlay / part)
        for version, output in outputs.items():
            assert compare(output, objects) == [], version
        assert outputs["5.8.2"] == outputs["5.4.2"]
    whole = {identity: tree for objects in parts.values() for identity, tree in objects.items()}
    for version, output in build(overlay).items():
        assert compare(output, whole) == [], version
