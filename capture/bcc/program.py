"""Compiles the C files beside this one, loads and attaches them, and opens their maps."""

from __future__ import annotations

import ctypes
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from capture.bcc.btf import member_offsets
from capture.bcc.library import bcc
from capture.bcc.shapes import registers, shape
from capture.linux.syscalls import syscalls
from workbench.errors import CaptureError

_HERE = Path(__file__).parent
_FILES = ("record.h", "path.h", "call.c", "io.c", "network.c", "process.c")
_FORGET_NS = 30_000_000_000
_TLS_FILE = "tls.c"
_TLS_FUNCTIONS = (b"SSL_write", b"SSL_write_ex")
_MEMBER = re.compile(r"\b(?:GET\(.*,\s*|OFFSET\()(\w+),\s*(\w+)\)")
_EMBEDDED = re.compile(r"\bOFFSET\((\w+),\s*(\w+)\)")
_PROGRAMS = ("call", "socket")
_COUNTERS = ("sent", "dropped", "io_uring", "compat32", "tree_full", "flows_full")


class Program:
    """The loaded kernel programs; raises CaptureError when they cannot be loaded."""

    def __init__(self, *, ring_pages: int, interval_ns: int, tls_files: Sequence[str] = ()) -> None:
        files = [*_FILES, _TLS_FILE] if tls_files else _FILES
        source = "\n".join((_HERE / name).read_text() for name in files)
        offsets = member_offsets({*_members(source), *registers()})
        settings = {
            "RING_PAGES": ring_pages,
            "INTERVAL_NS": f"{interval_ns}ULL",
            "ARGUMENT_BYTES": 8191,
            "CALL_PROGRAM": 0,
            "SOCKET_PROGRAM": 1,
        }
        header = [f"#define {name} {value}" for name, value in settings.items()]
        header += ["#define TLS_PLAINTEXT"] if tls_files else []
        header += [f"#define OFFSET_{name}_{member} {at}" for (name, member), at in sorted(offsets.items())]
        self._bpf = load_text("\n".join(header) + "\n" + source)
        self._fill(offsets)
        for file in tls_files:
            self._attach_tls(file)
        ctypes.CDLL(None).malloc_trim(0)  # gives back what the compiler used

    def _fill(self, offsets: dict[tuple[str, str], int]) -> None:
        bpf = self._bpf
        raw = bcc().BPF.RAW_TRACEPOINT
        loaded: dict[str, Any] = {}
        for index, name in enumerate(_PROGRAMS):
            loaded[name] = bpf.load_func(name.encode(), raw)
            bpf[b"programs"][ctypes.c_int(index)] = ctypes.c_int(loaded[name].fd)
        shapes = bpf[b"shapes"]
        for call in syscalls().values():
            shapes[ctypes.c_int(call.nr)] = shapes.Leaf(**shape(call, offsets))
            if call.program not in loaded:
                loaded[call.program] = bpf.load_func(call.program.encode(), raw)
            bpf[b"calls"][ctypes.c_int(call.nr)] = ctypes.c_int(loaded[call.program].fd)

    def _attach_tls(self, file: str) -> None:
        for function in _TLS_FUNCTIONS:
            try:
                self._bpf.attach_uprobe(name=file.encode(), sym=function, fn_name=b"tls_write")
                self._bpf.attach_uretprobe(name=file.encode(), sym=function, fn_name=b"tls_written")
            except Exception as error:  # bcc raises Exception itself
                raise CaptureError(
                    f"cannot look into TLS: {error}", place=file, mend="record without --tls-plaintext"
                ) from None

    @property
    def ring_fd(self) -> int:
        """The ring buffer's file descriptor."""
        return int(self._bpf[b"ring"].map_fd)

    def allow_environment(self, names: Iterable[str]) -> None:
        """Let variables leave the kernel whose names begin with the first eight bytes of one of `names`."""
        table = self._bpf[b"environment_prefixes"]
        for name in names:
            prefix = (name + "=").encode()[:8].ljust(8, b"\0")
            table[ctypes.c_ulonglong(int.from_bytes(prefix, "little"))] = ctypes.c_uint(1)

    def trace(self, pid: int, root: int, *, from_exec: bool) -> None:
        """Add a process to the traced tree, at once or from its next exec on."""
        table = self._bpf[b"tree"]
        table[ctypes.c_uint(pid)] = table.Leaf(root=root, quiet=int(from_exec))

    def traces(self, pid: int) -> bool:
        """Whether a process is in the traced tree."""
        return ctypes.c_uint(pid) in self._bpf[b"tree"]

    def traced(self) -> int:
        """Count the processes of the tree that live."""
        return len(self._bpf[b"tree"])

    def counters(self) -> dict[str, int]:
        """Give the counters, added up over processors."""
        table = self._bpf[b"counters"]
        return {name: sum(table[ctypes.c_int(index)]) for index, name in enumerate(_COUNTERS)}

    def clear_counters(self) -> None:
        """Count from 0 again; nothing may be traced meanwhile."""
        self._bpf[b"counters"].clear()

    def take_flows(self, before: int) -> Iterator[tuple[int, int, Any]]:
        """Give and remove what flows have gathered and not sent: process, slot, totals.

        Only flows whose last operation was before a time (CLOCK_MONOTONIC, ns). Those long idle are
        forgotten: a process that ended may have left them.
        """
        table = self._bpf[b"flows"]
        take = bcc().lib.bpf_lookup_and_delete
        for key, flow in list(table.items()):
            if flow.last > (before if flow.operations else before - _FORGET_NS):
                continue
            taken = table.Leaf()
            if take(table.map_fd, ctypes.byref(key), ctypes.byref(taken)) == 0 and taken.operations:
                yield key.tgid, key.slot, taken

    def detach(self) -> None:
        """End the tracing; what was gathered can still be taken."""
        for tracepoint in list(self._bpf.raw_tracepoint_fds):
            self._bpf.detach_raw_tracepoint(tracepoint)
        # bcc would also remove the probes from tracefs, where it never put them: closing is enough.
        for descriptor in self._bpf.uprobe_fds.values():
            bcc().lib.bpf_close_perf_event_fd(descriptor)
        self._bpf.uprobe_fds.clear()

    def close(self) -> None:
        """Detach and unload."""
        self.detach()
        self._bpf.cleanup()


def _members(source: str) -> set[tuple[str, str]]:
    lines = source.splitlines()
    found = {pair for line in lines for pair in _MEMBER.findall(line) + _EMBEDDED.findall(line)}
    return found - {("type", "member")}


def load_text(text: str) -> Any:
    """Compile C as bcc understands it; raises CaptureError when that or its loading fails."""
    library = bcc()
    with _environment("BCC_KERNEL_SOURCE", str(_HERE)), _quiet() as said:
        try:
            return library.BPF(text=text.encode())
        except Exception as error:  # bcc raises Exception itself
            told = " ".join(f"{str(error)[:200]} {said()[-400:]}".split())
            raise CaptureError(
                f"the kernel programs do not load: {told}",
                mend="run as root or with CAP_BPF and CAP_PERFMON, or use --source strace",
            ) from None


@contextmanager
def _environment(name: str, value: str) -> Iterator[None]:
    """Set a variable for the compiler alone, so that traced commands do not inherit it."""
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


@contextmanager
def _quiet() -> Iterator[Any]:
    """Hold back what the compiler writes to standard error; gives a function that reads it."""
    kept = os.dup(2)
    scratch = os.memfd_create("compiler")
    os.dup2(scratch, 2)
    try:
        yield lambda: os.pread(scratch, 1 << 20, 0).decode(errors="replace")
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(scratch)
