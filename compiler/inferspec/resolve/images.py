"""Where images are pulled from: a team's mirror in the place of the registry they are published in, by the digest that the lock has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..catalog import Catalogue
from ..model.places import ADAPTER
from ..model.platform import Platform
from ..values import Catalogue as FromCatalogue
from ..values import Derived, SpecAt, Value, derive

if TYPE_CHECKING:
    from .fleet import Fleet
    from .places import Place
    from .workload import Workload


def mirror_of(platform: Platform, reference: str, region: str | None) -> tuple[str, Value, str] | None:
    """(prefix of the map, its mirror, the reference there); the longest prefix counts, and only whole parts of a path match.

    A mirror of some regions stands for nothing in the others, and where no region is known.
    """
    for prefix in sorted(platform.images.mirrors, key=len, reverse=True):
        rest = reference.removeprefix(prefix)
        if rest != reference and rest[:1] in ("/", ":", "@", ""):
            said, at = platform.images.mirrors[prefix], ("images", "mirrors", prefix)
            if isinstance(said, str):
                return prefix, Value(said, SpecAt(at)), said + rest
            if region in said:
                return prefix, Value(said[region], SpecAt((*at, region))), said[region] + rest
    return None


def pulled(platform: Platform, catalogue: Catalogue, image: Value, region: str | None) -> Value:
    """The image as a node of the region pulls it."""
    found = mirror_of(platform, str(image.v), region)
    if found is not None:
        image = derive(f"mirror of {found[0]}", found[2], image, found[1])
    digest = catalogue.digests.get(str(image.v))
    return image if digest is None else derive("digest of the lock", f"{image.v}@{digest}", image)


def server_image(workload: Workload) -> Value:
    """Of the engine."""
    w = workload
    if w.image_said is not None:
        return _pulled(w, w.image_said)
    image = w.engine.image(str(w.engine_version.v), w.accelerator.kind)
    assert image is not None, "check.references refuses a version without an image"
    return _pulled(w, Value(image, Derived(f"image of {w.engine.id} for {w.accelerator.kind}", (w.engine_version,))))


def _pulled(workload: Workload, image: Value) -> Value:
    return pulled(workload.platform, workload.catalogue, image, workload.subject.region)


def sidecar_images(workload: Workload) -> dict[str, Value]:
    """Of the containers beside the engine, by name."""
    w = workload
    found = {s.name: Value(s.image, FromCatalogue(f"engines.{w.engine.id}.sidecars")) for s in w.engine.sidecars}
    if w.half == "decode":
        found["routing-proxy"] = Value(w.stack.disaggregated.image.reference, FromCatalogue(f"stacks.{w.stack.id}.disaggregated"))
    return {name: _pulled(w, image) for name, image in found.items()}


def placeholder_image(workload: Workload) -> Value:
    """Of what holds room for a server."""
    w = workload
    return _pulled(w, Value(w.stack.pause.reference, FromCatalogue(f"stacks.{w.stack.id}.pause")))


def picker_image(workload: Workload) -> Value:
    """Of the endpoint picker of the workload's pool."""
    w = workload
    return _pulled(w, Value(w.stack.picker.image.reference, FromCatalogue(f"stacks.{w.stack.id}.picker.image")))


def processor_image(platform: Platform, catalogue: Catalogue, region: str | None) -> Value:
    """Of the payload processor, which reads the model's name."""
    stack = catalogue.stack(platform.stack)
    image = Value(stack.processor.image.reference, FromCatalogue(f"stacks.{stack.id}.processor.image"))
    return pulled(platform, catalogue, image, region)


def adapter_image(platform: Platform, catalogue: Catalogue, region: str | None) -> Value:
    """Of the custom metrics adapter."""
    stack = catalogue.stack(platform.stack)
    return pulled(platform, catalogue, Value(stack.adapter.reference, FromCatalogue(f"stacks.{stack.id}.adapter")), region)


def gate_image(workload: Workload) -> Value:
    """Of what waits for the weights: the engine's own, which is pulled anyway, where it has a Python."""
    w = workload
    return server_image(w) if w.engine.python else client_image(w.platform, w.catalogue, w.subject.region)


def client_image(platform: Platform, catalogue: Catalogue, region: str | None) -> Value:
    """What runs the programs that move weights: the team's own image of them, else the GPU image of the stack's default vLLM, which is
    public, pinned, and has a Python with huggingface_hub."""
    if platform.images.models is not None:
        return pulled(platform, catalogue, Value(platform.images.models, SpecAt(("images", "models"))), region)
    version = catalogue.stack(platform.stack).engine_version("vllm", "gpu")
    image = catalogue.engine("vllm").image(version or "", "gpu")
    assert image is not None, "the package's stack profiles name a version with an image"
    return pulled(platform, catalogue, Value(image, Derived("the engine's own image: it carries the Hugging Face client, pinned")), region)


def images_of(fleet: Fleet, place: Place) -> Iterator[tuple[Value, str]]:
    """(image, what it is for) of everything that the cluster's nodes pull."""
    for key in fleet.workload_keys:
        if not fleet.is_placed(key, place):
            continue
        w = fleet.workload_at(key, place)
        yield server_image(w), w.name
        yield gate_image(w), f"the wait for the weights of {w.name}"
        for name, image in sidecar_images(w).items():
            yield image, f"{name} of {w.name}"
        if w.placeholders is not None:
            yield placeholder_image(w), f"the placeholders of {w.name}"
        if w.pooled and not key.prefill:
            yield picker_image(w), f"the picker of {w.name}"
    for gateway in fleet.platform.gateways:
        if fleet.carries(gateway, place) and fleet.leads_by_model(gateway):
            yield processor_image(fleet.platform, fleet.catalogue, place.region), f"the payload processor of gateway {gateway}"
    if ADAPTER in place.cluster.install:
        yield adapter_image(fleet.platform, fleet.catalogue, place.region), "the custom metrics adapter"
    if any(d.writer is place for d in fleet.downloads) or any(f.writer is place for f in fleet.fillings):
        yield client_image(fleet.platform, fleet.catalogue, place.region), "download Jobs"
