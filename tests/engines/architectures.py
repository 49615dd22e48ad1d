"""A model's config.json out of the catalogue's architecture facts, by the transformers class of its architecture."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from inferspec.catalog import Model

ATTRIBUTES = {
    "layers": ("num_hidden_layers",),
    "hidden_size": ("hidden_size",),
    "heads": ("num_attention_heads",),
    "kv_heads": ("num_key_value_heads",),
    "head_dim": ("head_dim",),
    "kv_heads_full": ("num_global_key_value_heads",),
    "head_dim_full": ("global_head_dim",),
    "intermediate_size": ("intermediate_size",),
    "vocab_size": ("vocab_size",),
    "context_length": ("max_position_embeddings",),
    "sliding_window": ("sliding_window",),
    "chunk_size": ("attention_chunk_size",),
    "kv_lora_rank": ("kv_lora_rank",),
    "qk_rope_head_dim": ("qk_rope_head_dim",),
    "qk_nope_head_dim": ("qk_nope_head_dim",),
    "v_head_dim": ("v_head_dim",),
    "experts": ("num_local_experts", "num_experts", "n_routed_experts"),
    "experts_per_token": ("num_experts_per_tok",),
    "moe_intermediate_size": ("moe_intermediate_size",),
}
"""Fact -> the attribute that holds it; classes name experts differently. What the catalogue does not say stays at the class's default."""
NEEDED = ("architecture", "layers", "hidden_size", "heads", "context_length")
QUANTISATION = {
    "fp8": {"quant_method": "fp8", "activation_scheme": "dynamic", "weight_block_size": [128, 128]},
    "mxfp4": {"quant_method": "mxfp4"},
}


class ThinError(Exception):
    """The facts do not make a config.json; the message says what is missing."""


def write(model: Model, folder: Path) -> Path:
    """The folder, with the model's config.json in it. Raises ThinError."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config(model)), encoding="utf-8")
    return folder


def write_eagle(target: Model, folder: Path) -> Path:
    """The folder, with the config.json of a draft model for the target in it: one layer, by the method eagle3."""
    from transformers import LlamaConfig

    folder.mkdir(parents=True, exist_ok=True)
    sizes = {"hidden_size": target.hidden_size, "vocab_size": target.vocab_size, "max_position_embeddings": target.context_length}
    heads = {"num_attention_heads": target.heads, "num_key_value_heads": target.kv_heads, "head_dim": target.head_dim}
    made = LlamaConfig(num_hidden_layers=1, **sizes, **heads).to_dict()
    made |= {"architectures": ["LlamaForCausalLMEagle3"], "dtype": target.dtype}
    (folder / "config.json").write_text(json.dumps(made), encoding="utf-8")
    return folder


def problem(model: Model) -> str:
    """Why ``config`` refuses the model; "" if it does not."""
    try:
        config(model)
    except ThinError as thin:
        return str(thin)
    return ""


def config(model: Model) -> dict[str, Any]:
    from transformers import CONFIG_MAPPING

    missing = [fact for fact in NEEDED if not getattr(model, fact)]
    if missing:
        raise ThinError(f"the catalogue has no {', '.join(missing)}")
    kind, name = _names(model.architecture)
    if kind not in CONFIG_MAPPING:
        raise ThinError(f"transformers has no class for {model.architecture}")
    cls = CONFIG_MAPPING[kind]
    inner = getattr(cls, "sub_configs", {}).get("text_config")
    text = _text(inner or cls, model)
    made = (cls(text_config=text.to_dict()) if inner else text).to_dict()
    made |= {"architectures": [name], "dtype": model.dtype or "bfloat16"}
    if model.quantisation:
        made["quantization_config"] = QUANTISATION[model.quantisation.partition(":")[0]]
    return made


def _names(architecture: str) -> tuple[str, str]:
    """Model type and class name; the catalogue has the one or the other."""
    from transformers.models.auto import modeling_auto as known

    tables = (known.MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES, known.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES)
    for table in tables:
        if architecture in table:
            return architecture, table[architecture]
    return next((kind for table in tables for kind, name in table.items() if name == architecture), architecture), architecture


def _text(cls: type, model: Model) -> Any:
    """An instance of a class for text with every fact in it that it has an attribute for."""
    known = {*cls().to_dict(), *getattr(cls, "attribute_map", {}), "head_dim"}  # every class keeps head_dim, not every one has a default
    said = {}
    for fact, names in ATTRIBUTES.items():
        held = next((name for name in names if name in known), None)
        if held and getattr(model, fact):
            said[held] = getattr(model, fact)
    return cls(**said)
