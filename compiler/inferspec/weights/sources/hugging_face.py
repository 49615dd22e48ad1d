"""``hf://ORG/NAME`` at a commit: the hub's client for what there is, our own download for the bytes."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import Any, TypeVar

from ..download import denied, download
from ..errors import ENVIRONMENT, INCOMPLETE, NO_INPUT, USAGE, Refusal
from ..files import SourceFile
from ..patience import TRANSIENT_STATUS, Transient, persist
from . import Order, connected, required, token

T = TypeVar("T")


class HuggingFace:
    """A repository of the Hugging Face Hub, or of the endpoint that HF_ENDPOINT names."""

    def __init__(self, repository: str, order: Order, stop: Event) -> None:
        self.hub = required("huggingface_hub")
        self.name, self.revision = order.source, order.revision
        self._repository, self._order, self._stop = repository, order, stop
        self._token = token(order.token_file)
        self._session = connected()
        self._endpoint = os.environ.get("HF_ENDPOINT") or None

    def files(self) -> list[SourceFile]:
        api = self.hub.HfApi(endpoint=self._endpoint, token=self._token or False)
        info = self._asked(lambda: api.model_info(self._repository, revision=self.revision))
        if info.sha != self.revision:
            raise Refusal(INCOMPLETE, f"{self.name} at {self.revision} is {info.sha} to the hub")
        tree = self._asked(lambda: list(api.list_repo_tree(self._repository, revision=self.revision, recursive=True)))
        return [self._file(entry) for entry in tree if isinstance(entry, self.hub.hf_api.RepoFile)]

    @staticmethod
    def _file(entry: Any) -> SourceFile:
        """Large files have a sha256, the others the id of their git blob (Hugging Face Hub API, "tree")."""
        sha256 = entry.lfs.sha256 if entry.lfs else None
        return SourceFile(entry.path, int(entry.size), sha256, None if sha256 else entry.blob_id)

    def fetch(self, file: SourceFile, to: Path) -> None:
        url = self.hub.hf_hub_url(self._repository, file.name, revision=self.revision, endpoint=self._endpoint)
        headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}

        def explain(answer: Any) -> Refusal:
            return self._refused(answer, file.name)

        download(self._session, url, to, file.bytes, self._order.patience, self._stop, headers=headers, explain=explain)

    def space(self) -> int:
        return 0

    def release(self) -> None:
        """Every file has gone already."""

    def _asked(self, step: Callable[[], T]) -> T:
        """An answer of the hub's client, whose faults are ours to retry or to explain."""
        transport = required("httpx2").TransportError
        fault_of_hub = self.hub.errors.HfHubHTTPError

        def once() -> T:
            try:
                return step()
            except fault_of_hub as fault:
                status = fault.response.status_code
                if status in TRANSIENT_STATUS:
                    raise Transient(f"the hub answers {status}") from fault
                raise self._refused(fault.response, "") from None
            except transport as fault:
                raise Transient(f"the connection to the hub failed: {type(fault).__name__}") from fault
            except ValueError as fault:  # an answer that was cut is no JSON
                raise Transient(f"the hub's answer cannot be read: {fault}") from fault

        return persist(once, self._order.patience, self._stop)

    def _refused(self, answer: Any, file: str) -> Refusal:
        """The hub names the reason in a header (huggingface_hub 2.4.0, ``hf_raise_for_status``)."""
        status, reason = answer.status_code, answer.headers.get("X-Error-Code", "")
        if reason == "GatedRepo":
            way = "this token's account has not" if self._token else "give a token of an account that has (--token-file)"
            return Refusal(USAGE, f"{self.name} is gated: accept its licence on the model's page; {way}")
        if status in (401, 403):
            what = "the token is wrong or lacks the right to read" if self._token else "it needs a token (--token-file), or is not there"
            return Refusal(USAGE, f"{self.name} answers {status}: {what}")
        if reason in ("RepoNotFound", "RevisionNotFound", "EntryNotFound") or status == 404:
            return Refusal(NO_INPUT, f"{self.name} has no {file or f'revision {self.revision}'}, or the token may not see it")
        return denied(answer) if file else Refusal(ENVIRONMENT, f"{self.name}: the hub answers {status}")
