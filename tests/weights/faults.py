"""An HTTP proxy that does what networks do: cuts connections, answers 503, loses answers, is slow, changes bytes."""

from __future__ import annotations

import contextlib
import http.client
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from urllib.parse import urlsplit

from tests.webserver import Handler, serving


@dataclass
class Fault:
    """What befalls the requests that ``when`` picks, ``times`` of them.

    status   answered with it, never forwarded
    cut      the connection ends after so many bytes of the answer's body
    lost     forwarded, and the connection ends in place of the answer
    refused  the connection ends before it is forwarded
    change   makes another body of the answer
    pause    seconds between two pieces of the answer, of 16 KiB each
    call     is called before the request is forwarded
    """

    when: Callable[[str, str], bool]
    times: int = 1
    status: int = 0
    cut: int = -1
    lost: bool = False
    refused: bool = False
    change: Callable[[bytes], bytes] | None = None
    pause: float = 0
    call: Callable[[], None] | None = None


@dataclass
class Proxy:
    """In front of one server. ``asked`` has the method and path of every request, ``met`` counts faults."""

    upstream: str
    faults: list[Fault] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    met: int = 0
    url: str = ""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextlib.contextmanager
    def up(self) -> Iterator[Proxy]:
        proxy = self

        class PassesOn(Handler):
            def handle_any(self) -> None:
                proxy.pass_on(self)

            do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = do_PATCH = handle_any

        with serving(PassesOn) as address:
            self.url = f"http://{address}"
            yield self

    def _fault(self, method: str, path: str) -> Fault | None:
        with self._lock:
            self.asked.append(f"{method} {path}")
            for fault in self.faults:
                if fault.times > 0 and fault.when(method, path):
                    fault.times -= 1
                    self.met += 1
                    return fault
        return None

    def pass_on(self, request: Handler) -> None:
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        fault = self._fault(request.command, request.path)
        if fault and fault.call:
            fault.call()
        if fault and fault.refused:
            request.close_connection = True
            return
        if fault and fault.status:
            request.say(fault.status)
            return
        status, headers, answer = self._forward(request, body)
        if fault and fault.lost:
            request.close_connection = True
            return
        if fault and fault.change:
            answer = fault.change(answer)
        self._answer(request, fault, status, headers, answer)

    def _forward(self, request: BaseHTTPRequestHandler, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        server = urlsplit(self.upstream)
        connection = http.client.HTTPConnection(server.hostname or "", server.port, timeout=30)
        headers = {name: value for name, value in request.headers.items() if name.lower() not in ("connection", "accept-encoding")}
        connection.request(request.command, request.path, body, headers)
        answer = connection.getresponse()
        data = answer.read()
        connection.close()
        kept = [(n, v.replace(self.upstream, self.url)) for n, v in answer.getheaders() if n.lower() not in _OURS]
        return answer.status, kept, data

    @staticmethod
    def _answer(request: BaseHTTPRequestHandler, fault: Fault | None, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        request.send_response_only(status)
        for name, value in headers:
            request.send_header(name, value)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        if fault and fault.cut >= 0:
            request.wfile.write(body[: fault.cut])
            request.close_connection = True
            return
        step = 16 << 10 if fault and fault.pause else max(1, len(body))
        for start in range(0, len(body), step):
            request.wfile.write(body[start : start + step])
            request.wfile.flush()
            time.sleep(fault.pause if fault else 0)


_OURS = ("connection", "content-length", "transfer-encoding", "keep-alive")
