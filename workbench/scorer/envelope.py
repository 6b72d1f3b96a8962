"""The signed envelope around a pack: DSSE with one Ed25519 signature, verified before anything is decoded.

https://github.com/secure-systems-lab/dsse. The file is the envelope's JSON in one fixed form, so that
every one of its bytes is bound by the signature: keys in the order below, no white space, standard base64
with padding.

    {"payload":"…","payloadType":"…","signatures":[{"keyid":"…","sig":"…"}]}
"""

from __future__ import annotations

import binascii
import zlib
from base64 import b64decode
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from workbench.errors import InputError, PackError, SignatureError

PAYLOAD_TYPE = "application/vnd.agent-detection-workbench.pack+zlib"
MAX_BYTES = 256 << 20

PublicKey = Ed25519PublicKey | bytes | Path | str


class Signature(msgspec.Struct):
    """One signature, base64; `keyid` is the SHA-256 of the signer's raw public key, hexadecimal."""

    keyid: str
    sig: str


class Envelope(msgspec.Struct, rename={"payload_type": "payloadType"}):
    """What a pack file is; `payload` is base64."""

    payload: str
    payload_type: str
    signatures: list[Signature]


def pre_authentication(payload_type: str, payload: bytes) -> bytes:
    """Give the bytes that are signed (DSSE's PAE).

    >>> pre_authentication("t", b"body")
    b'DSSEv1 1 t 4 body'
    """
    kind = payload_type.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def key_id(key: Ed25519PublicKey) -> str:
    """Name a public key: SHA-256 of its 32 raw bytes, hexadecimal."""
    return sha256(key.public_bytes_raw()).hexdigest()


def read_public_key(key: PublicKey) -> Ed25519PublicKey:
    """Give a public key from PEM bytes or a PEM file; raises InputError when it is not an Ed25519 key."""
    if isinstance(key, Ed25519PublicKey):
        return key
    place = None if isinstance(key, bytes) else Path(key)
    try:
        read = load_pem_public_key(place.read_bytes() if place else key)  # type: ignore[arg-type]  # bytes, else
    except (OSError, ValueError, UnsupportedAlgorithm) as error:
        raise InputError(
            f"cannot be read as a public key: {error}",
            place=place,
            mend="give the .pub file that keygen wrote",
        ) from None
    if not isinstance(read, Ed25519PublicKey):
        raise InputError("is not an Ed25519 public key", place=place, mend="give the .pub file of keygen")
    return read


def open_envelope(data: bytes, trust: PublicKey | Iterable[PublicKey], place: Path | None = None) -> bytes:
    """Give the payload of a pack that one of the trusted keys signed.

    Raises SignatureError when the pack is cut, rearranged, changed, or signed by a key that is not
    trusted, and PackError when it is something else altogether.
    """
    keys = [trust] if isinstance(trust, str | bytes | Path | Ed25519PublicKey) else list(trust)
    envelope, payload = _parse(data, place)
    signature = envelope.signatures[0]
    known = {key_id(key): key for key in map(read_public_key, keys)}
    key = known.get(signature.keyid)
    if key is None:
        raise SignatureError(
            f"signed by an unknown key, {signature.keyid[:16]}…",
            place=place,
            mend="if you trust the signer, give its public key with --trust",
        )
    try:
        key.verify(_base64(signature.sig), pre_authentication(envelope.payload_type, payload))
    except (InvalidSignature, ValueError):
        raise SignatureError(
            "changed after it was signed", place=place, mend="get the pack again from where it was built"
        ) from None
    if envelope.payload_type != PAYLOAD_TYPE:
        raise PackError(f"holds {envelope.payload_type[:80]!r}, not a pack", place=place)
    return _inflate(payload, place)


def _inflate(compressed: bytes, place: Path | None) -> bytes:
    inflater = zlib.decompressobj()
    try:
        payload = inflater.decompress(compressed, MAX_BYTES)
    except zlib.error as error:
        raise PackError(f"does not hold zlib data: {error}", place=place, mend="build it again") from None
    if not inflater.eof or inflater.unused_data:
        raise PackError("holds too much, or too little, zlib data", place=place, mend="build it again")
    return payload


def _parse(data: bytes, place: Path | None) -> tuple[Envelope, bytes]:
    if len(data) > MAX_BYTES:
        raise PackError(f"larger than {MAX_BYTES} bytes", place=place, mend="split the rules into packs")
    try:
        envelope = msgspec.json.decode(data, type=Envelope)
        payload = _base64(envelope.payload)
    except (ValueError, RecursionError):
        raise SignatureError(
            "cut short, or not a pack", place=place, mend="get the pack again from where it was built"
        ) from None
    if msgspec.json.encode(envelope) != data or len(envelope.signatures) != 1:
        raise SignatureError(
            "rearranged: not in the one form that a pack has",
            place=place,
            mend="get the pack again from where it was built",
        )
    return envelope, payload


def _base64(text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError(str(error)) from None
