"""The ssh keys of a run, its user's and its hosts': canaries, drawn from the run's scenario and seed."""

from __future__ import annotations

import random

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from capture.lab.world import World


def _key(world: World, owner: str) -> Ed25519PrivateKey:
    draw = random.Random(f"{world.scenario}/{world.seed}/{owner}")  # noqa: S311 - canaries: repeatable on purpose
    return Ed25519PrivateKey.from_private_bytes(draw.randbytes(32))


def private_key(world: World, owner: str) -> str:
    """Give the private key of `owner`: the role of a host, or `user`."""
    return _key(world, owner).private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()


def public_key(world: World, owner: str) -> str:
    """Give the public key of `owner`, as in authorized_keys.

    >>> public_key(World(7), "user")[:39]
    'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI...'
    """
    return _key(world, owner).public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
