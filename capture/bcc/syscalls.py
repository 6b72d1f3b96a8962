"""The table of system calls, `syscalls.toml`, and how it is told to the kernel programs."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path

import msgspec

NONE = 0xFFFF
_REGISTERS = ("di", "si", "dx", "r10", "r8", "r9")
_ARGUMENTS = (
    *("path", "directory", "path2", "directory2", "fd", "from", "to"),
    *("x", "y", "buffer", "address", "address_length"),
)


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


def registers() -> list[tuple[str, str]]:
    """Name the members of pt_regs that hold arguments."""
    return [("pt_regs", name) for name in _REGISTERS]


def shape(call: Syscall, offsets: dict[tuple[str, str], int]) -> dict[str, int]:
    """Give the members of the kernel's `struct shape` for a call."""
    positions = {name: getattr(call, "from_" if name == "from" else name) for name in _ARGUMENTS}
    return {
        **{
            name: NONE if position is None else offsets["pt_regs", _REGISTERS[position]]
            for name, position in positions.items()
        },
        "layout": call.layout,
        "result": int(call.result),
        "pointer": int(call.pointer),
    }
