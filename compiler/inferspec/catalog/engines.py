"""Model servers: versions, images, ports, probes, metric names. A new engine is one new file in ``engines/``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .flagtable import FlagTable
from .reader import CatalogueError, read
from .record import EMPTY, Record, build, listed, mapped
from .rows import Row

Version = tuple[int, ...]


def version_key(text: str) -> Version:
    """``0.11.2`` -> (0, 11, 2): 0.9 sorts before 0.11."""
    return tuple(int(part) for part in re.findall(r"[0-9]+", text.split("-")[0]))


class Metric(Record):
    """One series. ``id`` is what scalers, pickers, dashboards and alerts name; ``since`` and ``until`` (exclusive) are engine versions."""

    id: str
    series: str
    type: str
    since: str = ""
    until: str = ""
    flag: str = ""
    unverified: bool = False

    def exists_in(self, version: str) -> bool:
        at = version_key(version)
        return (not self.since or version_key(self.since) <= at) and (not self.until or at < version_key(self.until))


class Flag(Record):
    """One flag the compiler knows by role. A user may not set an ``owned`` one: it is derived from the object graph.

    ``multiple_of``: what its value must be a multiple of, where the engine finds that out on the accelerator alone.
    """

    name: str
    owned: bool = False
    since: str = ""
    multiple_of: int = 0


class EngineVersion(Record):
    """``images``: platform -> tag. ``inferred``: platforms whose tag follows the naming pattern and was not seen.

    ``flag_tables``: tables a flag is checked against; one of the same version decides, two others are the versions around it.
    """

    version: str
    images: Mapping[str, str]
    flag_tables: tuple[str, ...] = ()
    inferred: tuple[str, ...] = ()

    @property
    def exact(self) -> bool:
        return self.flag_tables == (self.version,)


class Engine(Row):
    """A model server."""

    repositories: Mapping[str, str]
    command: tuple[str, ...]
    port: int
    health_path: str
    metrics_path: str
    engine_label: str
    env: Mapping[str, Mapping[str, str]]
    flags: Mapping[str, Flag] = mapped(Flag)
    metrics: tuple[Metric, ...] = listed(Metric)
    versions: tuple[EngineVersion, ...] = listed(EngineVersion)
    min_capability: Mapping[str, int] = EMPTY
    lora_ranks: tuple[int, ...] = ()

    def version(self, version: str) -> EngineVersion | None:
        return next((v for v in self.versions if v.version == version), None)

    def image(self, version: str, platform: str) -> str | None:
        """``repository:tag`` for platform gpu, tpu or cpu; None where the catalogue knows no such image."""
        row = self.version(version)
        tag = row.images.get(platform) if row else None
        return f"{self.repositories[platform]}:{tag}" if tag else None

    def newest(self, platform: str) -> EngineVersion | None:
        """The newest version with an image for the platform."""
        held = [v for v in self.versions if platform in v.images]
        return max(held, key=lambda v: version_key(v.version), default=None)

    def metric(self, id: str, version: str) -> Metric | None:
        """The series that carries a metric in that version, or None."""
        return next((m for m in self.metrics if m.id == id and m.exists_in(version)), None)


def load_engine(name: str, folders: tuple[str, ...]) -> Engine:
    """The engine's file in the last folder that has one, over the earlier ones top key by top key."""
    data: dict[str, Any] = {}
    file = ""
    for folder in folders:
        if document := read(f"{folder}/engines", name):
            data, file = data | document, document.file
    if not data:
        raise KeyError(name)
    data.pop("kind", None)
    try:
        return build(Engine, data)
    except (ValueError, TypeError, AttributeError) as error:
        raise CatalogueError(file, 1, str(error), name) from error


def load_flags(engine: str, version: str, folders: tuple[str, ...]) -> FlagTable:
    for folder in reversed(folders):
        if document := read(f"{folder}/engines/{engine}", version):
            return FlagTable(document)
    raise KeyError(f"{engine} {version}")
