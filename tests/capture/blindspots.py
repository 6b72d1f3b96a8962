"""Does what the kernel source cannot look into: io_uring, a 32-bit system call; and asks DNS over TCP."""

from __future__ import annotations

import ctypes
import mmap
import os
import socket
import struct

LIBC = ctypes.CDLL(None, use_errno=True)


def ring_nop() -> None:
    """Submit one no-op through io_uring (setup 425, enter 426)."""
    parameters = bytearray(120)
    buffer = (ctypes.c_char * 120).from_buffer(parameters)
    fd = LIBC.syscall(425, 4, buffer)
    assert fd >= 0, os.strerror(ctypes.get_errno())
    tail, array = struct.unpack_from("<I", parameters, 44)[0], struct.unpack_from("<I", parameters, 64)[0]
    ring = mmap.mmap(fd, array + 16, offset=0)
    mmap.mmap(fd, 4 * 64, offset=0x10000000)
    ring[tail : tail + 4] = struct.pack("<I", 1)
    assert LIBC.syscall(426, fd, 1, 0, 0, 0, 0) == 1
    os.close(fd)


def old_getpid() -> None:
    """Enter the kernel by its 32-bit door: mov eax, 20; int 0x80; ret."""
    code = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    code.write(b"\xb8\x14\x00\x00\x00\xcd\x80\xc3")
    address = ctypes.addressof(ctypes.c_char.from_buffer(code))
    assert ctypes.CFUNCTYPE(ctypes.c_int)(address)() == os.getpid()


def dns_over_tcp() -> None:
    """Ask as glibc does: length and question in one writev, to port 53."""
    question = struct.pack(">HHHHHH", 7, 0x0100, 1, 0, 0, 0) + b"\x04long\x07example\x00\x00\x10\x00\x01"
    listener = socket.create_server(("127.0.0.53", 53))
    client = socket.create_connection(("127.0.0.53", 53))
    client.sendmsg([struct.pack(">H", len(question)), question])
    listener.accept()


def dns_over_tcp_on_another_port() -> None:
    """Ask with the length before the question, both in one write."""
    question = struct.pack(">HHHHHH", 7, 0x0100, 1, 0, 0, 0) + b"\x05other\x07example\x00\x00\x01\x00\x01"
    listener = socket.create_server(("127.0.0.1", 0))
    client = socket.create_connection(listener.getsockname())
    client.sendall(struct.pack(">H", len(question)) + question)
    listener.accept()


if __name__ == "__main__":
    ring_nop()
    old_getpid()
    dns_over_tcp()
    dns_over_tcp_on_another_port()
