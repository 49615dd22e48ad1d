"""Real storage servers, a hub, and networks that fail."""

from __future__ import annotations

import contextlib
import http.client
import itertools
import json
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import real_parts
from inferspec.cli import main

from tests import line
from tests.controlplane import free_ports
from tests.weights.faults import Proxy
from tests.weights.hub import Hub

_COUNTER = itertools.count()
READY = 30


@contextlib.contextmanager
def _server(command: list[str], url: str, log: Path) -> Iterator[str]:
    """A storage server, up until the end of the block."""
    with log.open("wb") as out, subprocess.Popen(command, stdout=out, stderr=out, cwd=log.parent) as process:
        try:
            end = time.monotonic() + READY
            while not _lists_buckets(url):
                assert process.poll() is None and time.monotonic() < end, log.read_text(errors="replace")[-2000:]
                time.sleep(0.02)
            yield url
        finally:
            process.kill()


def _lists_buckets(url: str) -> bool:
    try:
        return ask(url, "GET", "/storage/v1/b?project=p")[0] == 200
    except OSError:
        return False


def ask(url: str, method: str, path: str, body: Any = None) -> tuple[int, bytes]:
    """One request; status and body of the answer."""
    server = urlsplit(url)
    connection = http.client.HTTPConnection(server.hostname or "", server.port, timeout=10)
    try:
        connection.request(method, path, None if body is None else json.dumps(body), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


@pytest.fixture(scope="session")
def fake_gcs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """fake-gcs-server: conditions on generations, lists, checksums. It does not keep what was sent of a cut upload."""
    try:
        program = real_parts.path("fake-gcs-server")
    except FileNotFoundError as problem:
        pytest.fail(str(problem), pytrace=False)
    (port,) = free_ports(1)
    url = f"http://127.0.0.1:{port}"
    command = [str(program), "-scheme", "http", "-host", "127.0.0.1", "-port", str(port), "-backend", "memory", "-log-level", "error"]
    with _server(
        [*command, "-external-url", url, "-public-host", f"127.0.0.1:{port}"], url, tmp_path_factory.mktemp("gcs") / "log"
    ) as ready:
        yield ready


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """gcp-storage-emulator: uploads that go on after a cut. It ignores conditions on generations."""
    (port,) = free_ports(1)
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "gcp_storage_emulator", "start", "--host", "127.0.0.1", "--port", str(port), "--in-memory"]
    with _server(command, url, tmp_path_factory.mktemp("emulator") / "log") as ready:
        yield ready


@pytest.fixture
def hub() -> Iterator[Hub]:
    with Hub().up() as made:
        yield made


@pytest.fixture
def proxied() -> Iterator[Callable[[str], Proxy]]:
    """``proxied(url)`` puts a proxy in front of a server."""
    with contextlib.ExitStack() as stack:
        yield lambda url: stack.enter_context(Proxy(url).up())


def bucket(url: str) -> str:
    """A new bucket of the server."""
    name = f"models-{next(_COUNTER)}"
    assert ask(url, "POST", "/storage/v1/b?project=p", {"name": name})[0] == 200
    return name


