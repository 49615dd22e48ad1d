"""Check objects as a Kubernetes API server would: schema, unknown fields, defaults and CEL rules, without one."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from inferspec.failures import ToolError
from inferspec.tools.feed import Feed
from inferspec.tools.runner import GO, Completed, run

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


class ObjectCheck:
    """objectcheck, which reads while objects are still being drawn. To be closed, whatever happens.

    `crds` are folders of a user's own CRDs, which win over the package's; `deadline` is in seconds, from the first object: policies are
    judged and the rest is drawn in that time too.
    """

    def __init__(self, crds: Sequence[Path] = (), *, deadline: float = 600.0) -> None:
        self._args = [part for folder in (*crds, *folders()) for part in ("--crds", str(folder.absolute()))]
        self._deadline = deadline
        self._feed: Feed | None = None
        self._running: Future[Completed] | None = None

    def add(self, objects: Iterable[tuple[str, str]]) -> None:
        """(id, object as JSON) pairs."""
        text = "".join([f'{{"id":{json.dumps(name)},"object":{body}}}\n' for name, body in objects])
        if not text:
            return
        if self._feed is None:
            self._feed = Feed()
            pool = ThreadPoolExecutor(1)
            # The compiler draws and lays out beside it; on two cores a second one costs a quarter more CPU.
            env = {**GO, "GOMAXPROCS": str(max(1, (os.cpu_count() or 1) // 2))}
            self._running = pool.submit(run, "objectcheck", self._args, stdin=self._feed, deadline=self._deadline, env=env)
            pool.shutdown(wait=False)
        self._feed.write(text.encode())

    def findings(self) -> list[ObjectFinding]:
        """On all that was added, in that order.

        Raises ToolError when objectcheck is missing, cannot read a folder or fails, ToolLimit at a limit.
        """
        if self._feed is None or self._running is None:
            return []
        self._feed.close()
        done = self._running.result()
        if done.rc:
            raise ToolError(f"objectcheck failed: {done.stderr.decode(errors='replace').strip()[-2000:] or f'exit status {done.rc}'}")
        return [ObjectFinding(**json.loads(line)) for line in done.stdout.splitlines()]

    def close(self) -> None:
        """Without findings asked for, objectcheck is ended where it is."""
        if self._feed is not None:
            self._feed.close(drop=True)
