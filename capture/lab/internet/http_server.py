"""A threading web server that does not ask DNS for its own name."""

from __future__ import annotations

import socketserver
from http.server import ThreadingHTTPServer


class QuietServer(ThreadingHTTPServer):
    """As its parent, but for the look-up of its own name, which would stand in the run's DNS log."""

    daemon_threads = True
    request_queue_size = 64

    def server_bind(self) -> None:
        """Bind, and be called by the address."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])
