"""A web server of a test, on a free port of this machine."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Handler(BaseHTTPRequestHandler):
    """Keeps connections open, writes no log."""

    protocol_version = "HTTP/1.1"

    def say(self, status: int, body: bytes = b"", headers: Mapping[str, str] | None = None) -> None:
        """The whole answer; its body is left out where HEAD asked."""
        self.send_response(status)
        for name, value in {**(headers or {}), "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextlib.contextmanager
def serving(handler: type[Handler], at: tuple[str, int] = ("127.0.0.1", 0)) -> Iterator[str]:
    """Its HOST:PORT, until the block is left; ``at`` is a loopback address, and a port or 0."""
    server = ThreadingHTTPServer(at, handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield f"{at[0]}:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
