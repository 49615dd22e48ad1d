"""A prefix of a Cloud Storage bucket, by the official client."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Event
from typing import Any, TypeVar

from .errors import ENVIRONMENT, NO_INPUT, USAGE, Refusal
from .patience import TRANSIENT_STATUS, Patience, Transient, persist
from .sources import required

T = TypeVar("T")
_SCOPE = "https://www.googleapis.com/auth/devstorage.read_write"
_TARGET = re.compile(r"gs://([a-z0-9][-a-z0-9_.]{1,61}[a-z0-9])/(\S*[^/\s])/?")
TIMEOUT = (10, 60)
"""Seconds to connect, and between two reads."""


@dataclass(frozen=True, slots=True)
class Stored:
    """An object as the server tells it; ``crc32c`` in base64."""

    bytes: int
    crc32c: str
    generation: int
    metadata: Mapping[str, str]


def parse_target(target: str) -> tuple[str, str]:
    """``gs://BUCKET/PREFIX`` -> bucket and prefix. Raises Refusal: the prefix is lower case, as the compiler writes it."""
    parts = _TARGET.fullmatch(target)
    if parts is None or any(step in ("", ".", "..") for step in parts[2].split("/")):
        raise Refusal(USAGE, f"{target} is no folder of a bucket: gs://BUCKET/PREFIX")
    if parts[2] != parts[2].lower():
        raise Refusal(
            USAGE, f"{target}: Cloud Storage tells case apart, sources do not; write the prefix in lower case: {parts[2].lower()}"
        )
    return parts[1], parts[2]


class Prefix:
    """A folder of a bucket. Every method raises Refusal or Interrupted."""

    def __init__(self, target: str, patience: Patience, stop: Event, *, credentials: Any = None) -> None:
        self.bucket, self.path = parse_target(target)
        self.patience, self.stop = patience, stop
        storage = required("google.cloud.storage")
        self._faults = required("google.api_core.exceptions")
        credentials = credentials or default_credentials([_SCOPE])
        self.session = required("google.auth.transport.requests").AuthorizedSession(credentials)
        self.endpoint = os.environ.get("STORAGE_EMULATOR_HOST") or "https://storage.googleapis.com"
        self._client = storage.Client(project="inferspec", credentials=credentials)
        self._bucket = self._client.bucket(self.bucket)

    def __str__(self) -> str:
        return f"gs://{self.bucket}/{self.path}"

    def key(self, name: str) -> str:
        return f"{self.path}/{name}"

    def objects(self) -> dict[str, Stored]:
        """Every object of the folder by its name in it."""
        listed = self._asked(lambda: list(self._client.list_blobs(self._bucket, prefix=f"{self.path}/", retry=None, timeout=TIMEOUT)))
        return {blob.name.removeprefix(f"{self.path}/"): _stored(blob) for blob in listed if not blob.name.endswith("/")}

    def object(self, name: str) -> Stored | None:
        blob = self._asked(lambda: self._bucket.get_blob(self.key(name), retry=None, timeout=TIMEOUT))
        return None if blob is None else _stored(blob)

    def read(self, name: str, start: int = 0, count: int | None = None) -> bytes:
        """``count`` bytes from ``start``, or all of a small object."""
        end = None if count is None else start + count - 1
        if count == 0:
            return b""
        blob = self._bucket.blob(self.key(name))
        checksum = "crc32c" if count is None else None  # a part of an object has no checksum
        return bytes(
            self._asked(lambda: blob.download_as_bytes(start=start or None, end=end, checksum=checksum, retry=None, timeout=TIMEOUT))
        )

    def create(self, name: str, text: str) -> bool:
        """Write an object that must not exist yet; False where it does, even if an attempt of ours made it."""
        blob = self._bucket.blob(self.key(name))

        def write() -> bool:
            try:
                blob.upload_from_string(text, "application/json", if_generation_match=0, checksum="crc32c", retry=None, timeout=TIMEOUT)
            except self._faults.PreconditionFailed:
                return False
            return True

        return self._asked(write)

    def _asked(self, step: Callable[[], T]) -> T:
        """An answer of the client; its own retries are off, so that ours are the only ones and end when they should."""
        from google.auth.exceptions import GoogleAuthError, TransportError
        from requests.exceptions import RequestException

        def once() -> T:
            try:
                return step()
            except self._faults.GoogleAPICallError as fault:
                if fault.code in TRANSIENT_STATUS:
                    raise Transient(f"{self}: Cloud Storage answers {fault.code}") from fault
                raise self.refused(fault.code) from None
            except (RequestException, TransportError, ConnectionError) as fault:
                raise Transient(f"{self}: the connection failed: {type(fault).__name__}") from fault
            except GoogleAuthError as fault:
                raise Refusal(ENVIRONMENT, f"{self}: the credentials do not work: {fault}") from None
            except required("google.cloud.storage.exceptions").DataCorruption as fault:
                raise Transient(f"{self}: what came is not what was sent") from fault

        return persist(once, self.patience, self.stop)

    def refused(self, status: int | None) -> Refusal:
        if status in (401, 403):
            return Refusal(
                USAGE,
                f"gs://{self.bucket} answers {status}: this identity may not: reading needs roles/storage.objectViewer, writing objectUser",
            )
        if status == 404:
            return Refusal(
                NO_INPUT,
                f"there is no bucket {self.bucket}, or this identity may not: reading needs roles/storage.objectViewer, writing objectUser",
            )
        return Refusal(ENVIRONMENT, f"{self}: Cloud Storage answers {status}")


def default_credentials(scopes: list[str]) -> Any:
    """Of the environment; anonymous where STORAGE_EMULATOR_HOST names another server. Raises Refusal without any."""
    auth = required("google.auth")
    if os.environ.get("STORAGE_EMULATOR_HOST"):
        return required("google.auth.credentials").AnonymousCredentials()
    try:
        return auth.default(scopes=scopes)[0]
    except auth.exceptions.DefaultCredentialsError:
        raise Refusal(
            ENVIRONMENT,
            "there are no Google Cloud credentials: Workload Identity in a cluster, `gcloud auth application-default login` elsewhere",
        ) from None


def _stored(blob: Any) -> Stored:
    return Stored(int(blob.size or 0), blob.crc32c or "", int(blob.generation or 0), blob.metadata or {})
