"""A small Hugging Face endpoint over real HTTP: model info, tree, resolve with ranges, gated repositories.

It stands in for the hub, which tests do not reach; headers and fields as huggingface_hub 2.4.0 reads them.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

from tests.webserver import Handler, serving

LFS_FROM = 1024
"""Bytes from which the hub keeps a file by its sha256."""


@dataclass
class Hub:
    """Repositories by name. ``gated`` ones want the token ``letmein``; ``asked`` has every request line."""

    files: dict[str, dict[str, bytes]] = field(default_factory=dict)
    gated: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)
    url: str = ""

    def add(self, repository: str, files: dict[str, bytes]) -> str:
        """The commit of the repository: it follows from the content, as git's does."""
        self.files[repository] = files
        return self.commit(repository)

    def commit(self, repository: str) -> str:
        total = hashlib.sha1()
        for name, data in sorted(self.files[repository].items()):
            total.update(f"{name}\0{len(data)}\0".encode() + data)
        return total.hexdigest()

    @contextlib.contextmanager
    def up(self) -> Iterator[Hub]:
        hub = self

        class Answers(Handler):
            def do_GET(self) -> None:
                hub.answer(self)

            do_HEAD = do_GET

            def log_message(self, format: str, *args: Any) -> None:
                hub.asked.append(f"{self.command} {self.path} {self.headers.get('Range', '')}".strip())

        with serving(Answers) as address:
            self.url = f"http://{address}"
            yield self

    def answer(self, request: Handler) -> None:
        path = unquote(urlsplit(request.path).path)
        if info := re.fullmatch(r"/api/models/([^/]+/[^/]+)/(revision|tree)/([0-9a-f]{40})", path):
            repository, what, commit = info.groups()
            if self._refused(request, repository, commit, gate=False):
                return
            said: Any = self._tree(repository) if what == "tree" else {"id": repository, "sha": commit, "siblings": [], "tags": []}
            request.say(200, json.dumps(said).encode(), {"Content-Type": "application/json"})
        elif file := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([0-9a-f]{40})/(.+)", path):
            repository, commit, name = file.groups()
            if not self._refused(request, repository, commit, gate=True):
                self._resolve(request, repository, commit, name)
        else:
            request.say(404)

    def _refused(self, request: Handler, repository: str, commit: str, *, gate: bool) -> bool:
        if repository not in self.files:
            request.say(401, b"", {"X-Error-Code": "RepoNotFound"})
        elif commit != self.commit(repository):
            request.say(404, b"", {"X-Error-Code": "RevisionNotFound"})
        elif gate and repository in self.gated and request.headers.get("Authorization") != "Bearer letmein":
            request.say(403 if "Authorization" in request.headers else 401, b"", {"X-Error-Code": "GatedRepo"})
        else:
            return False
        return True

    def _tree(self, repository: str) -> list[dict[str, Any]]:
        found = []
        for name, data in self.files[repository].items():
            entry: dict[str, Any] = {"type": "file", "path": name, "size": len(data)}
            entry["oid"] = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
            if len(data) >= LFS_FROM:
                entry["lfs"] = {"oid": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 134}
            found.append(entry)
        return found

    def _resolve(self, request: Handler, repository: str, commit: str, name: str) -> None:
        data = self.files[repository].get(name)
        if data is None:
            request.say(404, b"", {"X-Error-Code": "EntryNotFound"})
            return
        headers = {"ETag": f'"{hashlib.sha256(data).hexdigest()}"', "X-Repo-Commit": commit, "Accept-Ranges": "bytes"}
        wanted = re.fullmatch(r"bytes=(\d+)-", request.headers.get("Range", ""))
        if wanted is None:
            request.say(200, data, headers)
        else:
            start = int(wanted[1])
            request.say(206, data[start:], headers | {"Content-Range": f"bytes {start}-{len(data) - 1}/{len(data)}"})
