"""The table of system calls, `syscalls.toml`."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path

import msgspec


class Syscall(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One system call: the program that reads it, its meaning, and its arguments' positions."""

    nr: int
    program: str
    action: str = ""
    path: int | None = None
    directory: int | None = None
    path2: int | None = None
    directory2: int | None = None
    fd: int | None = None
    from_: int | None = msgspec.field(default=None, name="from")
    to: int | None = None
    x: int | None = None
    y: int | None = None
    buffer: int | None = None
    layout: int = 0
    address: int | None = None
    address_length: int | None = None
    result: bool = False
    pointer: bool = False
    text: bool = False
    flags: int = 0
    type: str = ""


@cache
def syscalls() -> dict[str, Syscall]:
    """Read the table: name → how it is read."""
    table = tomllib.loads(Path(__file__).with_name("syscalls.toml").read_text())
    return msgspec.convert(table, dict[str, Syscall])
