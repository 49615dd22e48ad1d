"""``inferspec schema``"""

from __future__ import annotations

import json
from argparse import Namespace
from typing import Any

from ..model import API_VERSION, Platform


def document() -> dict[str, Any]:
    """The JSON Schema of the spec, with its dialect and identity."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": f"{API_VERSION}/Platform", **Platform.model_json_schema()}


def run(options: Namespace) -> int:
    print(json.dumps(document(), indent=2, ensure_ascii=False))
    return 0
