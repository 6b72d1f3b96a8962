"""Hosts reached over ssh: OpenSSH's sshd, started for each connection, on a file system of the host's own."""

from __future__ import annotations

import os
import socketserver
import subprocess
from pathlib import Path
from typing import Any

from capture.lab.internet.http_server import family
from capture.lab.internet.journal import Journal

_CONFIG = """\
HostKey {place}/host_key
AuthorizedKeysFile .ssh/authorized_keys
AuthenticationMethods publickey
UsePAM no
PidFile none
LogLevel VERBOSE
Subsystem sftp internal-sftp
{command}
"""
_ENTER = """\
set -e
mount --bind "$1/home" /home
mount --bind "$1/tmp" /tmp
mount --bind "$1/passwd" /etc/passwd
hostname "$2"
exec setpriv --reuid="$3" --regid="$3" --clear-groups --no-new-privs -- "$4" -i -e -f "$1/sshd_config"
"""


class Ssh(socketserver.ThreadingTCPServer):
    """One address of a host, port 22; `plan` is a `capture.lab.namespace.SshHost` as plain data.

    sshd runs as the one user who can log in, with that user's home, /tmp and /etc/passwd and none of the
    agent's; it ends with the connection, what was written stays.
    """

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, address: str, plan: dict[str, Any], journal: Journal) -> None:
        self.plan, self.journal = plan, journal
        self.address_family = family(address)
        super().__init__((address, 22), _Connection)


class _Connection(socketserver.BaseRequestHandler):
    server: Ssh

    def handle(self) -> None:
        """Hand the connection to an sshd, and note what that says."""
        plan = self.server.plan
        command = ["unshare", "--mount", "--uts", "sh", "-c", _ENTER, "sh"]
        with subprocess.Popen(
            [*command, plan["place"], plan["name"], str(plan["uid"]), plan["sshd"]],
            stdin=self.request,
            stdout=self.request,
            stderr=subprocess.PIPE,
            cwd="/",
            env={"PATH": os.environ["PATH"], "LD_LIBRARY_PATH": plan["libraries"]},
        ) as sshd:
            for line in sshd.stderr or ():
                self.server.journal.write(
                    "ssh", host=plan["name"], said=line.decode(errors="replace").strip()
                )


def furnish(plan: dict[str, Any]) -> None:
    """Lay out the host's own file system below its place."""
    place, uid = Path(plan["place"]), int(plan["uid"])
    home = Path(plan["home"])
    command = f"ForceCommand {plan['command']}" if plan["command"] else ""
    for directory, mode in ((place, 0o700), (place / "home", 0o755), (place / "tmp", 0o1777)):
        directory.mkdir()
        directory.chmod(mode)
    within = place / home.relative_to("/") if home.is_relative_to("/home") else home
    (within / ".ssh").mkdir(mode=0o700, parents=True)
    for path, text, mode in (
        (place / "sshd_config", _CONFIG.format(place=place, command=command), 0o600),
        (place / "host_key", plan["host_key"], 0o600),
        (place / "passwd", f"{plan['user']}:x:{uid}:{uid}::{home}:/bin/sh\n", 0o644),
        (within / ".ssh" / "authorized_keys", plan["authorized_key"], 0o600),
    ):
        path.write_text(text)
        path.chmod(mode)
        os.chown(path, uid, uid)
    for owned in (place, within, within / ".ssh"):
        os.chown(owned, uid, uid)
