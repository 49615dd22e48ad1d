"""Images: where nodes pull them from."""

from __future__ import annotations

from .base import Closed, Image, ImagePrefix


class Images(Closed):
    """Registries of your own in front of the public ones, for clusters that reach no other."""

    mirrors: dict[ImagePrefix, ImagePrefix] = {}
    """Registry, with a path or without, -> what stands for it; the longest that matches counts. Every emitted image goes through it."""
    models: Image | None = None
    """Image of ``inferspec models``, built from images/models/Dockerfile: download Jobs run it; a script in a public one without it."""
