"""A filter on the connections of a cgroup: what is listed fails with EPERM, before a packet leaves.

It is attached by a link, which the kernel ends with the process that holds it: a sensor that dies leaves no
filter behind.
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterable, Mapping
from contextlib import suppress
from ipaddress import IPv4Network, IPv6Address, IPv6Network
from pathlib import Path
from typing import NamedTuple

from capture.bcc.program import load_text
from workbench.errors import CaptureError

ALWAYS = 1 << 63
"""The bit of a place that is denied whatever a process holds."""

Network = IPv4Network | IPv6Network

_BPF, _LINK_CREATE = 321, 28
_CGROUP_SOCK_ADDR = 18  # linux/bpf.h, as are the places to attach to
_HOOKS = {b"connect4": 10, b"connect6": 11, b"sendmsg4": 14, b"sendmsg6": 15}
_LIBC = ctypes.CDLL(None, use_errno=True)


class Denial(NamedTuple):
    """One connection that was denied; an IPv4 address is told as such."""

    pid: int
    address: str
    port: int


class ConnectFilter:
    """Denies connections from `cgroup` and below; raises CaptureError when the kernel does not let us."""

    def __init__(self, cgroup: Path) -> None:
        self._bpf = load_text(Path(__file__).with_name("connects.c").read_text())
        self._links: list[int] = []
        group = os.open(cgroup, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for name, kind in _HOOKS.items():
                program = self._bpf.load_func(name, _CGROUP_SOCK_ADDR, attach_type=kind)
                self._links.append(_link(program.fd, group, kind))
        except Exception as error:  # bcc raises Exception itself
            self.close()
            raise CaptureError(f"connections cannot be denied: {error}", mend="run as root") from None
        finally:
            os.close(group)

    def deny(self, places: Mapping[tuple[Network, int], int]) -> None:
        """Deny these places alone: block and port (0: any), with the bits of the labels it takes."""
        table = self._bpf[b"places"]
        wanted = {_key(*place) for place in places}
        for key in list(table.keys()):
            if bytes(key) not in wanted:
                del table[key]
        self.deny_also(places)

    def deny_also(self, places: Mapping[tuple[Network, int], int]) -> None:
        """Deny these places on top."""
        table = self._bpf[b"places"]
        for place, labels in places.items():
            table[table.Key.from_buffer_copy(_key(*place))] = ctypes.c_ulonglong(labels)

    def hold(self, pid: int, labels: int) -> None:
        """Say which labels a process holds; none when `labels` is 0."""
        table = self._bpf[b"holding"]
        if labels:
            table[ctypes.c_uint(pid)] = ctypes.c_ulonglong(labels)
        else:
            with suppress(KeyError):
                del table[ctypes.c_uint(pid)]

    def denials(self) -> Iterable[Denial]:
        """Give, once, what was denied."""
        queue = self._bpf[b"denials"]
        with suppress(KeyError):
            while True:
                told = queue.pop()
                address = IPv6Address(bytes(told.address))
                yield Denial(told.tgid, str(address.ipv4_mapped or address), told.port)

    def close(self) -> None:
        """Let every connection through again."""
        for link in self._links:
            os.close(link)
        self._links.clear()
        self._bpf.cleanup()


def _key(network: Network, port: int) -> bytes:
    address, bits = network.network_address.packed, network.prefixlen
    if network.version == 4:
        address, bits = bytes(10) + b"\xff\xff" + address, bits + 96
    return struct.pack("=I", 16 + bits) + port.to_bytes(2, "big") + address + bytes(2)


def _link(program: int, group: int, kind: int) -> int:
    attributes = struct.pack("=IIII", program, group, kind, 0).ljust(64, b"\0")
    link: int = _LIBC.syscall(_BPF, _LINK_CREATE, attributes, len(attributes))
    if link < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return link
