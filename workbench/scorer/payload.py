"""What a pack says, once its signature has been verified: canonical CBOR, plain data only."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cbor2
import msgspec

from workbench.errors import PackError, PackVersionError
from workbench.scorer.plan import Plan, decode_plan

if TYPE_CHECKING:
    from workbench.scorer.envelope import PublicKey

FORMAT = 1
"""The pack format this scorer reads."""

SCORER = 1
"""This scorer's own version, which a pack's `minimum_scorer` is compared with."""


class Payload(msgspec.Struct, kw_only=True):
    """A pack's content; `expires` is nanoseconds since 1970, None for never."""

    format: int
    name: str
    version: str
    minimum_scorer: int
    plan: Plan
    expires: int | None = None
    registries: dict[str, Any] = {}
    baselines: list[dict[str, Any]] = []
    fusion: dict[str, Any] = {}
    evidence: dict[str, Any] = {}


def open_pack(path: Path | str, trust: PublicKey | Iterable[PublicKey]) -> bytes:
    """Give the payload of a pack file that one of the trusted keys, or the only one, signed.

    Raises SignatureError or another PackError, each naming the file and the mend.
    """
    # The cryptography is loaded only by who opens a pack: it takes as long to import as all else together.
    from workbench.scorer.envelope import MAX_BYTES, open_envelope  # noqa: PLC0415 - loads OpenSSL

    file = Path(path)
    try:
        with file.open("rb") as opened:
            data = opened.read(MAX_BYTES + 1)  # no more, however much there is
    except OSError as error:
        raise PackError(f"cannot be read: {error.strerror}", place=file, mend="check the path") from None
    return open_envelope(data, trust, file)


def decode_payload(data: bytes, place: Path | None = None, now: int | None = None) -> Payload:
    """Decode and check a payload; `now` is nanoseconds since 1970, None for the clock's.

    Raises PackVersionError for a newer format, a newer scorer's need or an expired pack, PackError for
    anything that is not a payload.
    """
    raw = decode_cbor(data, place)
    if not isinstance(raw, dict) or not isinstance(raw.get("format"), int):
        raise PackError("the payload is not a map with a format", place=place, mend="build the pack again")
    if raw["format"] > FORMAT:
        raise PackVersionError(
            f"format {raw['format']} is newer than this scorer's {FORMAT}",
            place=place,
            mend="update the scorer",
        )
    try:
        plan = decode_plan(raw.pop("plan", None))
    except PackError as error:
        raise PackError(error.cause, place=place, mend=error.mend or "build the pack again") from None
    try:
        payload = msgspec.convert({**raw, "plan": plan}, Payload)
    except (msgspec.ValidationError, RecursionError, TypeError) as error:
        raise PackError(f"the payload is malformed: {error}", place=place, mend="build it again") from None
    if payload.minimum_scorer > SCORER:
        raise PackVersionError(
            f"needs scorer {payload.minimum_scorer}, this is {SCORER}", place=place, mend="update the scorer"
        )
    if payload.expires is not None and payload.expires <= (time.time_ns() if now is None else now):
        raise PackVersionError("expired", place=place, mend="get the current pack")
    return payload


def decode_cbor(data: bytes, place: Path | None = None) -> Any:
    """Decode CBOR that holds plain data; raises PackError for anything else."""
    try:
        raw = cbor2.loads(data)
        # Tags may decode to sets, dates and references in a circle: only what JSON knows, and bytes, may
        # pass.
        return msgspec.to_builtins(raw, builtin_types=(bytes,))
    except Exception as error:
        raise PackError(
            f"the payload is not CBOR: {type(error).__name__}", place=place, mend="build the pack again"
        ) from None
