"""The kernel source runs without root, and a recorder called through sudo gives its privileges up."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from workbench.dataset.recording import Recording

pytestmark = pytest.mark.live

NOBODY = 65534
WORKBENCH = str(Path(sys.executable).with_name("workbench"))
CAPABLE_OF_BPF_ONLY = """
import ctypes, os, struct, sys
from pathlib import Path
import pyarrow, pyarrow.parquet, workbench.dataset.recording
import workbench.dataset.attribute
from capture.bcc.library import bcc
from capture.recorder import Recorder
from capture.bcc.source import BccSource
bcc()
libc = ctypes.CDLL(None)
libc.prctl(8, 1, 0, 0, 0)
os.setgroups([])
os.setresgid(65534, 65534, 65534)
os.setresuid(65534, 65534, 65534)
high = 1 << (38 - 32) | 1 << (39 - 32)  # CAP_PERFMON, CAP_BPF
assert libc.capset(struct.pack("<II", 0x20080522, 0), struct.pack("<6I", 0, 0, 0, high, high, 0)) == 0
recorder = Recorder(BccSource())
assert recorder.run(["/bin/sh", "-c", "cat /etc/hostname; id -u"]) == 0
recorder.finish(Path(sys.argv[1]) / "r")
"""


def let_in(place: Path) -> None:
    """Let others into a directory below that for temporary files."""
    for directory in (place, *place.parents):
        if Path(tempfile.gettempdir()) in directory.parents:
            directory.chmod(0o755)


def test_two_capabilities_suffice(tmp_path: Path) -> None:
    place = tmp_path / "open"
    place.mkdir()
    os.chown(place, NOBODY, NOBODY)
    let_in(tmp_path)
    subprocess.run([sys.executable, "-c", CAPABLE_OF_BPF_ONLY, str(place)], check=True, capture_output=True)
    execs = [e for e in Recording.open(place / "r").events() if e["event.action"] == "exec"]
    assert {e["process.name"] for e in execs} >= {"sh", "cat", "id"}
    assert {e["user.id"] for e in execs} == {str(NOBODY)}


def test_through_sudo_files_and_command_are_the_caller_s(tmp_path: Path) -> None:
    let_in(tmp_path)
    place = tmp_path / "mine"
    place.mkdir()
    os.chown(place, NOBODY, NOBODY)
    subprocess.run(
        [WORKBENCH, "record", "--source", "bcc", "--out", str(place / "r"), "--", "/usr/bin/id"],
        check=True,
        stdout=subprocess.DEVNULL,
        env={**os.environ, "SUDO_UID": str(NOBODY)},
        cwd="/",
    )
    assert (place / "r").stat().st_uid == NOBODY
    (id_,) = [e for e in Recording.open(place / "r").events() if e["event.action"] == "exec"]
    assert id_["user.id"] == str(NOBODY)
