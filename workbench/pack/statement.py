"""Evidence about a pack as in-toto statements, each signed in a DSSE envelope of its own.

https://github.com/in-toto/attestation/tree/main/spec/v1. The subject is the pack's content without its
statements, so that a statement can be made before it is put in, and by someone other than the pack's signer.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from workbench.errors import InputError, PackError
from workbench.pack.build import encode_payload
from workbench.scorer.envelope import (
    Envelope,
    PublicKey,
    Signature,
    key_id,
    pre_authentication,
    read_public_key,
)
from workbench.scorer.payload import decode_cbor

STATEMENT = "https://in-toto.io/Statement/v1"
PAYLOAD_TYPE = "application/vnd.in-toto+json"
APPROVAL = "urn:agent-detection-workbench:approval:1"


class Subject(msgspec.Struct):
    """What a statement is about."""

    name: str
    digest: dict[str, str]


class Statement(msgspec.Struct, rename={"type": "_type", "predicate_type": "predicateType"}):
    """An in-toto statement."""

    type: str
    subject: list[Subject]
    predicate_type: str
    predicate: dict[str, Any]


class Checked(msgspec.Struct, frozen=True):
    """A statement out of its envelope: `signer` is the trusted key's id, "" when no trusted key signed.

    `about` tells whether its subject is this pack's content.
    """

    statement: Statement
    signer: str
    about: bool


def content_digest(payload: bytes) -> str:
    """Give the SHA-256 of a pack's payload without its statements, hexadecimal."""
    content = _content(payload)
    content["evidence"].pop("statements", None)
    return sha256(encode_payload(content)).hexdigest()


def _content(payload: bytes) -> dict[str, Any]:
    content: dict[str, Any] = decode_cbor(payload)
    if not isinstance(content.setdefault("evidence", {}), dict):
        raise PackError("evidence is malformed", mend="build the pack again")
    return content


def state(
    payload: bytes, predicate_type: str, predicate: Mapping[str, Any], key: Ed25519PrivateKey
) -> Envelope:
    """Make a statement about a pack and sign it."""
    name = str(_content(payload).get("name", ""))
    subject = Subject(name, {"sha256": content_digest(payload)})
    statement = Statement(STATEMENT, [subject], predicate_type, dict(predicate))
    body = msgspec.json.encode(statement, order="sorted")
    signature = key.sign(pre_authentication(PAYLOAD_TYPE, body))
    return Envelope(
        b64encode(body).decode(),
        PAYLOAD_TYPE,
        [Signature(key_id(key.public_key()), b64encode(signature).decode())],
    )


def with_statements(payload: bytes, envelopes: Sequence[Envelope]) -> bytes:
    """Give the payload with these statements in place of those it had."""
    content = _content(payload)
    content["evidence"]["statements"] = [msgspec.to_builtins(envelope) for envelope in envelopes]
    return encode_payload(content)


def statements(payload: bytes, trust: Iterable[PublicKey]) -> list[Checked]:
    """Give the statements that a pack carries, checked; raises PackError when one is malformed."""
    digest = content_digest(payload)
    known = {key_id(key): key for key in map(read_public_key, trust)}
    found = []
    try:
        for envelope in msgspec.convert(_content(payload)["evidence"].get("statements", []), list[Envelope]):
            body = b64decode(envelope.payload, validate=True)
            signer = ""
            for signature in envelope.signatures:
                if signature.keyid in known:
                    signed = pre_authentication(envelope.payload_type, body)
                    known[signature.keyid].verify(b64decode(signature.sig, validate=True), signed)
                    signer = signature.keyid
            statement = msgspec.json.decode(body, type=Statement)
            about = any(subject.digest.get("sha256") == digest for subject in statement.subject)
            found.append(Checked(statement, signer, about))
    except InvalidSignature:
        raise PackError("a statement was changed after it was signed", mend="attest again") from None
    except (ValueError, msgspec.MsgspecError) as error:
        raise PackError(f"a statement is malformed: {error}", mend="attest again") from None
    return found


def read_envelope(file: Path) -> Envelope:
    """Read a statement that `workbench pack approve` wrote; raises InputError naming the file."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=Envelope)
    except (OSError, msgspec.MsgspecError) as error:
        mend = "write it with `workbench pack approve`"
        raise InputError(f"not a signed statement: {error}", place=file, mend=mend) from None


def approvers(found: Iterable[Checked]) -> dict[str, str]:
    """Give the key id → name of everyone whose trusted key approved this very content."""
    return {
        one.signer: str(one.statement.predicate.get("by", ""))
        for one in found
        if one.signer and one.about and one.statement.predicate_type == APPROVAL
    }
