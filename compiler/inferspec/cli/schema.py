"""``inferspec schema``"""

from __future__ import annotations

import json
from argparse import Namespace
from typing import Any

from ..model import API_VERSION, Platform
from ..model.base import Closed
from ..model.described import describe, models_of


def document() -> dict[str, Any]:
    """The JSON Schema of the spec, with its dialect and identity."""
    describe()
    for model in models_of(Closed):
        model.model_rebuild(force=True)
    schema = Platform.model_json_schema()
    _close(schema)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": f"{API_VERSION}/Platform", **schema}


def _close(node: Any) -> None:
    """A key that fits no pattern is an error of the spec, so the schema says so to editors too."""
    if isinstance(node, dict):
        if "patternProperties" in node:
            node.setdefault("additionalProperties", False)
        node = list(node.values())
    for inner in node if isinstance(node, list) else ():
        _close(inner)


def run(options: Namespace) -> int:
    print(json.dumps(document(), indent=2, ensure_ascii=False))
    return 0
