"""A web server on the loopback address that serves one file, well or badly."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

STALL_LIMIT_S = 20.0


@dataclass
class FileServer:
    """What is served and how; `asked` keeps path and headers of each request."""

    contents: bytes
    etag: str = '"v1"'
    cut_after: list[int] = field(default_factory=list)
    """Bytes that connection n brings before it breaks."""

    stall_after: list[int] = field(default_factory=list)
    """Bytes that connection n brings before it falls silent."""

    ranges: bool = True
    redirect: str = ""
    """Address that every request under /moved is sent on to."""

    pages: dict[str, bytes] = field(default_factory=dict)
    """Path → web page."""

    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    port: int = 0
    silent: threading.Event = field(default_factory=threading.Event)
    """Set once a connection has fallen silent."""

    ended: threading.Event = field(default_factory=threading.Event)

    def url(self, path: str = "/model.bin", host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"


@contextmanager
def serving(contents: bytes, **behaviour: object) -> Iterator[FileServer]:
    plan = FileServer(contents, **behaviour)  # type: ignore[arg-type]

    class Handler(_Handler):
        served = plan

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    plan.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), name="file-server")
    thread.start()
    try:
        yield plan
    finally:
        plan.ended.set()
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    served: FileServer

    def do_GET(self) -> None:
        plan = self.served
        plan.asked.append((self.path, {key.title(): value for key, value in self.headers.items()}))
        if self.path.startswith("/moved"):
            self._head(302, {"Location": plan.redirect, "Content-Length": "0"})
        elif self.path in plan.pages:
            page = plan.pages[self.path]
            self._head(200, {"Content-Type": "text/html", "Content-Length": str(len(page))})
            self.wfile.write(page)
        elif self.path.startswith("/none"):
            self._head(404, {"Content-Length": "0"})
        else:
            self._file(plan)

    def _file(self, plan: FileServer) -> None:
        asked = self.headers.get("Range", "")
        fresh = self.headers.get("If-Range", plan.etag) == plan.etag
        start = int(asked[6:-1]) if asked and plan.ranges and fresh else 0
        total = len(plan.contents)
        if start >= total:
            self._head(416, {"Content-Range": f"bytes */{total}", "Content-Length": "0"})
            return
        headers = {"ETag": plan.etag, "Content-Length": str(total - start)}
        if start:
            headers["Content-Range"] = f"bytes {start}-{total - 1}/{total}"
        self._head(206 if start else 200, headers)
        cut = plan.cut_after.pop(0) if plan.cut_after else total
        stall = plan.stall_after.pop(0) if plan.stall_after else total
        self.wfile.write(plan.contents[start : start + min(cut, stall)])
        if stall < total - start:
            plan.silent.set()
            plan.ended.wait(STALL_LIMIT_S)
        elif cut < total - start:
            self.connection.shutdown(socket.SHUT_RDWR)

    def _head(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def handle(self) -> None:
        try:
            super().handle()
        except ConnectionError:
            return

    def log_message(self, format: str, *args: object) -> None:
        return
