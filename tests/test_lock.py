"""``inferspec lock`` against a real registry: crane's own, and a door before it that wants a token, as public registries do."""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import real_parts
from inferspec.cli import main
from inferspec.registry import RegistryError, digest_of

from tests import line
from tests.controlplane import free_ports
from tests.webserver import Handler, serving

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """HOST:PORT of an empty registry."""
    (port,) = free_ports(1)
    try:
        program = real_parts.path("crane")
    except FileNotFoundError as problem:
        pytest.fail(str(problem), pytrace=False)
    host = f"127.0.0.1:{port}"
    log = tmp_path_factory.mktemp("registry") / "log"
    with log.open("wb") as out, subprocess.Popen([program, "registry", "serve", "--address", host], stdout=out, stderr=out) as process:
        end = time.monotonic() + 30
        while True:
            try:
                if call(host, "GET", "/v2/")[0] == 200:
                    break
            except OSError:
                assert process.poll() is None and time.monotonic() < end, log.read_text(errors="replace")
                time.sleep(0.05)
        yield host
        process.kill()


def call(host: str, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, Any, bytes]:
    connection = http.client.HTTPConnection(host, timeout=10)
    try:
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


def push(host: str, name: str, tag: str, content: bytes = b"layer", kind: str = MANIFEST) -> str:
    """An image of one layer, or an index of it; returns what its tag stands for."""
    found = []
    for blob in (b"{}", content):
        digest = f"sha256:{hashlib.sha256(blob).hexdigest()}"
        status, said, _ = call(host, "POST", f"/v2/{name}/blobs/uploads/")
        assert status == 202
        where = urlsplit(said["Location"])
        put = f"{where.path}?{where.query + '&' if where.query else ''}digest={digest}"
        assert call(host, "PUT", put, blob, Content_Type="application/octet-stream")[0] == 201
        found.append({"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": digest, "size": len(blob)})
    config = found[0] | {"mediaType": "application/vnd.oci.image.config.v1+json"}
    manifest = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": found[1:]}).encode()
    if kind == INDEX:
        digest = push_manifest(host, name, "sha256:" + hashlib.sha256(manifest).hexdigest(), manifest, MANIFEST)
        entry = {"mediaType": MANIFEST, "digest": digest, "size": len(manifest), "platform": {"os": "linux", "architecture": "amd64"}}
        manifest = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": [entry]}).encode()
    return push_manifest(host, name, tag, manifest, kind)


def push_manifest(host: str, name: str, tag: str, manifest: bytes, kind: str) -> str:
    assert call(host, "PUT", f"/v2/{name}/manifests/{tag}", manifest, Content_Type=kind)[0] == 201
    return f"sha256:{hashlib.sha256(manifest).hexdigest()}"


class Platform:
    """The quickstart in a repository of its own, its images in the registry."""

    def __init__(self, root: Path, host: str) -> None:
        self.root, self.host = root, host
        self.spec, self.lock = root / "specs/platform.yaml", root / "specs/platform.lock.json"
        data = line.data("quickstart")
        data["images"] = {"mirrors": {"docker.io": f"{host}/hub", "registry.k8s.io": f"{host}/k8s"}}
        self.spec.parent.mkdir(parents=True)
        self.spec.write_text(line.written(data))
        self.images = {"hub/vllm/vllm-openai:v0.32.0", "k8s/gateway-api-inference-extension/epp:v1.5.0"}

    def push(self) -> dict[str, str]:
        return {f"{self.host}/{name}": push(self.host, *name.rsplit(":", 1), kind=INDEX) for name in self.images}

    def run(self, *arguments: str) -> int:
        return main([*arguments, "-C", str(self.root)])

    def locked(self) -> dict[str, str]:
        return json.loads(self.lock.read_text())["images"]


@pytest.fixture
def platform(tmp_path: Path, registry: str, monkeypatch: pytest.MonkeyPatch) -> Platform:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    return Platform(tmp_path / "repository", registry)


