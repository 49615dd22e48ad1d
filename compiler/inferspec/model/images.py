"""Images: where nodes pull them from."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from .base import Image, ImagePrefix, Region
from .forms import Closed


class Images(Closed):
    """Registries of your own in front of the public ones, for clusters that reach no other."""

    mirrors: dict[ImagePrefix, ImagePrefix | Annotated[dict[Region, ImagePrefix], Field(min_length=1)]] = {}
    """Registry, with a path or without, -> what stands for it, in every region or by region; the longest that matches counts. Every
    emitted image goes through it."""
    models: Image | None = None
    """Image of ``inferspec models``, built from images/models/Dockerfile: download Jobs run it; a script in a public one without it."""
