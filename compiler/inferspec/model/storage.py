"""Models and where their weights stand."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from .base import (
    Bucket,
    Closed,
    Commit,
    Location,
    ModelSource,
    Name,
    Quantity,
    ReadPath,
    VersionName,
)


class Store(Closed):
    """How weights are read, and from which bucket in which location."""

    read: ReadPath
    """How a server reads the weights."""
    buckets: Annotated[dict[Location, Bucket], Field(min_length=1)]
    """Bucket by Cloud Storage location; a cluster reads its region's, else the dual- or multi-region that contains it."""
    copy_by: Literal["storage-transfer", "download"] | None = Field(default=None, alias="copy")
    """How further buckets are filled: copied from the first, or downloaded each."""


class Architecture(Closed):
    """Numbers of a model's config.json, for a model that the catalogue does not know."""

    parameters: Annotated[int, Field(ge=1)]
    """Number of parameters."""
    layers: Annotated[int, Field(ge=1)]
    """num_hidden_layers."""
    hidden_size: Annotated[int, Field(ge=1)]
    """hidden_size."""
    attention_heads: Annotated[int, Field(ge=1)]
    """num_attention_heads."""
    kv_heads: Annotated[int, Field(ge=1)]
    """num_key_value_heads."""
    head_dim: Annotated[int, Field(ge=1)]
    """head_dim."""
    context_length: Annotated[int, Field(ge=1)]
    """max_position_embeddings."""
    dtype: Literal["bfloat16", "float16", "float8", "mxfp4", "int8", "int4"] = "bfloat16"
    """Type the weights are stored in."""
    sliding_window: Annotated[int, Field(ge=1)] | None = None
    """sliding_window, in tokens."""
    sliding_layers: Annotated[int, Field(ge=0)] | None = None
    """How many layers have the sliding window."""
    vocab_size: Annotated[int, Field(ge=1)] | None = None
    """vocab_size."""


class Model(Closed):
    """A model, its pinned versions and where its weights are kept."""

    source: ModelSource
    """hf://ORG/NAME, or gs://BUCKET/PATH for weights that are there already."""
    versions: Annotated[dict[VersionName, Commit], Field(min_length=1)]
    """Version name -> full commit of the source. Weights go to a prefix a commit, so readers of an old one never break."""
    store: Name
    """Key in ``storage``."""
    secret: Name | None = None
    """Key in ``secrets``: the token a gated model needs."""
    size: Quantity | None = None
    """Bytes of the weights; from the catalogue if it knows the model."""
    architecture: Architecture | None = None
    """For a model that the catalogue does not know."""
