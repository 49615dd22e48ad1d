"""Models and their weights: facts, size, where the objects stand, which bucket a region reads."""

from __future__ import annotations

from dataclasses import dataclass

from ..catalog import Catalogue
from ..catalog import Model as ModelFacts
from ..diagnostics import SpecPath
from ..model.platform import Platform
from ..model.storage import Model
from ..quantity import parse
from ..values import SENTINEL, Derived, SpecAt, Value, derive
from .memory import GIB
from .parameters import weights_bytes


@dataclass(frozen=True, slots=True, eq=False)
class Artefact:
    """A pinned version of a model or an adapter, and where its objects stand.

    ``key`` names what is made for it; ``size``, of what a server reads, is 0 where nobody gave a figure. ``copies``: bytes of the
    repository beside it, which are downloaded too.
    """

    key: str
    version: str
    source: Value
    revision: Value
    store: str
    secret: str | None
    size: int
    copies: int = 0

    @property
    def stored(self) -> int:
        """Bytes of the folder that its version has in a bucket."""
        return self.size + self.copies

    @property
    def accounted(self) -> str:
        """Those bytes in words."""
        return f"weights {self.size / GIB:.1f} GiB" + (f" and their copies {self.copies / GIB:.1f} GiB" if self.copies else "")

    @property
    def path(self) -> SpecPath:
        """Where the spec has it."""
        assert isinstance(self.source.origin, SpecAt)
        return self.source.origin.path[:-1]

    @property
    def is_model(self) -> bool:
        """Not an adapter."""
        return self.path[0] == "models"

    @property
    def published(self) -> bool:
        """Brought into the bucket; what is in a bucket is there already."""
        return not str(self.source.v).startswith("gs://")

    @property
    def folder(self) -> Value:
        """Lower case, one a commit, immutable once published: Cloud Storage is case-sensitive, Hugging Face ids are not."""
        if not self.published:
            return derive("path of the source, then the version", f"{_parts(self)[1]}/{self.revision.v}", self.source, self.revision)
        return derive(
            "lower-case source, then the commit", f"{object_prefix(str(self.source.v))}/{self.revision.v}", self.source, self.revision
        )


def bucket_holding(platform: Platform, catalogue: Catalogue, artefact: Artefact, region: str | None) -> Value:
    """The bucket that a region reads the artefact from: of its store, or the one where a gs:// source stands already."""
    if not artefact.published:
        return derive("bucket of the source", _parts(artefact)[0], artefact.source)
    return bucket_value(platform, catalogue, artefact.store, region)


def _parts(artefact: Artefact) -> tuple[str, str]:
    bucket, _, path = str(artefact.source.v).removeprefix("gs://").partition("/")
    return bucket, path.strip("/")


def model_artefact(catalogue: Catalogue, platform: Platform, reference: str) -> Artefact:
    """``reference`` is MODEL@VERSION."""
    key, _, version = reference.partition("@")
    spec = platform.models[key]
    at: SpecPath = ("models", key)
    return Artefact(
        key,
        version,
        Value(spec.source, SpecAt((*at, "source"))),
        Value(spec.versions[version], SpecAt((*at, "versions", version))),
        spec.store,
        spec.secret,
        size := model_bytes(catalogue, spec),
        _copies(catalogue, spec, size),
    )


def adapter_artefact(platform: Platform, service: str, name: str, base: Model) -> Artefact | None:
    """An adapter that has to be brought into the bucket of its base model; None for one that stands in a bucket."""
    adapter = platform.serving[service].adapters[name]
    if not adapter.source.startswith("hf://"):
        return None
    at: SpecPath = ("serving", service, "adapters", name)
    return Artefact(
        f"{service}-{name}",
        adapter.revision[:7],
        Value(adapter.source, SpecAt((*at, "source"))),
        Value(adapter.revision, SpecAt((*at, "revision"))),
        base.store,
        adapter.secret or base.secret,
        0,
    )


def object_prefix(source: str) -> str:
    """``hf://google/gemma-3-27b-it`` -> ``google/gemma-3-27b-it``; Cloud Storage is case-sensitive, so all lower case."""
    return source.partition("://")[2].lower()


NAMED_OTHERWISE = {
    "parameters": "params",
    "attention_heads": "heads",
    "quantization": "quantisation",
    "quant_group_size": "quant_group",
    "tie_word_embeddings": "tied_embeddings",
    "text_parameters": "params_text_only",
    "attention_chunk_size": "chunk_size",
    "global_kv_heads": "kv_heads_full",
    "global_head_dim": "head_dim_full",
    "index_topk": "index_top_k",
}
"""Fields of ``Architecture`` that a catalogue row calls otherwise."""


OWN = "spec"
"""Source of the facts of a model whose numbers the spec gives."""


def model_facts(catalogue: Catalogue, model: Model) -> ModelFacts | None:
    """The catalogue's row of the model, or one made of the numbers the spec gives, or None."""
    if model.architecture is None:
        return catalogue.model(model.source)
    said = {NAMED_OTHERWISE.get(name, name): value for name, value in model.architecture if value is not None}
    said.setdefault("head_dim", model.architecture.hidden_size // model.architecture.attention_heads)
    size = int(parse(model.size)) if model.size is not None else 0
    return ModelFacts(id=model.source, source=OWN, as_of="", hugging_face=model.source, kind="llm", weights_bytes=size, **said)


def model_bytes(catalogue: Catalogue, model: Model) -> int:
    """Bytes of the weights: as the spec says, else by the catalogue, else 0."""
    if model.size is not None:
        return int(parse(model.size))
    facts = model_facts(catalogue, model)
    return weights_bytes(facts) if facts else 0


def _copies(catalogue: Catalogue, model: Model, size: int) -> int:
    """Bytes of the repository beside the weights, by the catalogue; 0 where the spec says the size itself."""
    facts = catalogue.model(model.source) if model.size is None else None
    return max(0, facts.repository_bytes - size) if facts is not None else 0


def bucket_location(platform: Platform, catalogue: Catalogue, store: str, region: str) -> str | None:
    """The key of ``buckets`` a cluster of ``region`` reads: its region's, else the dual- or multi-region that contains it."""
    buckets = platform.storage[store].buckets
    if region in buckets:
        return region
    return next((location for location in catalogue.locations_holding(region) if location in buckets), None)


def bucket_value(platform: Platform, catalogue: Catalogue, store: str, region: str | None) -> Value:
    """A region fixes its bucket; without a region it is not known yet."""
    location = bucket_location(platform, catalogue, store, region) if region is not None else None
    if location is None:
        return Value(SENTINEL, Derived("the bucket of the cluster's region"))
    at = Value(platform.storage[store].buckets[location], SpecAt(("storage", store, "buckets", location)))
    return derive(f"bucket for {region}: location {location}", str(at.v), at)
