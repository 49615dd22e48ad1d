"""``inferspec schema``"""

from __future__ import annotations

import json
from argparse import Namespace
from typing import Any

from ..catalog import Catalogue, catalogue
from ..model import API_VERSION, Platform
from ..model.base import EngineVersion, ModelSource, Region, Shape
from ..model.described import describe, models_of
from ..model.forms import Closed


def document() -> dict[str, Any]:
    """The JSON Schema of the spec, with its dialect and identity."""
    describe()
    for model in models_of(Closed):
        model.model_rebuild(force=True)
    schema = Platform.model_json_schema()
    _close(schema)
    _offer(schema, _known(catalogue()))
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": f"{API_VERSION}/Platform", **schema}


def _close(node: Any) -> None:
    """A key that fits no pattern is an error of the spec, so the schema says so to editors too."""
    if isinstance(node, dict):
        if "patternProperties" in node:
            node.setdefault("additionalProperties", False)
        node = list(node.values())
    for inner in node if isinstance(node, list) else ():
        _close(inner)


def _known(facts: Catalogue) -> dict[str, list[str]]:
    """Pattern of a value -> what the catalogue has for it: editors offer these, and take any other."""
    offered = {
        Shape: [m.id for m in facts.machines.values() if m.accelerator and not m.explicit_only],
        Region: list(facts.regions),
        ModelSource: [f"hf://{m.hugging_face}" for m in facts.models.values()],
        EngineVersion: [name for engine in facts.engines() for name in (engine, *_pinned(facts, engine))],
    }
    return {f"^(?:{grammar.__metadata__[0].pattern})$": names for grammar, names in offered.items()}  # type: ignore[attr-defined]


def _pinned(facts: Catalogue, engine: str) -> list[str]:
    return [f"{engine}@{v.version}" for v in facts.engine(engine).versions]


def _offer(node: Any, known: dict[str, list[str]]) -> None:
    if isinstance(node, dict):
        if node.get("pattern") in known:
            node["examples"] = known[node["pattern"]]
        node = list(node.values())
    for inner in node if isinstance(node, list) else ():
        _offer(inner, known)


def run(options: Namespace) -> int:
    print(json.dumps(document(), indent=2, ensure_ascii=False))
    return 0
