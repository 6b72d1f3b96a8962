"""What this machine can capture and enforce, found by trying, and what each missing thing costs."""

from __future__ import annotations

import ctypes
import os
import platform
import shutil
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import msgspec

from capture.source import why_not
from workbench.errors import CaptureError

_LIBC = ctypes.CDLL(None, use_errno=True)
_LANDLOCK_CREATE_RULESET, _LANDLOCK_VERSION = 444, 1
_FANOTIFY_INIT, _FAN_CLASS_CONTENT = 300, 0x04
_CLONE_NEWNET = 0x40000000


class Check(msgspec.Struct, frozen=True):
    """One thing that was tried: what it is for, whether it works, why not, and what its absence costs."""

    name: str
    purpose: str
    works: bool
    reason: str = ""
    cost: str = ""


def examine() -> list[Check]:
    """Try everything; takes a few seconds."""
    return list(_checks())


def _checks() -> Iterator[Check]:
    for name, purpose, reason, cost in _trials():
        found = reason()
        yield Check(name, purpose, found is None, found or "", cost if found else "")


def _trials() -> Iterator[tuple[str, str, Callable[[], str | None], str]]:
    yield "bcc", "capture", _no_bcc, "no kernel capture: strace is the fallback, ten times slower"
    yield "strace", "capture", lambda: why_not("strace"), "no fallback where eBPF is not possible"
    yield "tls-plaintext", "capture", _no_openssl, "requests inside TLS are seen as bytes to a host only"
    yield "landlock", "enforce", _no_landlock, "file reads and connections cannot be denied without root"
    yield "cgroup-connect", "enforce", _no_cgroup_connect, "connections cannot be denied per process tree"
    yield "fanotify-permission", "enforce", _no_fanotify, "opens cannot be held until a verdict"
    yield "bpf-lsm", "enforce", _no_lsm, "no denial inside the kernel: weaker means are used"
    yield "network-namespace", "scenarios", _no_namespace, "scenarios cannot be run apart from the network"


@cache
def obstacle(name: str) -> str | None:
    """Tell why one of the things that `examine` tries does not work here, found by trying once.

    >>> obstacle("time-travel")
    Traceback (most recent call last):
    KeyError: 'time-travel'
    """
    return {trial[0]: trial[2] for trial in _trials()}[name]()


@cache
def _no_bcc() -> str | None:
    return why_not("bcc")


def _attempt(program: bytes, load: Callable[[object], None]) -> str | None:
    """Compile a program and load it; gives why that failed."""
    from capture.bcc.program import load_text  # noqa: PLC0415 - bcc may be absent

    try:
        load(load_text(program.decode()))
    except CaptureError as error:
        return error.cause[:200]
    except Exception as error:  # bcc raises Exception itself
        return " ".join(str(error).split())[:200]
    return None


def _no_cgroup_connect() -> str | None:
    if not any(
        Path(root, "cgroup.controllers").is_file() for root in ("/sys/fs/cgroup", "/sys/fs/cgroup/unified")
    ):
        return "no cgroup v2 hierarchy is mounted"

    def load(bpf: object) -> None:
        bpf.load_func(b"check", 18, attach_type=10)  # type: ignore[attr-defined]  # a BPF, of a library without types

    return _attempt(b"int check(struct bpf_sock_addr *ctx) { return 1; }", load)


def _no_lsm() -> str | None:
    active = Path("/sys/kernel/security/lsm")
    if active.is_file() and "bpf" not in active.read_text().split(","):
        return "bpf is not among the active security modules"
    return _attempt(b"LSM_PROBE(file_open, void *file) { return 0; }", lambda _: None)


def _no_landlock() -> str | None:
    version = _LIBC.syscall(_LANDLOCK_CREATE_RULESET, None, 0, _LANDLOCK_VERSION)
    return None if version > 0 else f"landlock: {os.strerror(ctypes.get_errno())}"


def _no_fanotify() -> str | None:
    fd = _LIBC.syscall(_FANOTIFY_INIT, _FAN_CLASS_CONTENT, os.O_RDONLY)
    if fd < 0:
        return f"fanotify: {os.strerror(ctypes.get_errno())}"
    os.close(fd)
    return None


def _no_namespace() -> str | None:
    if platform.system() != "Linux":
        return "not Linux"
    if (pid := os.fork()) == 0:
        os._exit(0 if _LIBC.unshare(_CLONE_NEWNET) == 0 else ctypes.get_errno())
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return None if code == 0 else f"unshare: {os.strerror(code)}"


def _no_openssl() -> str | None:
    from capture.bcc.openssl import libraries  # noqa: PLC0415 - only where the kernel source is

    if reason := _no_bcc():
        return f"needs the kernel source: {reason}"
    if not libraries():
        return "no libssl.so.3 or node that exports OpenSSL's functions was found"
    return None


def kernel() -> str:
    """Name the kernel and the tools that matter.

    >>> "strace" in kernel()
    True
    """
    tools = " ".join(f"{name}={shutil.which(name) or 'none'}" for name in ("strace", "node"))
    return f"{platform.system()} {platform.release()} {platform.machine()} uid={os.getuid()} {tools}"
