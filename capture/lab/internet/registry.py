"""Package registries: pypiserver and verdaccio, on loopback behind the web server of their name."""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any

from capture.lab.internet.relay import Answer, relay

UID = 991
"""The user both run as; nobody else is."""
_HOST = "127.0.0.1"
_START_S = 60
_PUBLISHER = "publisher"


class Registry:
    """One server, started at once; `plan` is a `capture.lab.namespace.Registry` as plain data.

    Only who shows the registry's token may publish.
    """

    def __init__(self, plan: dict[str, Any]) -> None:
        self._token = plan["token"]
        self._packages = {name: base64.b64decode(content) for name, content in plan["packages"].items()}
        self._place = Path("/srv") / plan["server"]
        self._place.mkdir(mode=0o700)
        os.chown(self._place, UID, UID)
        begin = {"pypiserver": self._pypiserver, "verdaccio": self._verdaccio}[plan["server"]]
        self._port, command = begin(plan["program"])
        self._log = self._place / "log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._place,
                user=UID,
                group=UID,
                extra_groups=[],
                env={"PATH": os.environ["PATH"], "HOME": str(self._place)},
            )

    def _pypiserver(self, program: str) -> tuple[int, list[str]]:
        self._path = {"/legacy/": "/"}  # where PyPI takes uploads, and where pypiserver does
        self._credentials: dict[str, str] = {}
        packages = self._place / "packages"
        packages.mkdir()
        os.chown(packages, UID, UID)
        for name, wheel in self._packages.items():
            (packages / name).write_bytes(wheel)
        self._packages = {}
        (self._place / "htpasswd").write_text(f"__token__:{_sha(self._token)}\n")
        command = [f"{program}/bin/python", "-m", "pypiserver", "run", f"--interface={_HOST}", "--port=8080"]
        only = ["--disable-fallback", "--authenticate=update", f"--passwords={self._place}/htpasswd"]
        return 8080, [*command, *only, str(packages)]

    def _verdaccio(self, program: str) -> tuple[int, list[str]]:
        self._path = {}
        # Verdaccio's tokens are its own; ours stands for the user who would have got one.
        self._credentials = {f"Bearer {self._token}": self._basic()}
        everyone = {"access": "$all", "publish": "$authenticated", "unpublish": "$authenticated"}
        config = {
            "storage": f"{self._place}/storage",
            "auth": {"htpasswd": {"file": f"{self._place}/htpasswd", "max_users": -1}},
            "uplinks": {},
            "packages": {"**": everyone},
            "web": {"enable": False},
            "log": {"type": "stdout", "format": "json", "level": "warn"},
        }
        (self._place / "htpasswd").write_text(f"{_PUBLISHER}:{_sha(self._token)}\n")
        (self._place / "config.yaml").write_text(json.dumps(config))
        command = ["node", f"{program}/node_modules/verdaccio/bin/verdaccio"]
        return 4873, [*command, f"--config={self._place}/config.yaml", f"--listen={_HOST}:4873"]

    def _basic(self) -> str:
        return "Basic " + base64.b64encode(f"{_PUBLISHER}:{self._token}".encode()).decode()

    def wait(self) -> None:
        """Return when it answers and has everything it is to sell; raises RuntimeError when it does not."""
        deadline = time.monotonic() + _START_S
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                said = self._log.read_text(errors="replace").strip().splitlines()
                reason = next((line for line in said if "Error" in line), "it said no error")
                raise RuntimeError(f"{self._place.name} did not start: {reason}")
            time.sleep(0.02)
        for name, document in self._packages.items():
            headers = {"content-type": "application/json", "authorization": self._basic()}
            status, _, said = self.ask("PUT", f"/{name}", headers, document, "http")
            if status != http.client.CREATED:
                raise RuntimeError(f"{self._place.name} does not take {name}: {status} {said[:200]!r}")

    def _answers(self) -> bool:
        try:
            self.ask("GET", "/-/ping", {}, b"", "http")
        except OSError:
            return False
        return True

    def ask(self, method: str, target: str, headers: dict[str, str], body: bytes, scheme: str) -> Answer:
        """Pass a request on, its headers' names in lower case, and give the answer."""
        passed = headers | {"x-forwarded-proto": scheme}
        if "authorization" in passed:
            passed["authorization"] = self._credentials.get(passed["authorization"], passed["authorization"])
        return relay(f"{_HOST}:{self._port}", method, self._path.get(target, target), passed, body)


def _sha(password: str) -> str:
    digest = hashlib.sha1(password.encode(), usedforsecurity=False).digest()
    return "{SHA}" + base64.b64encode(digest).decode()
