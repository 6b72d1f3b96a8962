"""Sends one HTTPS request to a server it starts itself; run as a script with certificate and key."""

from __future__ import annotations

import http.client
import http.server
import ssl
import sys
import threading


class Answer(http.server.BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(204)
        self.end_headers()


if __name__ == "__main__":
    server = http.server.HTTPServer(("127.0.0.1", 0), Answer)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[1], sys.argv[2])
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.handle_request).start()
    connection = http.client.HTTPSConnection(
        "127.0.0.1", server.server_port, context=ssl._create_unverified_context()
    )
    connection.request(
        "POST",
        "/v1/upload?token=" + "s3cr" * 5,
        body="password=" + "hunter22",
        headers={"Host": "sink.example"},
    )
    assert connection.getresponse().status == 204
    server.server_close()
