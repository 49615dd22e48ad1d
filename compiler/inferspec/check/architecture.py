"""Numbers of a config.json that contradict each other: one mistyped figure would make the whole memory account wrong."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ..diagnostics import Diagnostic
from ..model.storage import Architecture
from ..quantity import parse
from ..resolve.memory import GIB
from .context import Context

WIDEST = 8
"""Width of a dense layer in widths of the model, where intermediateSize is not said: that of Gemma 2B, the most of the catalogue."""
VOCABULARY = 300_000
"""Tokens, where vocabSize is not said: more than the 262,208 of Gemma 3, the most of the catalogue."""
BESIDE = 2
"""What towers, embeddings of single layers and shared experts may add to what the numbers make, as a factor."""
BYTES = (0.45, 4.4)
"""The least and the most bytes of a parameter: 4 bits without scales, 32 bits with what stands beside the weights."""
LINEAR = ("linear_key_heads", "linear_value_heads", "linear_key_head_dim", "linear_value_head_dim", "linear_conv_kernel")


class Contradiction(NamedTuple):
    """The key that is wrong or missing, what it contradicts, and the way out."""

    key: str
    message: str
    help: str
    notes: tuple[str, ...] = ()


def contradictions(context: Context, name: str, a: Architecture, size: str | None = None) -> Iterator[Diagnostic]:
    """``size``: of the weights, as the spec says it beside the numbers."""
    at = ("models", name, "architecture")
    if size is not None:
        yield from _size(context, name, a, size)
    fields = type(a).model_fields
    for found in (*_heads(a), *_kinds(a), *_together(a), *_parameters(a)):
        key = str(fields[found.key].alias)
        said = found.key in a.model_fields_set
        yield context.finding(
            "CAT008",
            f"model {name}: {found.message}",
            (*at, key) if said else at,
            key=not said,
            notes=found.notes,
            help=found.help,
        )


def _size(context: Context, name: str, a: Architecture, size: str) -> Iterator[Diagnostic]:
    least, most = (int(a.parameters * share) for share in BYTES)
    if not least <= parse(size) <= most:
        yield context.finding(
            "CAT008",
            f"model {name}: {size} of weights and {a.parameters:,} parameters contradict each other",
            ("models", name, "size"),
            notes=(f"formats of 4 to 32 bits make {least / GIB:,.1f} to {most / GIB:,.1f} GiB of so many",),
            help="what its repository's *.safetensors are together; without size the numbers say it",
        )


def _heads(a: Architecture) -> Iterator[Contradiction]:
    if a.attention_heads % a.kv_heads:
        yield Contradiction(
            "kv_heads",
            f"{a.attention_heads} attention heads do not divide by {a.kv_heads} KV heads",
            "num_attention_heads and num_key_value_heads of its config.json",
        )
    if a.head_dim is None and a.hidden_size % a.attention_heads:
        yield Contradiction(
            "hidden_size",
            f"a width of {a.hidden_size:,} does not divide by {a.attention_heads} attention heads, and headDim is not said",
            "headDim: head_dim of its config.json",
        )


def _kinds(a: Architecture) -> Iterator[Contradiction]:
    """Layers by how they attend: together they are all layers; fullLayers may be left out for the rest."""
    said = {"slidingLayers": a.sliding_layers, "linearLayers": a.linear_layers, "fullLayers": a.full_layers}
    counted = {key: count for key, count in said.items() if count is not None}
    total, others = sum(counted.values()), bool(a.sliding_layers or a.linear_layers)
    exact = a.full_layers is not None and not (a.attention_chunk_size and not others)
    if counted and (total != a.layers if exact else total > a.layers):
        sums = " + ".join(f"{key} {count}" for key, count in counted.items())
        first = next(field for field in ("sliding_layers", "linear_layers", "full_layers") if getattr(a, field) is not None)
        told = f"{sums} are {total} layers, and it has {a.layers}" if len(counted) > 1 else f"{sums} of {a.layers} layers"
        yield Contradiction(first, told, "the kinds of layer_types of its config.json add up to num_hidden_layers")
    for key, field in (("denseLayers", "dense_layers"), ("kvSharedLayers", "kv_shared_layers")):
        if (count := getattr(a, field)) is not None and count > a.layers:
            yield Contradiction(field, f"{key} {count} of {a.layers} layers", f"{key} is at most layers")


def _together(a: Architecture) -> Iterator[Contradiction]:
    """Numbers that mean something with another one alone."""
    if a.sliding_layers and a.sliding_window is None:
        yield Contradiction("sliding_layers", "slidingLayers without slidingWindow", "slidingWindow: sliding_window of its config.json")
    if a.kv_lora_rank is not None and a.qk_rope_head_dim is None:
        told = "kvLoraRank without qkRopeHeadDim: a token of latent attention keeps both"
        yield Contradiction("kv_lora_rank", told, "qkRopeHeadDim: qk_rope_head_dim of its config.json")
    if a.qk_rope_head_dim is not None and a.kv_lora_rank is None:
        told = "qkRopeHeadDim without kvLoraRank: a token of latent attention keeps both"
        yield Contradiction("qk_rope_head_dim", told, "kvLoraRank: kv_lora_rank of its config.json")
    if a.experts is not None and a.moe_intermediate_size is None:
        yield Contradiction("experts", "experts without moeIntermediateSize", "moeIntermediateSize: the width of one expert")
    if a.moe_intermediate_size is not None and a.experts is None:
        told = "moeIntermediateSize without experts"
        yield Contradiction("moe_intermediate_size", told, "experts: num_experts, num_local_experts or n_routed_experts of its config.json")
    if a.linear_layers and (lacking := [str(type(a).model_fields[field].alias) for field in LINEAR if getattr(a, field) is None]):
        told = f"linearLayers without {', '.join(lacking)}: they say how large the state of a request is"
        yield Contradiction("linear_layers", told, "linear_num_key_heads and its like of its config.json")


def _parameters(a: Architecture) -> Iterator[Contradiction]:
    help = "the number of parameters itself, not millions or billions of them"
    least = 2 * a.layers * a.hidden_size**2
    if a.parameters < least:
        yield Contradiction(
            "parameters",
            f"{a.parameters:,} parameters are too few for {a.layers} layers of width {a.hidden_size:,}",
            help,
            (f"a layer has more than 2 x {a.hidden_size:,}^2 of them: {least:,} at least",),
        )
    elif (a.experts is None) == (a.moe_intermediate_size is None) and a.parameters > (most := BESIDE * most_parameters(a)):
        widths = f"{a.intermediate_size:,}" if a.intermediate_size else f"at most {WIDEST} x {a.hidden_size:,}"
        experts = f", {a.experts} experts of width {a.moe_intermediate_size:,}" if a.experts and a.moe_intermediate_size else ""
        yield Contradiction(
            "parameters",
            f"{a.parameters:,} parameters are too many for {a.layers} layers of width {a.hidden_size:,}",
            help if experts else f"{help}; experts: and moeIntermediateSize: of a model that has them",
            (f"attention, dense layers of width {widths}{experts} and embeddings are {most // BESIDE:,}; the bound is {BESIDE} x that",),
        )


def most_parameters(a: Architecture) -> int:
    """What layers and embeddings of these numbers hold, where a number is not said the most that any model of the catalogue has."""
    head = a.head_dim or a.hidden_size // a.attention_heads
    widest = max(a.attention_heads * max(head, a.global_head_dim or 0), (a.linear_value_heads or 0) * (a.linear_value_head_dim or 0))
    attention = 4 * a.hidden_size * widest
    dense = 3 * a.hidden_size * (a.intermediate_size or WIDEST * a.hidden_size)
    experts = 3 * a.hidden_size * (a.experts or 0) * (a.moe_intermediate_size or 0)
    return a.layers * (attention + dense + experts) + 2 * (a.vocab_size or VOCABULARY) * a.hidden_size
