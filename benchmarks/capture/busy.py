"""A seeded workload whose counts are known: execs, opens, connects, renames and unlinks in a random order.

Run as a script: `busy.py DIRECTORY SEED EXECS OPENS CONNECTS RENAMES`.
"""

from __future__ import annotations

import os
import random
import socket
import sys
from pathlib import Path


def main(directory: Path, seed: int, execs: int, opens: int, connects: int, renames: int) -> None:
    """Do everything, in an order that the seed gives."""
    os.chdir(directory)
    listener = socket.create_server(("127.0.0.1", 0), backlog=connects)
    address = listener.getsockname()
    steps = ["exec"] * execs + ["open"] * opens + ["connect"] * connects + ["rename"] * renames
    random.Random(seed).shuffle(steps)  # noqa: S311 - to be repeated, not secret
    Path("kept").write_text("x")
    for number, step in enumerate(steps):
        if step == "exec":
            os.waitpid(os.posix_spawn("/bin/true", ["true", str(number)], {}), 0)
        elif step == "open":
            os.close(os.open("kept", os.O_RDONLY))
        elif step == "connect":
            with socket.socket() as client:
                client.connect(address)
                listener.accept()[0].close()
        else:
            Path("moving").touch()
            Path("moving").rename("moved")
            Path("moved").unlink()


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:]))
