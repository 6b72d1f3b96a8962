"""The web servers of the small internet: they take what is sent, note it, and answer something plausible."""

from __future__ import annotations

import base64
import gzip
import hashlib
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler
from ssl import SSLSocket
from typing import Any
from urllib.parse import unquote

from capture.lab.internet import git
from capture.lab.internet.http_server import QuietServer
from capture.lab.internet.journal import Journal
from capture.lab.internet.registry import Registry
from capture.lab.internet.relay import relay

_KEPT = 4 << 20


class Site(QuietServer):
    """One web server; `pages` maps a path to its content, a git host also speaks git.

    What is none of the pages, `registry` answers, or the web server `relays_to`.
    """

    def __init__(
        self,
        address: str,
        port: int,
        kind: str,
        pages: Mapping[str, bytes],
        journal: Journal,
        registry: Registry | None = None,
        relays_to: str = "",
    ) -> None:
        self.kind, self.pages, self.journal = kind, pages, journal
        self.registry, self.relays_to = registry, relays_to
        super().__init__(address, port, _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Note a client that went away instead of printing a traceback."""
        self.journal.write(self.kind, broken=str(client_address[0]))


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Site

    def log_message(self, format: str, *args: Any) -> None:
        """Keep quiet: the journal tells."""

    def __getattr__(self, name: str) -> Callable[[], None]:
        """Serve every method alike."""
        if name.startswith("do_"):
            return self._serve
        raise AttributeError(name)

    def _body(self) -> bytes:
        if self.headers.get("Expect", "").lower() == "100-continue":
            self.send_response_only(100)
            self.end_headers()
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
            address=str(self.server.server_address[0]),
            path=self.path,
            bytes=len(body),
            sha256=hashlib.sha256(body).hexdigest(),
            body=base64.b64encode(body[:_KEPT]).decode(),
        )
        path = unquote(self.path.split("?")[0])
        headers = {name.lower(): value for name, value in self.headers.items()}
        if self.server.kind == "code_host" and git.is_git(path):
            if headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
                del headers["content-encoding"]
            self._answer(*git.serve(self.command, self.path, headers, body))
        elif path in self.server.pages:
            kind = "text/html" if path.endswith("/") else "application/octet-stream"
            self._answer(200, {"Content-Type": kind}, self.server.pages[path])
        elif self.server.registry:
            scheme = "https" if isinstance(self.connection, SSLSocket) else "http"
            self._answer(*self.server.registry.ask(self.command, self.path, headers, body, scheme))
        elif self.server.relays_to:
            self._answer(*relay(self.server.relays_to, self.command, self.path, headers, body))
        elif self.command not in ("GET", "HEAD"):
            self._answer(201, {"Content-Type": "application/json"}, b'{"status":"ok"}\n')
        elif path == "/":
            self._answer(200, {"Content-Type": "text/html"}, b"<html><body>ok</body></html>\n")
        else:
            self._answer(404, {"Content-Type": "application/json"}, b'{"error":"not found"}\n')

    def _answer(self, status: int, headers: Mapping[str, str], content: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)
