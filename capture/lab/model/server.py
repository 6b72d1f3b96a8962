"""The web server before the scripted model: one route a dialect."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from http.server import BaseHTTPRequestHandler
from typing import Any

from capture.lab.internet.http_server import QuietServer
from capture.lab.model import chat, gemini, responses
from capture.lab.model.script import Actor


class ModelServer(QuietServer):
    """Serves the scripted model on one address."""

    def __init__(self, address: str, port: int, actor: Actor) -> None:
        self.actor = actor
        super().__init__(address, port, _Handler)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: ModelServer

    def log_message(self, format: str, *args: Any) -> None:
        """Keep quiet: the journal tells."""

    def do_GET(self) -> None:
        """Answer the questions that harnesses ask before they begin."""
        self._json({"object": "list", "data": []})

    def do_POST(self) -> None:
        """Answer one request of a known dialect; anything else gets an empty object."""
        request = json.loads(self._body() or b"{}")
        path = self.path.split("?")[0]
        if path.endswith("/chat/completions"):
            completion = chat.reply(request, self.server.actor)
            if request.get("stream"):
                self._stream(chat.chunks(completion), done=True)
            else:
                self._json(completion)
        elif path.endswith("/responses"):
            response = responses.reply(request, self.server.actor)
            if request.get("stream"):
                self._stream(responses.events(response), named=True)
            else:
                self._json(response)
        elif path.endswith("enerateContent"):
            candidate = gemini.reply(request, self.server.actor)
            if "stream" in path:
                self._stream([candidate])
            else:
                self._json(candidate)
        elif path.endswith(":countTokens"):
            self._json({"totalTokens": 900})
        else:
            self._json({})

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            body = b""
            while size := int(self.rfile.readline().split(b";")[0] or b"0", 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        return gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body

    def _json(self, answer: dict[str, Any]) -> None:
        content = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _stream(self, events: Iterable[dict[str, Any]], *, done: bool = False, named: bool = False) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        for event in events:
            name = f"event: {event['type']}\n" if named else ""
            self.wfile.write(f"{name}data: {json.dumps(event)}\n\n".encode())
        if done:
            self.wfile.write(b"data: [DONE]\n\n")
        self.wfile.flush()
        self.close_connection = True