def test_every_image_of_the_tree_is_pinned_by_what_its_tag_stands_for(platform: Platform) -> None:
    pushed = platform.push()
    assert platform.run("lock", "-q") == 0
    assert platform.locked() == pushed
    assert platform.run("compile", "-q") == 0
    text = "".join(path.read_text() for path in (platform.root / "overlays").rglob("*.yaml"))
    images = {row.split("image: ")[1].strip() for row in text.splitlines() if row.strip().startswith(("image: ", "- image: "))}
    assert images == {f"{name}@{digest}" for name, digest in pushed.items()}


def test_a_lock_keeps_what_it_has_until_it_is_told_to_ask_anew(platform: Platform, capsys: pytest.CaptureFixture[str]) -> None:
    first = platform.push()
    assert platform.run("lock") == 0
    assert "2 images, 2 asked for, 0 removed" in capsys.readouterr().err
    moved = push(platform.host, "hub/vllm/vllm-openai", "v0.32.0", b"another")
    assert platform.run("lock", "--check") == 0 and platform.locked() == first
    assert platform.run("lock", "--update", "--check") == 5, "the tag stands for another image"
    assert moved in capsys.readouterr().err and platform.locked() == first
    assert platform.run("lock", "--update") == 0
    assert platform.locked()[f"{platform.host}/hub/vllm/vllm-openai:v0.32.0"] == moved


def test_an_image_that_is_not_pulled_any_more_leaves_the_lock(platform: Platform, capsys: pytest.CaptureFixture[str]) -> None:
    pushed = platform.push()
    platform.lock.write_text(json.dumps({"images": {**pushed, "docker.io/acme/gone:1": "sha256:" + "0" * 64}}))
    assert platform.run("lock") == 0
    assert "2 images, 0 asked for, 1 removed" in capsys.readouterr().err and platform.locked() == pushed


def test_nothing_is_written_unless_every_digest_is_had(platform: Platform, capsys: pytest.CaptureFixture[str]) -> None:
    pushed = platform.push()
    data = json.loads(platform.spec.read_text())
    data["serving"]["chat"]["image"] = f"{platform.host}/hub/acme/absent:v1.2"
    platform.spec.write_text(json.dumps(data))
    assert platform.run("lock") == 4
    assert "hub/acme/absent:v1.2: there is no such tag (404)" in capsys.readouterr().err and not platform.lock.exists()
    assert pushed


@pytest.fixture
def door(registry: str) -> Iterator[str]:
    """HOST:PORT that lets nobody through without a token, which its realm gives for one name and password."""

    class Answers(Handler):
        def do_GET(self) -> None:
            own = f"http://{self.headers['Host']}"
            if self.path.startswith("/token?"):
                assert "scope=repository%3Aprivate%2Fserver%3Apull" in self.path
                good = self.headers.get("Authorization") == "Basic " + base64.b64encode(b"me:secret").decode()
                self.say(200 if good else 401, b'{"token": "t0ken"}' if good else b"")
            elif self.headers.get("Authorization") != "Bearer t0ken":
                said = f'Bearer realm="{own}/token",service="door",scope="repository:private/server:pull"'
                self.say(401, b"", {"WWW-Authenticate": said})
            else:
                status, headers, body = call(registry, "GET", self.path, Accept=self.headers["Accept"])
                self.say(status, body, {key: headers[key] for key in ("Docker-Content-Digest", "Content-Type") if key in headers})

    with serving(Answers) as address:
        yield address


