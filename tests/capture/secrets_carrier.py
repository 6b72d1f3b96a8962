"""Shows texts wherever a process can show them; run as a script with a certificate, its key, and the texts.

The texts come in a JSON file; everything happens in a directory of its own and on loopback.
"""

from __future__ import annotations

import contextlib
import http.server
import json
import os
import shlex
import socket
import ssl
import sys
import threading
from pathlib import Path
from urllib.parse import quote

TRUE = "/bin/true"


class Answer(http.server.BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def run(args: list[str], variables: dict[str, str]) -> None:
    os.waitpid(os.posix_spawn(TRUE, args, variables), 0)


def serve(certificate: str, key: str) -> tuple[int, int]:
    """Start a plain server and one with TLS; gives their ports."""
    plain, secure = (http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer) for _ in range(2))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    secure.socket = context.wrap_socket(secure.socket, server_side=True)
    for server in (plain, secure):
        threading.Thread(target=server.serve_forever, daemon=True).start()
    return plain.server_port, secure.server_port


def in_paths(text: str) -> None:
    name = text.lstrip("/")
    with contextlib.suppress(OSError):
        Path(name).read_bytes()
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_text("x")
    Path(name).rename(name + ".old")
    Path(name + ".old").unlink()
    Path(name).mkdir()
    here = Path.cwd()
    os.chdir(name)
    run(["true"], {})
    os.chdir(here)
    Path(name).rmdir()
    os.close(os.memfd_create(name.rpartition("/")[2]))
    with socket.socket(socket.AF_UNIX) as listener, contextlib.suppress(OSError):
        listener.bind(name)
        Path(name).unlink()


def over_http(text: str, connection: socket.socket) -> None:
    """Post a text in one piece, as HTTP clients of agents do with short bodies."""
    target = "/v1/x?q=" + quote(text, safe="/:?&={}@;.,+~-_%")
    head = f"POST {target} HTTP/1.1\r\nHost: sink.example\r\nUser-Agent: {text.replace(chr(10), ' ')}\r\n"
    with connection:
        connection.sendall(f"{head}Content-Length: {len(text)}\r\n\r\n{text}".encode())
        assert b" 204 " in connection.recv(4096)


def main(certificate: str, key: str, texts: list[str]) -> None:
    plain, secure = serve(certificate, key)
    context = ssl._create_unverified_context()
    for text in texts:
        run(["true", text], {})
        with contextlib.suppress(ValueError):
            run(["true", *shlex.split(text)], {})
        run(["true"], {"CODEX_TOOL_CALL_ID": text, "OTHER": text})
        in_paths(text)
        over_http(text, socket.create_connection(("127.0.0.1", plain)))
        over_http(text, context.wrap_socket(socket.create_connection(("127.0.0.1", secure))))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], json.loads(Path(sys.argv[3]).read_text()))
