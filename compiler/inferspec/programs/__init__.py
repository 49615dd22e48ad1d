"""Programs that run in clusters. They use Python's own library, so that any image with a Python runs them; download.py alone needs more."""

from __future__ import annotations

from importlib.resources import files

MANIFEST = "inferspec-manifest.json"
"""Object written last: a folder that has it is complete."""


def source(name: str) -> str:
    """Text of ``gate.py`` and its like."""
    return files(__name__).joinpath(name).read_text(encoding="utf-8")
