"""``kaggle://OWNER/MODEL/FRAMEWORK/VARIATION/VERSION`` by Kaggle's public HTTP API.

Paths as Kaggle/kagglehub@0036d9b has them (``http_resolver.py``). The API tells sizes and no checksums.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from threading import Event
from typing import Any
from urllib.parse import quote

from ..download import TIMEOUT, denied, download
from ..errors import ENVIRONMENT, USAGE, Refusal
from ..files import SourceFile
from ..patience import persist, requested
from . import Order, connected, token

ENDPOINT = "https://www.kaggle.com"


class Kaggle:
    """A version of a Kaggle model; KAGGLE_API_ENDPOINT names another endpoint."""

    def __init__(self, handle: str, order: Order, stop: Event) -> None:
        self.name, self.revision = order.source, handle.rpartition("/")[2]
        self._order, self._stop = order, stop
        self._url = f"{os.environ.get('KAGGLE_API_ENDPOINT', ENDPOINT)}/api/v1/models/{handle}"
        self._session = connected()
        self._login = _login(order.token_file)

    def files(self) -> list[SourceFile]:
        found, page = [], ""
        while True:
            said = persist(lambda page=page: self._page(page), self._order.patience, self._stop)  # type: ignore[misc]
            found += [SourceFile(str(entry["name"]).lstrip("/"), int(entry["size"])) for entry in said["files"]]
            page = said.get("nextPageToken") or ""
            if not page:
                return found

    def _page(self, page: str) -> Any:
        asked = {"page_size": "200", **({"page_token": page} if page else {})}
        answer = requested(lambda: self._session.get(f"{self._url}/files", params=asked, auth=self._login, timeout=TIMEOUT))
        if answer.status_code != 200:
            raise self._refused(answer)
        said = answer.json()
        if not isinstance(said, dict) or "files" not in said:
            raise Refusal(ENVIRONMENT, f"{self.name}: the answer of Kaggle has no list of files")
        return said

    def fetch(self, file: SourceFile, to: Path) -> None:
        url = f"{self._url}/download/{quote(file.name)}"
        download(self._session, url, to, file.bytes, self._order.patience, self._stop, auth=self._login, explain=self._refused)

    def space(self) -> int:
        return 0

    def release(self) -> None:
        """Every file has gone already."""

    def _refused(self, answer: Any) -> Refusal:
        if answer.status_code in (401, 403):
            return Refusal(USAGE, f"{self.name} answers {answer.status_code}: accept its licence on the model's page, or check the API key")
        return denied(answer)


def _login(path: Path | None) -> tuple[str, str] | None:
    """Of a kaggle.json, ``{"username": …, "key": …}``, or of a line USER:KEY."""
    text = token(path)
    if not text:
        return None
    try:
        said = json.loads(text)
        return str(said["username"]), str(said["key"])
    except (ValueError, KeyError, TypeError):
        user, colon, key = text.partition(":")
        if colon and not text.startswith("{"):
            return user, key
        raise Refusal(USAGE, f"{path} has no Kaggle credentials: kaggle.json as Kaggle gives it, or USER:KEY") from None
