"""The lock beside a spec: digests of the images it makes nodes pull. ``inferspec lock`` writes it; it is read as untrusted input."""

from __future__ import annotations

import json
import re
from pathlib import Path

from ..diagnostics import Diagnostic, Span
from .read import display_name, read_source

DIGEST = re.compile(r"sha256:[0-9a-f]{64}\Z")
REFERENCE = re.compile(r"[a-z0-9][-a-zA-Z0-9._/:]{0,399}\Z")


def lock_path(spec: Path) -> Path:
    """``specs/platform.yaml`` -> ``specs/platform.lock.json``."""
    return spec.with_suffix(".lock.json")


def read_lock(spec: Path, root: Path) -> tuple[dict[str, str], list[Diagnostic]]:
    """Image as it is pulled -> digest; nothing where there is no lock."""
    path = lock_path(spec)
    if not path.exists() and not path.is_symlink():
        return {}, []
    source, problems = read_source(path, root)
    if source.text is None:
        return {}, problems
    try:
        images = json.loads(source.text)["images"]
        sound = isinstance(images, dict) and all(
            REFERENCE.match(name) and isinstance(digest, str) and DIGEST.match(digest) for name, digest in images.items()
        )
    except (ValueError, KeyError, TypeError, RecursionError):
        images, sound = {}, False
    if not sound:
        span = Span(display_name(path, root), 1, 1)
        return {}, [Diagnostic("SYNC118", "the lock is not what 'inferspec lock' writes", span, help="run 'inferspec lock' again")]
    return images, []
