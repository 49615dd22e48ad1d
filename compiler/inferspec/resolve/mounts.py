"""What a server reads: the model, the draft model and the adapters, each from a folder of a bucket or of a volume."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from ..diagnostics import SpecPath
from ..model.storage import Store
from ..values import SpecAt, Value, derive
from .volumes import PROFILE, VOLUMES, Volume, volume_of
from .weights import Artefact, adapter_artefact, bucket_holding, model_artefact

if TYPE_CHECKING:
    from .workload import Workload

ADAPTERS = "/adapters"
"""Folder of the adapters that are loaded at start."""
DYNAMIC_ADAPTERS = "/dynamic-adapters"
"""Folder that is searched for an adapter when a request names one."""


@dataclass(frozen=True, slots=True, eq=False)
class Mount:
    """One folder inside the server. ``name`` is the Pod's volume; ``volume`` is None where the bucket itself is mounted."""

    name: str
    path: str
    bucket: Value
    folder: Value
    artefact: Artefact | None = None
    volume: Volume | None = None


class Mounts:
    """Of one server."""

    def __init__(self, workload: Workload) -> None:
        self.workload = workload

    @cached_property
    def read(self) -> Value:
        """How the model's weights are read."""
        w = self.workload
        asked = w.settings.get("read")
        return asked if asked is not None else Value(w.platform.storage[w.model.store].read, SpecAt(("storage", w.model.store, "read")))

    @property
    def streamed(self) -> bool:
        """The engine reads the bucket itself: the model is not mounted."""
        return self.read.v == "run-ai-streamer"

    @property
    def store(self) -> Store:
        """Of the model."""
        return self.workload.platform.storage[self.workload.model.store]

    @cached_property
    def artefacts(self) -> tuple[Artefact, ...]:
        """Everything pinned that the server reads; the model is the first."""
        w = self.workload
        found = [model_artefact(w.catalogue, w.platform, str(w.model_ref.v))]
        if w.draft is not None:
            found.append(model_artefact(w.catalogue, w.platform, str(w.draft.v)))
        found += [a for name in w.service.adapters if (a := adapter_artefact(w.platform, w.service_name, name, w.model)) is not None]
        return tuple(found)

    @cached_property
    def mounted(self) -> tuple[Mount, ...]:
        w = self.workload
        found = [] if self.streamed else [self._mount("weights", w.model_path, self.artefacts[0])]
        if w.draft is not None:
            found.append(self._mount("draft", draft_path(self.artefacts[1]), self.artefacts[1]))
        for name, adapter in w.service.adapters.items():
            at: SpecPath = ("serving", w.service_name, "adapters", name)
            artefact = adapter_artefact(w.platform, w.service_name, name, w.model)
            if artefact is not None:
                found.append(self._mount(f"adapter-{name}", f"{ADAPTERS}/{name}", artefact))
                continue
            revision = Value(adapter.revision, SpecAt((*at, "revision")))
            found.append(_folder(f"adapter-{name}", f"{ADAPTERS}/{name}", adapter.source, (*at, "source"), revision))
        dynamic = w.service.dynamic_adapters
        if dynamic is not None:
            path: SpecPath = ("serving", w.service_name, "dynamicAdapters", "source")
            found.append(_folder("adapters", DYNAMIC_ADAPTERS, dynamic.source, path))
        return tuple(found)

    @cached_property
    def fused(self) -> tuple[Mount, ...]:
        """Buckets that the FUSE sidecar mounts for this Pod alone."""
        return tuple(m for m in self.mounted if m.volume is None)

    @cached_property
    def volumes(self) -> tuple[Volume, ...]:
        """Claims of the namespace, each once."""
        return tuple({m.volume.name: m.volume for m in self.mounted if m.volume is not None}.values())

    @cached_property
    def sidecar(self) -> bool:
        """A FUSE sidecar runs beside the server."""
        return bool(self.fused) or any(v.read == PROFILE for v in self.volumes)

    def _mount(self, name: str, path: str, artefact: Artefact) -> Mount:
        volume = self._volume(artefact)
        return Mount(name if volume is None else volume.name, path, self.bucket_of(artefact), artefact.folder, artefact, volume)

    def _volume(self, artefact: Artefact) -> Volume | None:
        """A draft or an adapter of another store is read as that store says; what cannot be a volume of its own is mounted."""
        w = self.workload
        read = str(self.read.v) if artefact.store == w.model.store else w.platform.storage[artefact.store].read
        if read == "hyperdisk-ml" and not artefact.is_model:
            return None
        if read == "gcs-fuse" and w.platform.storage[artefact.store].profile is not None:
            read = PROFILE
        return volume_of(read, artefact, w.team, w.namespace) if read in VOLUMES or read == PROFILE else None

    def bucket_of(self, artefact: Artefact) -> Value:
        w = self.workload
        return bucket_holding(w.platform, w.catalogue, artefact, w.subject.region)


def draft_path(draft: Artefact) -> str:
    return f"/models/{draft.key}"


def _folder(name: str, path: str, source: str, at: SpecPath, revision: Value | None = None) -> Mount:
    """A folder that stands in a bucket already: ``gs://BUCKET/PATH``, and under it one a revision."""
    said = Value(source, SpecAt(at))
    bucket, _, folder = source.removeprefix("gs://").partition("/")
    inputs = (said,) if revision is None else (said, revision)
    below = folder if revision is None else f"{folder}/{revision.v}"
    return Mount(name, path, derive("bucket of the source", bucket, said), derive("folder of the source", below, *inputs))
