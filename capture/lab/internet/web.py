"""The web servers of the small internet: they take what is sent, note it, and answer something plausible."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any

from capture.lab.internet.http_server import QuietServer
from capture.lab.internet.journal import Journal

_KEPT = 4 << 20


class Site(QuietServer):
    """One web server; `pages` maps a path to its text."""

    def __init__(self, address: str, port: int, kind: str, pages: dict[str, str], journal: Journal) -> None:
        self.kind, self.pages, self.journal = kind, pages, journal
        super().__init__((address, port), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Note a client that went away instead of printing a traceback."""
        self.journal.write(self.kind, broken=str(client_address[0]))


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Site

    def log_message(self, format: str, *args: Any) -> None:
        """Keep quiet: the journal tells."""

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b""
        while size := int(self.rfile.readline().split(b";")[0] or b"0", 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _serve(self) -> None:
        body = self._body()
        host = self.headers.get("Host", "").split(":")[0]
        self.server.journal.write(
            self.server.kind,
            method=self.command,
            host=host,
            path=self.path,
            bytes=len(body),
            sha256=hashlib.sha256(body).hexdigest(),
            body=base64.b64encode(body[:_KEPT]).decode(),
        )
        path = self.path.split("?")[0]
        page = self.server.pages.get(f"{host}{path}", self.server.pages.get(path))
        if self.command in ("GET", "HEAD") and page is None and path != "/":
            self._answer(404, b'{"error":"not found"}\n', "application/json")
        elif self.command in ("GET", "HEAD"):
            self._answer(
                200, (page or "<html><body>ok</body></html>\n").encode(), "text/plain; charset=utf-8"
            )
        else:
            self._answer(201, b'{"status":"ok"}\n', "application/json")

    def _answer(self, status: int, content: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def __getattr__(self, name: str) -> Callable[[], None]:
        """Serve every method alike."""
        if name.startswith("do_"):
            return self._serve
        raise AttributeError(name)
