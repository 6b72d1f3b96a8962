"""A git host: git's own `http-backend` behind the web server, and `git-shell` behind sshd."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

UID = 992
"""The user who serves and owns the repositories, over http as over ssh."""
PLACE = Path("/srv/code")
ROOT = PLACE / "git"
SHELL = """git-shell -c "$(printf %s "$SSH_ORIGINAL_COMMAND" | sed "s|'/|'|")\""""
"""All that git's user may do over ssh: paths are below its home, with or without a slash before them."""
_USER: dict[str, Any] = {"user": UID, "group": UID, "extra_groups": []}


def is_git(path: str) -> bool:
    """Whether a request is git's smart protocol."""
    return ".git/" in path


def serve(
    method: str, target: str, headers: dict[str, str], body: bytes
) -> tuple[int, dict[str, str], bytes]:
    """Answer one request of the smart protocol; gives status, headers and body."""
    path, _, query = target.partition("?")
    done = subprocess.run(
        ["git", "http-backend"],
        input=body,
        capture_output=True,
        check=False,
        **_USER,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(ROOT),
            "GIT_PROJECT_ROOT": str(ROOT),
            "GIT_HTTP_EXPORT_ALL": "1",
            "REQUEST_METHOD": method,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_TYPE": headers.get("content-type", ""),
            "HTTP_CONTENT_ENCODING": headers.get("content-encoding", ""),
            "CONTENT_LENGTH": str(len(body)),
            "REMOTE_USER": "git",
            "REMOTE_ADDR": "127.0.0.1",
            "GIT_PROTOCOL": headers.get("git-protocol", ""),
        },
    )
    head, _, content = done.stdout.partition(b"\r\n\r\n")
    fields = dict(line.split(": ", 1) for line in head.decode().splitlines() if ": " in line)
    status = int(fields.pop("Status", "200").split()[0])
    return status, fields, content


def create(path: str) -> None:
    """Make an empty bare repository at `path` of the host, such as `/team/project.git`."""
    PLACE.mkdir(exist_ok=True)
    ROOT.mkdir(exist_ok=True)
    os.chown(ROOT, UID, UID)
    command = ["git", "init", "--quiet", "--bare", "--initial-branch=main", str(ROOT) + path]
    subprocess.run(command, check=True, capture_output=True, **_USER)
