"""Objects through the real objectcheck, at once."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from inferspec.tools import ObjectCheck, ObjectFinding


def check_objects(objects: Iterable[tuple[str, Mapping[str, Any]]], crds: Sequence[Path] = ()) -> list[ObjectFinding]:
    """Findings on (id, object) pairs, in their order."""
    with closing(ObjectCheck(crds)) as check:
        check.add((name, json.dumps(tree)) for name, tree in objects)
        return check.findings()
