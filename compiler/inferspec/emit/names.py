"""Names of the directories that hold facets and layers.

Both come from the spec, so any two of them may look alike to a file system that folds case, or once they are joined.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

from ..plan.objects import DASHBOARDS, DNS
from .layers import EmitError

RESERVED_REGIONS = frozenset({"base", "components", DASHBOARDS, DNS, "management"})

_LABEL = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?")
_UNSAFE = re.compile(r"[^a-z0-9-]+")
_LONGEST = 120


def label(name: str, what: str) -> str:
    """``name`` if it is a DNS label, which every file system and kustomize take as it is; else EmitError."""
    if not _LABEL.fullmatch(name):
        raise EmitError(f"{what} {name!r} is not a DNS label")
    return name


def region_label(name: str) -> str:
    if name in RESERVED_REGIONS:
        raise EmitError(f"region {name!r} is reserved")
    return label(name, "region")


def escaped(name: str) -> str:
    """A directory name for any text: itself if it is plain, else a readable form with a hash of the original."""
    plain = _UNSAFE.sub("-", name.lower()).strip("-")
    if plain == name and len(name) <= _LONGEST:
        return name
    return f"{plain[:_LONGEST]}-{_hash(name)}".lstrip("-")


def directories(names: Iterable[tuple[str, ...]]) -> dict[tuple[str, ...], str]:
    """A directory for each tuple of names: those not empty joined with "-", with a hash of the tuple where two would share one."""
    plain = {name: escaped("-".join(filter(None, name))) for name in names}
    taken: dict[str, list[tuple[str, ...]]] = {}
    for name, directory in plain.items():
        taken.setdefault(directory, []).append(name)
    return {
        name: directory if len(taken[directory]) == 1 else f"{directory}-{_hash(chr(0).join(name))}"
        for name, directory in plain.items()
    }


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
