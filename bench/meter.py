"""Run a command as a child and say what it and all it started cost."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any


@dataclass(frozen=True, slots=True)
class Sample:
    """One run. ``cpu`` is user and system seconds of the whole child tree, ``rss`` the peak of its largest process in MB.

    No process shows less than the bench itself takes. ``load`` is the load average when it began: above the number of
    cores, wall time says little.
    """

    wall: float
    cpu: float
    rss: float
    code: int
    files: int
    load: float

    def row(self) -> dict[str, Any]:
        return {key: round(value, 4) if isinstance(value, float) else value for key, value in asdict(self).items()}


class Failed(Exception):
    """The command ended otherwise than it should have; the message has the end of what it said."""


def run(command: Sequence[str | Path], *, cwd: Path, env: Mapping[str, str] | None = None, watch: Path | None = None) -> Sample:
    """Run to the end with standard output thrown away. Files new or changed below ``watch`` are counted. Raises Failed."""
    before = _files(watch)
    load = os.getloadavg()[0]
    with tempfile.TemporaryFile() as said:
        started = time.perf_counter()
        child = subprocess.Popen(
            [os.fspath(part) for part in command], cwd=cwd, env={**os.environ, **(env or {})}, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=said,
        )  # fmt: skip
        _, status, used = os.wait4(child.pid, 0)
        wall = time.perf_counter() - started
        code = child.returncode = os.waitstatus_to_exitcode(status)
        if code:
            said.seek(0)
            raise Failed(f"{' '.join(map(str, command))[:200]}: exit status {code}\n{said.read().decode(errors='replace')[-2000:]}")
    after = _files(watch)
    written = sum(1 for path, state in after.items() if before.get(path) != state)
    return Sample(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, code, written, load)


def _files(root: Path | None) -> dict[str, tuple[int, int]]:
    if root is None:
        return {}
    found = {}
    for folder, _, names in os.walk(root):
        for name in names:
            state = os.lstat(f"{folder}/{name}")
            found[f"{folder}/{name}"] = (state.st_ino, state.st_mtime_ns)
    return found


@dataclass(frozen=True, slots=True)
class Summary:
    """Several runs of one thing. The least CPU is the honest figure on a shared machine; others only add to it."""

    cpu: float
    cpu_median: float
    wall: float
    wall_median: float
    rss: float
    files: int
    runs: int


def summary(samples: Sequence[Sample]) -> Summary:
    cpu, wall = [s.cpu for s in samples], [s.wall for s in samples]
    return Summary(
        min(cpu), median(cpu), min(wall), median(wall), max(s.rss for s in samples), max(s.files for s in samples), len(samples)
    )
