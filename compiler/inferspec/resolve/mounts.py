"""What a server reads: the model, the draft model and the adapters, each from a folder of a bucket."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from ..diagnostics import SpecPath
from ..values import SpecAt, Value, derive
from .weights import Artefact, adapter_artefact, bucket_value, model_artefact

if TYPE_CHECKING:
    from .workload import Workload

ADAPTERS = "/adapters"
"""Folder of the adapters that are loaded at start."""
DYNAMIC_ADAPTERS = "/dynamic-adapters"
"""Folder that is searched for an adapter when a request names one."""


@dataclass(frozen=True, slots=True, eq=False)
class Mount:
    """One folder of a bucket inside the server. ``name`` is the volume's."""

    name: str
    path: str
    bucket: Value
    folder: Value


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

    @cached_property
    def artefacts(self) -> tuple[Artefact, ...]:
        """Everything the server reads that somebody has to put into a bucket first; the model is the first."""
        w = self.workload
        found = [model_artefact(w.catalogue, w.platform, str(w.model_ref.v))]
        if w.draft is not None:
            found.append(model_artefact(w.catalogue, w.platform, str(w.draft.v)))
        found += [a for name in w.service.adapters if (a := adapter_artefact(w.platform, w.service_name, name, w.model)) is not None]
        return tuple(found)

    @cached_property
    def mounted(self) -> tuple[Mount, ...]:
        w = self.workload
        found = [] if self.streamed else [Mount("weights", w.model_path, w.bucket, w.prefix)]
        if w.draft is not None:
            draft = self.artefacts[1]
            found.append(Mount("draft", draft_path(draft), self._bucket(draft.store), draft.folder))
        for name, adapter in w.service.adapters.items():
            at: SpecPath = ("serving", w.service_name, "adapters", name)
            artefact = adapter_artefact(w.platform, w.service_name, name, w.model)
            if artefact is not None:
                found.append(Mount(f"adapter-{name}", f"{ADAPTERS}/{name}", self._bucket(artefact.store), artefact.folder))
                continue
            revision = Value(adapter.revision, SpecAt((*at, "revision")))
            found.append(_folder(f"adapter-{name}", f"{ADAPTERS}/{name}", adapter.source, (*at, "source"), revision))
        dynamic = w.service.dynamic_adapters
        if dynamic is not None:
            path: SpecPath = ("serving", w.service_name, "dynamicAdapters", "source")
            found.append(_folder("adapters", DYNAMIC_ADAPTERS, dynamic.source, path))
        return tuple(found)

    def _bucket(self, store: str) -> Value:
        w = self.workload
        return bucket_value(w.platform, w.catalogue, store, w.subject.region)


def draft_path(draft: Artefact) -> str:
    return f"/models/{draft.key}"


def _folder(name: str, path: str, source: str, at: SpecPath, revision: Value | None = None) -> Mount:
    """A folder that stands in a bucket already: ``gs://BUCKET/PATH``, and under it one a revision."""
    said = Value(source, SpecAt(at))
    bucket, _, folder = source.removeprefix("gs://").partition("/")
    inputs = (said,) if revision is None else (said, revision)
    below = folder if revision is None else f"{folder}/{revision.v}"
    return Mount(name, path, derive("bucket of the source", bucket, said), derive("folder of the source", below, *inputs))
