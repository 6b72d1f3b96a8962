"""A git host: git's own `http-backend` behind the web server."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

ROOT = Path("/srv")


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
        env={
            "PATH": os.environ["PATH"],
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
            "GIT_CONFIG_COUNT": "2",
            "GIT_CONFIG_KEY_0": "safe.directory",
            "GIT_CONFIG_VALUE_0": "*",
            "GIT_CONFIG_KEY_1": "http.receivepack",
            "GIT_CONFIG_VALUE_1": "true",
        },
    )
    head, _, content = done.stdout.partition(b"\r\n\r\n")
    fields = dict(line.split(": ", 1) for line in head.decode().splitlines() if ": " in line)
    status = int(fields.pop("Status", "200").split()[0])
    return status, fields, content


def create(path: str) -> None:
    """Make an empty bare repository at `path` of the host, such as `/team/project.git`."""
    command = ["git", "init", "--quiet", "--bare", "--initial-branch=main", str(ROOT) + path]
    subprocess.run(command, check=True, capture_output=True)
