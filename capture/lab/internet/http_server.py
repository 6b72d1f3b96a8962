"""A threading web server that does not ask DNS for its own name."""

from __future__ import annotations

import socket
import socketserver
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def family(address: str) -> socket.AddressFamily:
    """Give the family of an address.

    >>> family("2001:db8::1").name
    'AF_INET6'
    """
    return socket.AF_INET6 if ":" in address else socket.AF_INET


class QuietServer(ThreadingHTTPServer):
    """As its parent, but for the look-up of its own name, which would stand in the run's DNS log."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, address: str, port: int, handler: type[BaseHTTPRequestHandler]) -> None:
        self.address_family = family(address)
        super().__init__((address, port), handler)

    def server_bind(self) -> None:
        """Bind, and be called by the address."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])
