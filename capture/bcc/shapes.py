"""How the table of system calls is told to the kernel programs."""

from __future__ import annotations

from capture.linux.syscalls import Syscall

NONE = 0xFFFF
_REGISTERS = ("di", "si", "dx", "r10", "r8", "r9")
_ARGUMENTS = (
    *("path", "directory", "path2", "directory2", "fd", "from", "to"),
    *("x", "y", "buffer", "address", "address_length"),
)


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
