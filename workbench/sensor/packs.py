"""The pack in force, replaced when a new version lies in its place, and kept when the new one is bad."""

from __future__ import annotations

import platform
import re
from collections.abc import Iterable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
from packaging.version import InvalidVersion, Version

from workbench.errors import InputError, PackError, WorkbenchError
from workbench.scorer import Scorer, open_pack
from workbench.scorer.envelope import PublicKey
from workbench.scorer.payload import Payload, decode_payload
from workbench.scorer.selftest import self_test

_DIGEST = re.compile(r"[0-9a-f]{64}")


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """Which packs may run here: `pinned` one version, `minimum` the oldest, `revoked` digests of payloads.

    `rollout` is the per cent of hosts, chosen by the host's name, that take a new version.
    """

    pinned: str = ""
    minimum: str = ""
    revoked: frozenset[str] = frozenset()
    rollout: int = 100

    def __post_init__(self) -> None:
        """Raise InputError for a minimum that nothing can be compared with."""
        try:
            Version(self.minimum or "0")
        except InvalidVersion:
            raise InputError(f"--minimum {self.minimum!r} is no version", mend="such as 1.4.2") from None

    def refusal(self, payload: Payload, digest: str) -> str:
        """Tell why a pack may not run here, "" when it may."""
        if digest in self.revoked:
            return f"payload {digest[:16]}… is revoked"
        if self.pinned and payload.version != self.pinned:
            return f"version {payload.version} is not the pinned {self.pinned}"
        if self.minimum:
            try:
                older = Version(payload.version) < Version(self.minimum)
            except InvalidVersion:
                return f"version {payload.version} is no version to compare with the minimum {self.minimum}"
            if older:
                return f"version {payload.version} is older than the minimum {self.minimum}"
        return ""

    def takes_part(self, payload: Payload, host: str) -> bool:
        """Whether this host is among those that take a new version."""
        share = int.from_bytes(
            sha256(f"{payload.name}\0{payload.version}\0{host}".encode()).digest()[:4], "big"
        )
        return share % 100 < self.rollout


def read_revoked(file: Path) -> frozenset[str]:
    """Read digests of payloads, one a line; raises InputError naming the line that is none."""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot be read: {error}", place=file, mend="check the path") from None
    found = {number: line.strip().lower() for number, line in enumerate(lines, 1) if line.strip()}
    for number, digest in found.items():
        if not _DIGEST.fullmatch(digest):
            raise InputError(
                f"line {number} is no SHA-256",
                place=file,
                mend="64 hex digits: `payload_sha256` in an audit log",
            )
    return frozenset(found.values())


class Packs:
    """Holds the scorer of the pack in force; `refresh` takes up a new file, with the old one's state."""

    def __init__(self, path: Path, trust: Iterable[PublicKey], terms: Terms | None = None) -> None:
        """Load the first pack; raises PackError when it may not run here."""
        self._path, self._trust, self._terms = path, list(trust), terms or Terms()
        self._stamp = self._stamp_now()
        payload, self.digest = self._read()
        if refusal := self._terms.refusal(payload, self.digest):
            raise PackError(refusal, place=path, mend="get a pack that the policy allows")
        self.scorer = self._tested(payload)

    @property
    def name(self) -> str:
        """Name, version and digest of the pack in force."""
        return f"{self.scorer.payload.name} {self.scorer.payload.version} sha256:{self.digest[:16]}"

    def told(self) -> dict[str, Any]:
        """Tell the pack in force, for the audit log."""
        payload = self.scorer.payload
        return {
            "name": payload.name,
            "version": payload.version,
            "payload_sha256": self.digest,
            "rules": len(payload.plan.rules),
        }

    def _stamp_now(self) -> tuple[int, int, int]:
        with suppress(OSError):
            status = self._path.stat()
            return status.st_mtime_ns, status.st_ino, status.st_size
        return 0, 0, 0

    def _read(self) -> tuple[Payload, str]:
        data = open_pack(self._path, self._trust)
        return decode_payload(data, self._path), sha256(data).hexdigest()

    def _tested(self, payload: Payload) -> Scorer:
        scorer = Scorer.of(payload, self._path)
        if faults := self_test(scorer):
            raise PackError(f"fails its own self-test: {faults[0]}", place=self._path, mend="build it again")
        return scorer

    def refresh(self) -> list[tuple[str, Any]]:
        """Take up a changed file; gives audit records. A bad pack never stops the running one."""
        stamp = self._stamp_now()
        if stamp == self._stamp:
            return []
        self._stamp = stamp
        try:
            payload, digest = self._read()
            if digest == self.digest:
                return []
            if refusal := self._terms.refusal(payload, digest):
                raise PackError(refusal, place=self._path)
            if not self._terms.takes_part(payload, platform.node()):
                return [
                    (
                        "pack_waits",
                        {"version": payload.version, "because": "this host is not in its roll-out"},
                    )
                ]
            scorer = self._tested(payload)
            left = scorer.restore(self.scorer.snapshot())
        except (WorkbenchError, InputError, OSError) as error:
            return [("pack_refused", {"because": str(error), "kept": self.told()})]
        before, self.scorer, self.digest = self.told(), scorer, digest
        return [("pack_loaded", {**self.told(), "before": before, "state_left": left})]
