"""Trying again: what is worth it, how often, and how long between."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from threading import Event
from typing import Any, TypeVar

from .errors import ENVIRONMENT, Interrupted, Refusal

T = TypeVar("T")

TRANSIENT_STATUS = frozenset({408, 429, 500, 502, 503, 504})
"""Answers that Cloud Storage's documentation ("Retry strategy") and the Hugging Face client retry."""


class Transient(Exception):
    """A fault that another attempt may not meet: a cut connection, a 503, a 429."""


@dataclass(frozen=True, slots=True)
class Patience:
    """Delays in seconds, doubled each time; ``attempts`` in a row without a byte of progress are the end."""

    first: float = 1.0
    most: float = 32.0
    attempts: int = 6


def persist(step: Callable[[], T], patience: Patience, stop: Event, progress: Callable[[], int] = lambda: 0) -> T:
    """What ``step`` returns, tried again after a Transient; attempts count anew once ``progress`` has grown.

    Raises Interrupted when ``stop`` is set, Refusal when the attempts are used up.
    """
    failed, reached = 0, progress()
    while True:
        if stop.is_set():
            raise Interrupted
        try:
            return step()
        except Transient as fault:
            if progress() > reached:
                failed, reached = 0, progress()
            failed += 1
            if failed >= patience.attempts:
                raise Refusal(ENVIRONMENT, f"{fault}; given up after {failed} attempts") from fault
            stop.wait(min(patience.most, patience.first * 2 ** (failed - 1)))


def requested(send: Callable[[], Any]) -> Any:
    """The answer of an HTTP request made with ``requests``; Transient where the connection failed or the server is busy."""
    from google.auth.exceptions import TransportError
    from requests.exceptions import ChunkedEncodingError, ConnectionError, ContentDecodingError, Timeout

    try:
        answer = send()
    except (ConnectionError, Timeout, ChunkedEncodingError, ContentDecodingError, TransportError) as fault:
        raise Transient(f"the connection failed: {type(fault).__name__}") from fault
    if answer.status_code in TRANSIENT_STATUS:
        answer.close()
        raise Transient(f"{answer.url.partition('?')[0]} answers {answer.status_code}")
    return answer
