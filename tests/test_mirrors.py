"""Mirrors by region: each cluster pulls from its own region's, and a mirror of another region stands for nothing."""

from __future__ import annotations

from typing import Any

from inferspec.emit.tree import cluster_objects

from tests import line

REGIONAL = {"us-central1": "us-docker.pkg.dev/acme/hub", "europe-west4": "europe-docker.pkg.dev/acme/hub"}


def spec() -> Any:
    data = line.data("platform")
    data["images"] = {"mirrors": {"docker.io": REGIONAL, "ghcr.io": "europe-docker.pkg.dev/acme/ghcr"}}
    return data


def images(node: Any) -> set[str]:
    if isinstance(node, dict):
        own = {node["image"]} if isinstance(node.get("image"), str) else set()
        return own.union(*map(images, node.values()))
    return set().union(*map(images, node)) if isinstance(node, list) else set()


def test_each_cluster_pulls_from_the_mirror_of_its_region() -> None:
    plan = line.planned(line.written(spec()))
    for cluster in plan.clusters:
        found = {image for part in cluster_objects(plan, cluster).values() for tree in part.values() for image in images(tree)}
        hub = {image for image in found if "/vllm/" in image or "/lmsysorg/" in image}
        wanted = REGIONAL.get(cluster.region, "docker.io")
        assert hub or cluster.name == "acme-config"
        assert {image for image in hub if not image.startswith(f"{wanted}/")} == set()
        assert not [image for image in found if image.startswith("ghcr.io")]


def test_a_base_holds_the_published_image_and_a_region_its_mirror() -> None:
    tree = line.tree_of(spec())
    assert "image: docker.io/vllm/vllm-openai" in tree["overlays/acme/base/tools/objects.yaml"]
    patch = tree["overlays/acme/components/assist-region-europe-west4/kustomization.yaml"]
    assert "europe-docker.pkg.dev/acme/hub/vllm/vllm-openai" in patch and 'images.mirrors["docker.io"].europe-west4' in patch
