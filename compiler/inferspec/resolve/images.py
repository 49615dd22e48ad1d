"""Where images are pulled from: a team's mirror in the place of the registry they are published in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..catalog import Catalogue
from ..model.platform import Platform
from ..values import Derived, SpecAt, Value, derive

if TYPE_CHECKING:
    from .workload import Workload


def mirror_of(platform: Platform, reference: str) -> tuple[str, str] | None:
    """(prefix of the map, the reference in the mirror); the longest prefix counts, and only whole parts of a path match."""
    for prefix in sorted(platform.images.mirrors, key=len, reverse=True):
        rest = reference.removeprefix(prefix)
        if rest != reference and rest[:1] in ("/", ":", "@", ""):
            return prefix, platform.images.mirrors[prefix] + rest
    return None


def pulled(platform: Platform, image: Value) -> Value:
    """The image as a node pulls it."""
    found = mirror_of(platform, str(image.v))
    if found is None:
        return image
    said = Value(platform.images.mirrors[found[0]], SpecAt(("images", "mirrors", found[0])))
    return derive(f"mirror of {found[0]}", found[1], image, said)


def server_image(workload: Workload) -> Value:
    """Of the engine."""
    w = workload
    if w.service.image is not None:
        return pulled(w.platform, Value(w.service.image, SpecAt(("serving", w.service_name, "image"))))
    image = w.engine.image(str(w.engine_version.v), w.accelerator.kind)
    assert image is not None, "check.references refuses a version without an image"
    return pulled(w.platform, Value(image, Derived(f"image of {w.engine.id} for {w.accelerator.kind}", (w.engine_version,))))


def client_image(platform: Platform, catalogue: Catalogue) -> Value:
    """What runs the programs that move weights: the team's own image of them, else the GPU image of the stack's default vLLM, which is
    public, pinned, and has a Python with huggingface_hub."""
    if platform.images.models is not None:
        return pulled(platform, Value(platform.images.models, SpecAt(("images", "models"))))
    version = catalogue.stack(platform.stack).engine_version("vllm", "gpu")
    image = catalogue.engine("vllm").image(version or "", "gpu")
    assert image is not None, "the package's stack profiles name a version with an image"
    return pulled(platform, Value(image, Derived("the engine's own image: it carries the Hugging Face client, pinned")))
