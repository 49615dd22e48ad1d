"""A vLLM server of one test: started, awaited with a deadline, asked, always ended."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HEALTHY_WITHIN = 180.0
ENDED_WITHIN = 20.0
ANSWER_WITHIN = 60.0


@dataclass(frozen=True)
class Answer:
    status: int
    body: str

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Server:
    process: subprocess.Popen[bytes]
    port: int
    log: Path

    def ask(self, path: str, body: Mapping[str, Any] | None = None) -> Answer:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=ANSWER_WITHIN) as reply:
                return Answer(reply.status, reply.read().decode())
        except urllib.error.HTTPError as refusal:
            return Answer(refusal.code, refusal.read().decode())

    def listening(self) -> bool:
        with socket.socket() as asked:
            asked.settimeout(1)
            return asked.connect_ex(("127.0.0.1", self.port)) == 0

    def await_healthy(self, path: str) -> float:
        """Seconds until the health path answers 200; an AssertionError with the log's end if it does not in time."""
        started = time.monotonic()
        while time.monotonic() - started < HEALTHY_WITHIN:
            assert self.process.poll() is None, f"the server ended with {self.process.returncode}:\n{self.tail()}"
            if self.listening() and self.ask(path).status == 200:
                return time.monotonic() - started
            time.sleep(0.5)
        raise AssertionError(f"not healthy within {HEALTHY_WITHIN:.0f} s:\n{self.tail()}")

    def tail(self) -> str:
        return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-40:])

    def memory(self) -> dict[int, float]:
        """Peak resident GB of each process of the server's group."""
        found = {}
        for status in Path("/proc").glob("[0-9]*/status"):
            with contextlib.suppress(ProcessLookupError, FileNotFoundError):  # a process may end while the folder is read
                pid = int(status.parent.name)
                if os.getpgid(pid) == self.process.pid:
                    peak = next((line.split()[1] for line in status.read_text().splitlines() if line.startswith("VmHWM")), "0")
                    found[pid] = int(peak) / 1e6
        return found


def free_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


@contextlib.contextmanager
def running(command: Sequence[str], environment: Mapping[str, str], port: int, log: Path) -> Iterator[Server]:
    """The process with a group of its own, so that the engine it starts ends with it."""
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, start_new_session=True, cwd=log.parent
        )
        try:
            yield Server(process, port, log)
        finally:
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):  # the group is gone
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(ENDED_WITHIN)