def test_a_registry_that_wants_a_token_gets_what_docker_login_left(
    registry: str, door: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = push(registry, "private/server", "1")
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    with pytest.raises(RegistryError, match=r"gives no token \(401\)"):
        digest_of(f"{door}/private/server:1")
    auth = base64.b64encode(b"me:secret").decode()
    (tmp_path / "config.json").write_text(json.dumps({"auths": {door: {"auth": auth}}}))
    assert digest_of(f"{door}/private/server:1") == digest


def test_a_registry_that_is_away_is_said_by_name() -> None:
    (port,) = free_ports(1)
    with pytest.raises(RegistryError, match=rf"127\.0\.0\.1:{port}/server:1: .*refused"):
        digest_of(f"127.0.0.1:{port}/server:1")


def test_a_link_beside_the_lock_is_not_followed(tmp_path: Path) -> None:
    from inferspec.files import replace_file

    victim = tmp_path / "victim"
    victim.write_text("mine")
    for name in ("platform.lock.json.part", f".platform.lock.json.{os.getpid()}", "platform.lock.json"):
        (tmp_path / name).symlink_to(victim)
    replace_file(tmp_path / "platform.lock.json", b"{}")
    assert victim.read_text() == "mine" and (tmp_path / "platform.lock.json").read_bytes() == b"{}"
    assert not (tmp_path / "platform.lock.json").is_symlink()


Answer = tuple[int, bytes, dict[str, str]]


def hostile(answers: dict[str, Answer], seen: list[tuple[str, str | None]]) -> type[Handler]:
    """A registry that answers what is said for the first of ``answers`` the path begins with; ``seen`` gets what it was asked."""

    class Hostile(Handler):
        def do_GET(self) -> None:
            seen.append((self.path, self.headers.get("Authorization")))
            self.close_connection = True
            status, body, headers = next(answer for path, answer in answers.items() if self.path.startswith(path))
            if "Content-Length" not in headers:
                return self.say(status, body, headers)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)
            return None

    return Hostile


def test_a_redirect_to_another_host_gets_no_credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    theirs: list[tuple[str, str | None]] = []
    ours: list[tuple[str, str | None]] = []
    with serving(hostile({"/": (200, b"{}", {})}, theirs)) as other:
        here: dict[str, Answer] = {}
        with serving(hostile(here, ours)) as host:
            (tmp_path / "config.json").write_text(json.dumps({"auths": {host: {"auth": "bWU6c2VjcmV0"}}}))
            here["/v2/"] = (401, b"", {"WWW-Authenticate": f'Bearer realm="http://{host}/moved"'})
            here["/moved"] = (302, b"", {"Location": f"http://{host}/again"})
            here["/again"] = (302, b"", {"Location": f"http://{other}/token"})
            with pytest.raises(RegistryError, match="without a token"):
                digest_of(f"{host}/a:1")
    sent = "Basic bWU6c2VjcmV0"
    assert [(path.partition("?")[0], said) for path, said in ours[1:]] == [("/moved", sent), ("/again", sent)]
    assert theirs == [("/token", None)]


@pytest.mark.parametrize(
    ("answers", "says"),
    [
        ({"/v2/": (307, b"", {"Location": "http://registry.acme.example/x"})}, "which is not encrypted"),
        ({"/v2/": (200, b"{}", {"Content-Length": "9"})}, "ends after 2 of 9 bytes"),
        ({"/v2/": (200, b"", {"Content-Length": "0", "Transfer-Encoding": "chunked"})}, "IncompleteRead"),
        ({"/v2/": (401, b"", {"WWW-Authenticate": 'Bearer realm="http://localhost.acme.example/t"'})}, "which is not encrypted"),
        ({"/v2/": (401, b"", {"WWW-Authenticate": "Bearer"})}, "of a kind that is not known"),
        ({"/v2/": (401, b"", {"WWW-Authenticate": 'Bearer realm="{own}/t"'}), "/t": (200, b"[]", {})}, "without a token"),
        ({"/v2/": (401, b"", {"WWW-Authenticate": 'Bearer realm="{own}/t"'}), "/t": (200, b'{"token": "a\\nb"}', {})}, "without a token"),
    ],
)
@pytest.mark.parametrize("config", ["[]", '{"auths": null}', '{"auths": {"x": 1}}'])
def test_answers_that_no_registry_gives_are_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answers: dict[str, Answer], says: str, config: str
) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    (tmp_path / "config.json").write_text(config)
    held: dict[str, Answer] = {}
    with serving(hostile(held, [])) as host:
        for path, (status, body, headers) in answers.items():
            held[path] = (status, body, {name: value.replace("{own}", f"http://{host}") for name, value in headers.items()})
        with pytest.raises(RegistryError, match=says):
            digest_of(f"{host}/a:1")
