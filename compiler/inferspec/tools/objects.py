"""Check objects as a Kubernetes API server would: schema, unknown fields, defaults and CEL rules, without one."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inferspec.failures import ToolError
from inferspec.tools.runner import GO, run

SCHEMAS = Path(__file__).parent.parent / "schemas"


@dataclass(frozen=True, slots=True)
class ObjectFinding:
    """One thing the server would refuse.

    `reason` is unknown-kind (no schema: the object was not checked), unknown-version, unusable-schema (the CRD itself is wrong),
    unknown-field, malformed or invalid;
    `field` is the place as Kubernetes writes it (spec.rules[0].matches), `pointer` the same as a JSON pointer, both empty for
    the object as a whole.
    """

    id: str
    reason: str
    field: str
    pointer: str
    message: str


def folders() -> list[Path]:
    """The package's own folders of CustomResourceDefinitions: what clusters have ahead of Go modules, those of modules, ours."""
    return [path for path in (SCHEMAS / "ahead", SCHEMAS / "crds", SCHEMAS / "own") if path.is_dir()]


def object_lines(objects: Iterable[tuple[str, Mapping[str, Any]]]) -> bytes:
    """What objectcheck reads of (id, object) pairs."""
    encode = json.JSONEncoder(separators=(",", ":")).encode
    return "\n".join([encode({"id": name, "object": body}) for name, body in objects]).encode()


def check_objects(text: bytes, crds: Sequence[Path] = (), *, deadline: float = 120.0) -> list[ObjectFinding]:
    """Findings on what ``object_lines`` wrote, in its order. `crds` are folders of a user's own CRDs, which win over the package's.

    `deadline` is in seconds. Raises ToolError when objectcheck is missing, cannot read a folder or fails, ToolLimit at a limit.
    """
    if not text:
        return []
    args = [part for folder in (*crds, *folders()) for part in ("--crds", str(folder.absolute()))]
    done = run("objectcheck", args, stdin=text, deadline=deadline, env=GO)
    if done.rc:
        raise ToolError(f"objectcheck failed: {done.stderr.decode(errors='replace').strip()[-2000:] or f'exit status {done.rc}'}")
    return [ObjectFinding(**json.loads(line)) for line in done.stdout.splitlines()]
