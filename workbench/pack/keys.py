"""Signing keys: Ed25519, PEM files, and which public keys this user trusts."""

from __future__ import annotations

import os
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from workbench.errors import InputError
from workbench.files import write_aside
from workbench.scorer.envelope import key_id, read_public_key

TRUST = "WORKBENCH_TRUST"
"""The environment variable that lists trusted public keys, separated as PATH is."""


def generate_key(path: Path) -> Path:
    """Write a new private key (PKCS#8, mode 600) and its public half beside it; gives the latter's path.

    Raises InputError when either file exists: a signing key is never overwritten.
    """
    public = path.with_name(path.name + ".pub")
    for file in (path, public):
        if file.exists():
            raise InputError(
                "already exists", place=file, mend="choose another --out; keys are not overwritten"
            )
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    write_aside(path, private, mode=0o600)
    write_aside(public, public_pem(key), mode=0o644)
    return public


def public_pem(key: Ed25519PrivateKey) -> bytes:
    """Give the public half as PEM."""
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def read_private_key(path: Path | str) -> Ed25519PrivateKey:
    """Read a signing key; raises InputError, which never shows what the file holds."""
    file = Path(path)
    try:
        key = load_pem_private_key(file.read_bytes(), password=None)
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", place=file, mend="give keygen's file") from None
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise InputError(
            "is not an unencrypted PEM private key", place=file, mend="make one with `workbench pack keygen`"
        ) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise InputError("is not an Ed25519 key", place=file, mend="make one with `workbench pack keygen`")
    return key


def trusted_directory() -> Path:
    """Give the directory of the public keys that this user trusts."""
    base = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(base) / "agent-detection-workbench" / "trusted-keys"


def trust_key(public: Path) -> Path:
    """Copy a public key to the trusted ones; gives the copy's path, raises InputError where none can be.

    The copy is named by the key too: another key's file may have the same name.
    """
    copy = trusted_directory() / f"{public.stem}-{key_id(read_public_key(public))[:16]}.pub"
    try:
        copy.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise InputError(
            f"the key is made, but not trusted: {error.strerror}",
            place=copy.parent,
            mend=f"give --trust {public} where it is to be trusted, as after --no-trust",
        ) from None
    write_aside(copy, public.read_bytes(), mode=0o644)
    return copy


def trusted_keys(given: list[Path] | None = None) -> list[Path]:
    """Give the public keys to trust: the given ones, else those of `$WORKBENCH_TRUST`, else the user's.

    Raises InputError when there are none.
    """
    if given:
        return list(given)
    listed = os.environ.get(TRUST)
    found = (
        [Path(part) for part in listed.split(os.pathsep) if part]
        if listed
        else sorted(trusted_directory().glob("*.pub"))
    )
    if not found:
        raise InputError(
            "no key is trusted here",
            place=trusted_directory(),
            mend=f"give --trust PUB, set ${TRUST}, or make a key with `workbench pack keygen`",
        )
    return found
