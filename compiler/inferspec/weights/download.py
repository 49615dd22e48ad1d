"""One file over HTTP to disk, continued where an earlier attempt or run ended.

The Hugging Face client names its temporary files at random (2.4.0, ``_download_to_tmp_and_move``), so it begins again in a new
process; a Job that was moved to another node would load half a terabyte twice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Event
from typing import Any

from .errors import ENVIRONMENT, NO_INPUT, USAGE, Interrupted, Refusal
from .patience import Patience, Transient, persist, requested

_PIECE = 256 << 10
TIMEOUT = (10, 30)
"""Seconds to connect, and between two reads."""


def denied(answer: Any) -> Refusal:
    """A refusal that no attempt changes."""
    where, status = answer.url.partition("?")[0], answer.status_code
    if status in (401, 403):
        return Refusal(USAGE, f"{where} answers {status}: the credentials are missing, wrong or lack the right to read")
    if status in (404, 410):
        return Refusal(NO_INPUT, f"{where} is not there ({status})")
    return Refusal(ENVIRONMENT, f"{where} answers {status}")


def download(
    session: Any,
    url: str,
    to: Path,
    size: int | None,
    patience: Patience,
    stop: Event,
    *,
    headers: Mapping[str, str] = {},
    auth: Any = None,
    explain: Callable[[Any], Refusal] = denied,
) -> None:
    """Fetch ``url`` to ``to``; what stands there already is its beginning. ``size`` in bytes, None where nobody told.

    Raises Refusal, Interrupted. Content is not checked here: the caller knows its sums.
    """
    to.parent.mkdir(parents=True, exist_ok=True)

    def have() -> int:
        return to.stat().st_size if to.exists() else 0

    def attempt() -> None:
        start = have()
        if size is not None and start > size:
            to.unlink()
            start = 0
        if start == size:
            to.touch()
            return
        asked = {**headers, "Accept-Encoding": "identity", **({"Range": f"bytes={start}-"} if start else {})}
        with requested(lambda: session.get(url, headers=asked, auth=auth, stream=True, timeout=TIMEOUT)) as answer:
            if answer.status_code == 416 and size is None:
                return  # nothing follows: it was complete
            if answer.status_code not in (200, 206):
                raise explain(answer)
            if start and not answer.headers.get("Content-Range", "").startswith(f"bytes {start}-"):
                start = 0  # the server sends it from the beginning
            _write(answer, to, start, stop)
        if size is not None and have() != size:
            raise Transient(f"{url.partition('?')[0]} ended after {have():,} of {size:,} bytes")

    persist(attempt, patience, stop, have)


def _write(answer: Any, to: Path, start: int, stop: Event) -> None:
    """What comes, as it comes: of a connection that is cut, every byte that came is kept."""
    from urllib3.exceptions import HTTPError

    told, came = answer.headers.get("Content-Length"), 0
    with to.open("r+b" if start else "wb") as file:
        file.seek(start)
        try:
            while piece := answer.raw.read1(_PIECE, decode_content=False):
                file.write(piece)
                came += len(piece)
                if stop.is_set():
                    raise Interrupted
        except (HTTPError, ConnectionError) as fault:
            raise Transient(f"{answer.url.partition('?')[0]} was cut: {type(fault).__name__}") from fault
        except OSError as fault:
            raise Refusal(ENVIRONMENT, f"{to.parent}: {fault.strerror or fault}") from fault
    if told is not None and came != int(told):
        raise Transient(f"{answer.url.partition('?')[0]} ended after {came:,} of {int(told):,} bytes")
