"""Process 1 of a run's namespaces: furnishes them, serves, and ends everything when its input closes.

Reads one JSON object (`Plan`) from standard input, answers `{"anchor": PID, "port": PORT}` on standard
output when all is ready, then waits. PID is the process that holds the agent's network namespace.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from capture.lab.internet.dns import Resolver
from capture.lab.internet.journal import Journal
from capture.lab.internet.web import Site


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


def _mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True, capture_output=True)


def _network(plan: dict[str, Any], anchor: int) -> None:
    """Join the agent's namespace to this one by a cable; there is no other way out of either."""
    _ip("link", "set", "lo", "up")
    _ip("link", "add", "name", "wan0", "type", "veth", "peer", "name", "eth0", "netns", str(anchor))
    _ip("link", "set", "wan0", "up")
    gateway = f"{plan['subnet']}.1"
    for address in [f"{gateway}/24", *(f"{address}/32" for address in plan["addresses"])]:
        _ip("address", "add", address, "dev", "wan0")
    inside = ["nsenter", "--net", f"--target={anchor}", "ip"]
    for command in (
        ["link", "set", "lo", "up"],
        ["address", "add", f"{plan['subnet']}.10/24", "dev", "eth0"],
        ["link", "set", "eth0", "up"],
        ["route", "add", "default", "via", gateway],
    ):
        subprocess.run([*inside, *command], check=True, capture_output=True)


def _furnish(plan: dict[str, Any]) -> None:
    """Lay out the file system: binds first, since what they come from may be covered by what follows."""
    scratch = Path(plan["scratch"])
    held = scratch / "held"
    held.mkdir()
    moved = []
    for number, (source, target) in enumerate(plan["binds"].items()):
        stand = held / str(number)
        if Path(source).is_dir():
            stand.mkdir()
        else:
            stand.touch()
        _mount("--bind", source, str(stand))
        moved.append((os.open(stand, os.O_PATH), target))
    for directory in ("/home", "/tmp", "/var/tmp", "/dev/shm"):  # noqa: S108 - each is covered by a new one
        _mount("-t", "tmpfs", "-o", "mode=1777" if directory != "/home" else "mode=755", "tmpfs", directory)
    uid = int(plan["uid"])
    for path, (content, mode) in plan["files"].items():
        file = Path(path)
        _directories(file.parent, uid)
        file.write_text(content)
        file.chmod(int(mode, 8))
        if path.startswith("/home/"):
            os.chown(file, uid, uid)
    for handle, target in moved:
        place = Path(target)
        if Path(f"/proc/self/fd/{handle}").is_dir():
            _directories(place, uid)
        elif not place.exists():
            _directories(place.parent, uid)
            place.touch()
        _mount("--no-canonicalize", "--bind", f"/proc/{os.getpid()}/fd/{handle}", target)
        os.close(handle)


def _directories(path: Path, uid: int) -> None:
    for directory in [*reversed(path.parents), path]:
        if not directory.exists():
            directory.mkdir()
            if str(directory).startswith("/home/"):
                os.chown(directory, uid, uid)


def main() -> None:
    """Set everything up, then wait for standard input to close."""
    plan = json.loads(sys.stdin.readline())
    journal = Journal(Path(plan["journal"]))
    model = subprocess.Popen(
        [
            "unshare",
            "--net",
            sys.executable,
            "-m",
            "capture.lab.model",
            plan["script"],
            plan["model_journal"],
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    if model.stdout is None or model.stdin is None:
        raise RuntimeError("no pipe to the model")
    model.stdout.readline()
    _network(plan, model.pid)
    model.stdin.write(b"\n")
    model.stdin.flush()
    port = int(model.stdout.readline())
    _furnish(plan)
    subprocess.run(["hostname", plan["hostname"]], check=False)
    servers: list[Any] = list(
        Resolver(f"{plan['subnet']}.1", plan["zone"], plan["wildcards"], journal).servers
    )
    servers += [
        Site(site["address"], site["port"], site["kind"], site["pages"], journal) for site in plan["sites"]
    ]
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # bury what daemons leave to process 1
    print(json.dumps({"anchor": model.pid, "port": port}), flush=True)
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main()
