"""Signing: a DSSE envelope around a payload."""

from __future__ import annotations

import zlib
from base64 import b64encode
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from securesystemslib.dsse import Envelope as SignedEnvelope
from securesystemslib.signer._crypto_signer import CryptoSigner
from securesystemslib.signer._key import SSlibKey

from workbench.pack.keys import read_private_key
from workbench.scorer.envelope import PAYLOAD_TYPE, Envelope, Signature, key_id


def sign(payload: bytes, key: Ed25519PrivateKey | Path | str) -> bytes:
    """Give the bytes of a pack file: the payload, compressed and signed; the same inputs give the same bytes.

    Raises InputError when the key cannot be read.
    """
    private = key if isinstance(key, Ed25519PrivateKey) else read_private_key(key)
    identity = key_id(private.public_key())
    public = SSlibKey(
        identity, "ed25519", "ed25519", {"public": private.public_key().public_bytes_raw().hex()}
    )
    body = zlib.compress(payload, 9)
    signed = SignedEnvelope(body, PAYLOAD_TYPE, {})
    signature = signed.sign(CryptoSigner(private, public))
    envelope = Envelope(
        b64encode(body).decode(),
        PAYLOAD_TYPE,
        [Signature(identity, b64encode(bytes.fromhex(signature.signature)).decode())],
    )
    return msgspec.json.encode(envelope)
