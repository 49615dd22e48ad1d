"""Kaggle and the web, over real HTTP. Kaggle's API is played by a stand-in of ours: tests do not reach Kaggle."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import io
import json
import re
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from tests.webserver import Handler, serving
from tests.weights.conftest import Bench, safetensors
from tests.weights.faults import Fault, Proxy

FILES = {"config.json": b"{}", "weights/model.safetensors": safetensors(200_000), "a b.txt": b"spaces\n"}
HANDLE = "acme/tiny/transformers/base/3"


class Site:
    """Answers of a web site by path; ``asked`` has what was asked of it, with its credentials and range."""

    def __init__(self) -> None:
        self.pages: dict[str, bytes] = {}
        self.asked: list[tuple[str, str, str]] = []
        self.url = ""

    def answer(self, path: str, query: dict[str, list[str]], login: str) -> tuple[int, bytes]:
        found = self.pages.get(path)
        return (404, b"") if found is None else (200, found)


class Kaggle(Site):
    """Lists of two a page, files by name, credentials wanted (paths of Kaggle/kagglehub@0036d9b)."""

    def answer(self, path: str, query: dict[str, list[str]], login: str) -> tuple[int, bytes]:
        if login != "Basic " + base64.b64encode(b"me:secret").decode():
            return 401, b""
        root = f"/api/v1/models/{HANDLE}"
        if path == f"{root}/files":
            start = int(query.get("page_token", ["0"])[0])
            listed = [{"name": name, "size": len(data)} for name, data in list(FILES.items())[start : start + 2]]
            return 200, json.dumps({"files": listed, "nextPageToken": str(start + 2) if start + 2 < len(FILES) else ""}).encode()
        data = FILES.get(path.removeprefix(f"{root}/download/"))
        return (404, b"") if data is None else (200, data)


@contextlib.contextmanager
def up(site: Site) -> Iterator[Site]:
    class Answers(Handler):
        def do_GET(self) -> None:
            url = urlsplit(self.path)
            login, span = self.headers.get("Authorization", ""), self.headers.get("Range", "")
            site.asked.append((unquote(url.path), login, span))
            status, body = site.answer(unquote(url.path), parse_qs(url.query), login)
            headers = {}
            if status == 200 and (start := re.fullmatch(r"bytes=(\d+)-", span)):
                headers = {"Content-Range": f"bytes {start[1]}-{len(body) - 1}/{len(body)}"}
                body = body[int(start[1]) :]
            self.say(206 if span and status == 200 else status, body, headers)

    with serving(Answers) as address:
        site.url = f"http://{address}"
        yield site


@pytest.fixture(params=[Kaggle])
def kaggle(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    with up(request.param()) as site:
        monkeypatch.setenv("KAGGLE_API_ENDPOINT", site.url)
        yield site


@pytest.fixture
def web() -> Iterator[Site]:
    with up(Site()) as site:
        yield site


@pytest.mark.parametrize("text", ['{"username": "me", "key": "secret"}', "me:secret\n"])
def test_kaggle(bench: Bench, kaggle: Site, tmp_path: Path, text: str) -> None:
    (tmp_path / "kaggle.json").write_text(text)
    source = ("--source", f"kaggle://{HANDLE}", "--revision", "3", "--token-file", str(tmp_path / "kaggle.json"))
    assert bench.publish(*source) == 0, bench.err
    said = bench.manifest()
    assert (said["source"], said["revision"]) == (f"kaggle://{HANDLE}", "3")
    assert {name: bench.content(name) for name in said["files"]} == FILES
    assert bench.publish(*source) == 0 and "nothing to do" in bench.out


def test_kaggle_without_credentials_with_wrong_ones_and_with_another_version(bench: Bench, kaggle: Site, tmp_path: Path) -> None:
    assert bench.publish("--source", f"kaggle://{HANDLE}", "--revision", "4") == 2
    assert "is not the version" in bench.err
    assert bench.publish("--source", f"kaggle://{HANDLE}", "--revision", "3") == 2
    assert "answers 401: accept its licence" in bench.err and len(kaggle.asked) == 1
    (tmp_path / "key").write_text("{}")
    assert bench.publish("--source", f"kaggle://{HANDLE}", "--revision", "3", "--token-file", str(tmp_path / "key")) == 2
    assert "has no Kaggle credentials" in bench.err and bench.objects() == {}


def archive(files: dict[str, bytes], *, link: bool = False) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name, data in files.items():
            member = tarfile.TarInfo(f"./{name}")
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
        if link:
            member = tarfile.TarInfo("passwd")
            member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
            tar.addfile(member)
    return out.getvalue()


def order(site: Site, path: str, data: bytes) -> tuple[str, ...]:
    site.pages[path] = data
    return ("--source", f"{site.url}{path}", "--sha256", hashlib.sha256(data).hexdigest(), "--revision", "")


def test_one_file_of_the_web(bench: Bench, web: Site) -> None:
    assert bench.publish(*order(web, "/v1/model.safetensors", FILES["weights/model.safetensors"])) == 0, bench.err
    said = bench.manifest()
    assert (
        said["revision"] == said["files"]["model.safetensors"]["sha256"] == hashlib.sha256(web.pages["/v1/model.safetensors"]).hexdigest()
    )


def test_an_archive_of_the_web(bench: Bench, web: Site) -> None:
    assert bench.publish(*order(web, "/tiny.tar.gz", archive(FILES))) == 0, bench.err
    assert {name: bench.content(name) for name in bench.manifest()["files"]} == FILES
    assert not list(bench.scratch.iterdir()), "the archive is gone too"


def test_an_archive_goes_on_where_it_was_cut(bench: Bench, web: Site, proxied: Callable[[str], Proxy]) -> None:
    proxy = proxied(web.url)
    proxy.faults = [Fault(lambda method, path: True, cut=1000), Fault(lambda method, path: True, times=99, status=503)]
    source = order(web, "/tiny.tar.gz", archive(FILES))
    through = (source[0], f"{proxy.url}/tiny.tar.gz", *source[2:])
    assert bench.publish(*through) == 4 and bench.objects() == {}
    proxy.faults = []
    assert bench.publish(*through) == 0, bench.err
    assert web.asked[-1][2] == "bytes=1000-"


def test_other_content_than_its_sha256(bench: Bench, web: Site) -> None:
    source = order(web, "/tiny.tar.gz", archive(FILES))
    web.pages["/tiny.tar.gz"] += b"?"
    assert bench.publish(*source) == 1
    assert "has sha256" in bench.err and bench.objects() == {}
    assert bench.publish(*source[:2], "--revision", "") == 2 and "give the sha256" in bench.err


def test_an_archive_with_a_link(bench: Bench, web: Site) -> None:
    assert bench.publish(*order(web, "/tiny.tar.gz", archive(FILES, link=True))) == 1
    assert "holds passwd, which is no plain file" in bench.err and bench.objects() == {}


def test_no_archive_and_nothing_there(bench: Bench, web: Site) -> None:
    assert bench.publish(*order(web, "/tiny.tar.gz", b"not a tar")) == 1
    assert "is no tar archive" in bench.err
    assert bench.publish("--source", f"{web.url}/nothing", "--sha256", "0" * 64, "--revision", "") == 3
    assert "is not there (404)" in bench.err and bench.objects() == {}
