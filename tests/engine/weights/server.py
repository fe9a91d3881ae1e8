"""A server of one file that answers as badly as it is told to."""

from __future__ import annotations

import contextlib
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass
class Served:
    """What is served, how, and what was asked for."""

    content: bytes
    address: str = ""
    """Of the file."""

    status: int = 200
    ranges: bool = True
    """Whether parts are sent."""

    breaks: list[int] = field(default_factory=list)
    """After how many bytes each of the first answers breaks off."""

    stuck: threading.Event | None = None
    """Where there is one, nothing but the first byte is sent before it is set."""

    asked: list[str] = field(default_factory=list)
    """What each request asked for: its path and its range."""

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        wanted = request.headers.get("Range", "")
        self.asked.append(f"{request.path} {wanted}".strip())
        first = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and self.ranges else 0
        status = self.status
        if status == 200 and first:
            status = 206 if first < len(self.content) else 416
        body = self.content[first:] if status in {200, 206} else b"no"
        request.send_response(status)
        request.send_header("Content-Length", str(len(body)))
        if status == 206:
            request.send_header("Content-Range", f"bytes {first}-{len(self.content) - 1}/{len(self.content)}")
        request.end_headers()
        if self.stuck is not None:
            request.wfile.write(body[:1])
            self.stuck.wait()
            return
        request.wfile.write(body[: self.breaks.pop(0)] if self.breaks else body)


@contextlib.contextmanager
def serving(content: bytes, name: str = "weights.h5") -> Iterator[Served]:
    """Serve a file on this machine."""
    served = Served(content)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            with contextlib.suppress(OSError):  # who asked has gone
                served.answer(self)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served.address = f"http://127.0.0.1:{server.server_port}/{name}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield served
    finally:
        if served.stuck is not None:
            served.stuck.set()
        server.shutdown()
        server.server_close()
        thread.join()
