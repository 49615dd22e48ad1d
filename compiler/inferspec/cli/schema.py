"""``inferspec schema``"""

from __future__ import annotations

import json
from argparse import Namespace

from ..model import API_VERSION, Platform


def run(options: Namespace) -> int:
    schema = Platform.model_json_schema()
    print(json.dumps({"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": f"{API_VERSION}/Platform", **schema},
                     indent=2, ensure_ascii=False))
    return 0
