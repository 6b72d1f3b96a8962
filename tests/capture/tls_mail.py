"""Gives a mail's envelope inside TLS to a server it starts; run as a script with certificate and key."""

from __future__ import annotations

import socket
import ssl
import sys
import threading


def serve(listener: socket.socket, context: ssl.SSLContext) -> None:
    with context.wrap_socket(listener.accept()[0], server_side=True) as connection:
        while connection.recv(1000):
            connection.sendall(b"250 ok\r\n")


if __name__ == "__main__":
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[1], sys.argv[2])
    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=serve, args=(listener, context)).start()
    plain = socket.create_connection(listener.getsockname())
    with ssl._create_unverified_context().wrap_socket(plain) as client:
        for line in (b"MAIL FROM:<ada@a.example>\r\n", b"RCPT TO:<team@b.example>\r\n"):
            client.sendall(line)
            client.recv(1000)
        client.unwrap()
