"""The three APIs that are asked, by GET alone."""

from __future__ import annotations

import os
from threading import Event
from typing import Any

from ..weights.bucket import TIMEOUT, Prefix, default_credentials
from ..weights.errors import ENVIRONMENT, Refusal
from ..weights.patience import Patience, persist, requested
from ..weights.sources import required

SCOPE = "https://www.googleapis.com/auth/cloud-platform.read-only"
ENDPOINTS = {
    "storage": ("STORAGE_EMULATOR_HOST", "https://storage.googleapis.com"),
    "secrets": ("INFERSPEC_SECRETMANAGER_ENDPOINT", "https://secretmanager.googleapis.com"),
    "compute": ("INFERSPEC_COMPUTE_ENDPOINT", "https://compute.googleapis.com"),
}
"""Variable that names another server, and the public one. With STORAGE_EMULATOR_HOST nothing is signed."""


class Cloud:
    """Raises Refusal where there are no credentials, they do not work, or an API does not answer."""

    def __init__(self, patience: Patience) -> None:
        self.patience, self.stop = patience, Event()
        self._credentials = default_credentials([SCOPE])
        self._session = required("google.auth.transport.requests").AuthorizedSession(self._credentials)

    def get(self, api: str, path: str) -> tuple[int, Any]:
        """Status and JSON of a resource; the JSON is empty where the status is 403 or 404."""
        from google.auth.exceptions import GoogleAuthError

        variable, public = ENDPOINTS[api]
        url = f"{os.environ.get(variable) or public}{path}"
        try:
            answer = persist(lambda: requested(lambda: self._session.get(url, timeout=TIMEOUT)), self.patience, self.stop)
        except GoogleAuthError as fault:
            raise Refusal(ENVIRONMENT, f"the Google Cloud credentials do not work: {fault}") from None
        if answer.status_code in (403, 404):
            return answer.status_code, {}
        if answer.status_code != 200:
            raise Refusal(ENVIRONMENT, f"{url} answers {answer.status_code}")
        return 200, answer.json()

    def prefix(self, target: str) -> Prefix:
        return Prefix(target, self.patience, self.stop, credentials=self._credentials)


def unseen(status: int) -> str:
    """What an answer says of a thing that was not shown."""
    return "it does not exist" if status == 404 else "this identity may not see it, if it exists (403)"
