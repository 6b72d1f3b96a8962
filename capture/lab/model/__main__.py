"""Serve a script, on loopback and to relays from outside: `python -m capture.lab.model SCRIPT JOURNAL`.

Says `ready` when its files are open, waits for a line that says the network is up, then says its port.
"""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec

from capture.lab.internet.journal import Journal
from capture.lab.model.script import Actor, Script
from capture.lab.model.server import ModelServer


def main() -> None:
    """Serve until killed."""
    script = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Script)
    actor = Actor(script, Journal(Path(sys.argv[2])))
    print("ready", flush=True)
    sys.stdin.readline()
    server = ModelServer("0.0.0.0", script.port, actor)  # noqa: S104 - in a network of the run's own
    print(server.server_port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
