"""Process 1 of a run's namespaces: furnishes them, serves, and ends everything when its input closes.

Reads one JSON object (`Plan`) from standard input, answers `{"anchor": PID, "port": PORT}` on standard
output when all is ready, then waits. PID is the process that holds the agent's network namespace.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from ssl import SSLContext
from typing import Any

from capture.lab.internet import git, ssh, tls
from capture.lab.internet.dns import Resolver
from capture.lab.internet.journal import Journal
from capture.lab.internet.mail import Mail
from capture.lab.internet.registry import Registry
from capture.lab.internet.ssh import Ssh
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
    _ip("address", "add", f"{gateway}/24", "dev", "wan0")
    _ip("address", "add", f"{plan['subnet6']}::1/64", "dev", "wan0", "nodad")
    for address in plan["addresses"]:
        if ":" in address:
            _ip("address", "add", f"{address}/128", "dev", "wan0", "nodad")
        else:
            _ip("address", "add", f"{address}/32", "dev", "wan0")
    inside = ["nsenter", "--net", f"--target={anchor}", "ip"]
    for command in (
        ["link", "set", "lo", "up"],
        ["address", "add", f"{plan['subnet']}.10/24", "dev", "eth0"],
        ["link", "set", "eth0", "up"],
        ["address", "add", f"{plan['subnet6']}::10/64", "dev", "eth0", "nodad"],
        ["route", "add", "default", "via", gateway],
        ["-6", "route", "add", "default", "via", f"{plan['subnet6']}::1"],
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
    for directory in ("/home", "/srv", "/tmp", "/var/tmp", "/dev/shm"):  # noqa: S108 - each is covered by a new one
        _mount(
            "-t",
            "tmpfs",
            "-o",
            {"/home": "mode=755", "/srv": "mode=711"}.get(directory, "mode=1777"),
            "tmpfs",
            directory,
        )
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


def _sites(plan: dict[str, Any], secure: SSLContext, journal: Journal) -> list[Any]:
    """Open every server: web on 80 and 443, mail on 25 and 587, ssh on 22."""
    servers: list[Any] = [
        Ssh(address, host, journal) for host in plan["ssh_hosts"] for address in host["addresses"]
    ]
    for site in plan["sites"]:
        registry = Registry(site["registry"]) if site["registry"] else None
        pages = {path: base64.b64decode(content) for path, content in site["pages"].items()}
        for address in site["addresses"]:
            if site["kind"] == "mail":
                servers += [Mail(address, port, journal) for port in (25, 587)]
            servers.append(Site(address, 80, site["kind"], pages, journal, registry, site["relays_to"]))
            web = Site(address, 443, site["kind"], pages, journal, registry, site["relays_to"])
            web.socket = secure.wrap_socket(web.socket, server_side=True, do_handshake_on_connect=False)
            servers.append(web)
        if registry:
            registry.wait()
    return servers


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
    secure = tls.context(Path(plan["certificate"]))
    os.chdir("/")  # where we were started from may be about to be covered, and git wants to know where it is
    _furnish(plan)
    subprocess.run(["hostname", plan["hostname"]], check=False)
    servers: list[Any] = list(
        Resolver(f"{plan['subnet']}.1", plan["zone"], plan["wildcards"], journal).servers
    )
    for host in plan["ssh_hosts"]:
        ssh.furnish(host)
    for path in plan["repositories"]:
        git.create(path)
    servers += _sites(plan, secure, journal)
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    print(json.dumps({"anchor": model.pid, "port": port}), flush=True)
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main()
