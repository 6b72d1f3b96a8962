"""A mail server that takes every message and delivers none."""

from __future__ import annotations

import base64
import socketserver

from capture.lab.internet.http_server import family
from capture.lab.internet.journal import Journal

_MOST = 4 << 20


class Mail(socketserver.ThreadingTCPServer):
    """Speaks as much SMTP as clients need to leave a message."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, address: str, port: int, journal: Journal) -> None:
        self.journal = journal
        self.address_family = family(address)
        super().__init__((address, port), _Session)


class _Session(socketserver.StreamRequestHandler):
    server: Mail

    def handle(self) -> None:
        """Serve one connection."""
        recipients: list[str] = []
        self._say(220, "mail ready")
        while line := self.rfile.readline(4096):
            text = line.decode("utf-8", "replace").strip()
            verb = text[:4].upper()
            if verb == "QUIT":
                self._say(221, "bye")
                return
            if verb == "RCPT":
                recipients.append(text.partition(":")[2].strip(" <>"))
            if verb == "DATA":
                self._say(354, "go ahead")
                message = self._message()
                body = base64.b64encode(message).decode()
                self.server.journal.write("mail", to=recipients, bytes=len(message), body=body)
                recipients = []
            self._say(250, "ok")

    def _message(self) -> bytes:
        lines = b""
        while (line := self.rfile.readline(65_536)) and line.rstrip(b"\r\n") != b".":
            lines += line[: _MOST - len(lines)]
        return lines

    def _say(self, code: int, text: str) -> None:
        self.wfile.write(f"{code} {text}\r\n".encode())