def safetensors(*lengths: int, seed: int = 0) -> bytes:
    """A whole file of the format: tensors of so many bytes, one after another."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    end = 0
    for number, length in enumerate(lengths):
        header[f"layer.{number}"] = {"dtype": "U8", "shape": [length], "data_offsets": [end, end + length]}
        end += length
    text = json.dumps(header).encode()
    pattern = bytes((i * 31 + seed) % 251 for i in range(4096))
    return struct.pack("<Q", len(text)) + text + (pattern * (end // 4096 + 1))[:end]


def model(size: int = 300_000) -> dict[str, bytes]:
    """A repository like many: two shards with their index, and what stands beside them."""
    shards = {f"model-0000{n}-of-00002.safetensors": safetensors(size, size // 2, seed=n) for n in (1, 2)}
    index = {"metadata": {}, "weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}}
    return {
        ".gitattributes": b"*.safetensors filter=lfs\n",
        "config.json": b'{"architectures": ["LlamaForCausalLM"]}',
        "LICENSE": b"as is\n",
        "model.safetensors.index.json": json.dumps(index).encode(),
        "original/consolidated.00.pth": b"p" * 5000,
        "pytorch_model.bin": b"b" * 5000,
        "Tokenizer/Vocab.txt": b"a b c\n",
        **shards,
    }


PUBLISHED = sorted(
    {*model(), "inferspec-manifest.json", "inferspec-claim.json"} - {".gitattributes", "original/consolidated.00.pth", "pytorch_model.bin"}
)
"""What the default patterns leave of it, with our own objects."""


class Bench:
    """A storage server, a hub with one model, and the command between them."""

    def __init__(self, server: str, hub: Hub, scratch: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self.server, self.hub, self.scratch, self._capsys, self._monkeypatch = server, hub, scratch, capsys, monkeypatch
        self.bucket = bucket(server)
        self.files = model()
        self.revision = hub.add("Acme/Tiny", self.files)
        self.storage, self.endpoint = server, hub.url  # what the command is told: the servers, or proxies of them
        self.out = self.err = ""

    @property
    def target(self) -> str:
        return f"gs://{self.bucket}/acme/tiny/{self.revision}"

    def environment(self) -> dict[str, str]:
        return {"STORAGE_EMULATOR_HOST": self.storage, "HF_ENDPOINT": self.endpoint, "MODEL_RETRY_SECONDS": "0.01"}

    def arguments(self, *more: str) -> list[str]:
        usual = {
            "--source": "hf://Acme/Tiny",
            "--revision": self.revision,
            "--to": self.target,
            "--scratch": str(self.scratch),
            "--chunk-mib": "0.25",
        }
        given = dict(itertools.pairwise(more))
        return ["models", "publish", *(word for name, value in usual.items() if name not in given for word in (name, value)), *more]

    def run(self, *arguments: str) -> int:
        with self._monkeypatch.context() as patch:
            for name, value in self.environment().items():
                patch.setenv(name, value)
            code = main(arguments)
        self.out, self.err = self._capsys.readouterr()
        return code

    def publish(self, *more: str) -> int:
        return self.run(*self.arguments(*more))

    def started(self, *more: str) -> subprocess.Popen[str]:
        """The command as a process of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "inferspec", *self.arguments(*more)],
            env=line.surroundings(self.environment()),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    # -- what the server has, asked without the proxy ------------------------------------------------------------------

    def objects(self) -> dict[str, Any]:
        """Objects under the target by name, as the server's JSON has them."""
        prefix = self.target.partition(f"{self.bucket}/")[2] + "/"
        said = json.loads(ask(self.server, "GET", f"/storage/v1/b/{self.bucket}/o?prefix={prefix}")[1])
        return {item["name"].removeprefix(prefix): item for item in said.get("items", [])}

    def content(self, name: str) -> bytes:
        from urllib.parse import quote

        key = quote(f"acme/tiny/{self.revision}/{name}", safe="")
        return ask(self.server, "GET", f"/storage/v1/b/{self.bucket}/o/{key}?alt=media")[1]

    def manifest(self) -> Any:
        return json.loads(self.content("inferspec-manifest.json"))

    def put(self, name: str, data: bytes, metadata: dict[str, str] | None = None) -> None:
        """An object that somebody else wrote."""
        server = urlsplit(self.server)
        connection = http.client.HTTPConnection(server.hostname or "", server.port, timeout=10)
        about = json.dumps({"name": f"acme/tiny/{self.revision}/{name}", "metadata": metadata or {}}).encode()
        head, rest = b"--part\r\nContent-Type: application/json\r\n\r\n", b"\r\n--part\r\nContent-Type: application/octet-stream\r\n\r\n"
        body = head + about + rest + data + b"\r\n--part--\r\n"
        path = f"/upload/storage/v1/b/{self.bucket}/o?uploadType=multipart"
        connection.request("POST", path, body, {"Content-Type": "multipart/related; boundary=part"})
        assert connection.getresponse().status == 200
        connection.close()

    def whole(self) -> bool:
        """Whether the manifest is there and every object is the repository's."""
        listed = self.manifest()["files"]
        return sorted(self.objects()) == PUBLISHED and all(self.content(name) == self.files[name] for name in listed)


@pytest.fixture
def bench(fake_gcs: str, hub: Hub, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Bench:
    """On fake-gcs-server: who wins, what is refused."""
    return Bench(fake_gcs, hub, tmp_path / "scratch", capsys, monkeypatch)


@pytest.fixture
def resuming(emulator: str, hub: Hub, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Bench:
    """On gcp-storage-emulator: cuts and continuing."""
    return Bench(emulator, hub, tmp_path / "scratch", capsys, monkeypatch)
