"""Opens that come again are known by their bytes, and tell the same."""

from __future__ import annotations

import tracemalloc
from struct import pack

import pytest

from capture.bcc.calls import Calls
from capture.bcc.records import WHAT, Kind, Record
from capture.redact import Redactor

OPEN, OWN_PATH, DEVICE_MODE = 257, 1 << 63, 8 << 52 | 0o100644
KEY = "AKIAIOSFODNN7EXAMPLQ"


def record(kind: Kind, path: str, *, inode: int = 7, cut: int = 0, ret: int = 0) -> Record:
    names = "".join(f"{name}\0" for name in reversed(path.split("/")[1:])).encode() if path else b""
    who, when = bytes(56), bytes(24)
    numbers = pack("<qQQQQQ", ret, inode, DEVICE_MODE, 0, 0, OWN_PATH if ret >= 0 else 0)
    header = pack("<HHHHHHHH", kind, OPEN, cut, 0, len(names), 0, 0, 0)
    return Record.read(who + when + numbers + header + names)


@pytest.fixture
def calls() -> Calls:
    return Calls(Redactor())


def test_an_open_that_comes_again_tells_the_same(calls: Calls) -> None:
    opened = record(Kind.CALL, "/srv/a.txt")
    assert calls.again(opened.raw[WHAT]) is None
    told = calls.told(opened)
    assert calls.again(opened.raw[WHAT]) == told
    assert (told["file.path"], told["event.action"], told["event.outcome"]) == (
        "/srv/a.txt",
        "open",
        "success",
    )


def test_a_file_has_the_name_it_was_last_opened_by(calls: Calls) -> None:
    first, second, read = record(Kind.CALL, "/a"), record(Kind.CALL, "/b"), record(Kind.IO, "")
    calls.told(first)
    calls.told(second)
    assert calls.file(read)["file.path"] == "/b"
    calls.again(first.raw[WHAT])
    assert calls.file(read)["file.path"] == "/a"


def test_what_was_cut_is_read_each_time_and_so_counted_each_time(calls: Calls) -> None:
    cut = record(Kind.CALL, "/a", cut=1)
    calls.told(cut)
    assert calls.again(cut.raw[WHAT]) is None


def test_what_is_kept_of_an_open_holds_no_secret(calls: Calls) -> None:
    opened = record(Kind.CALL, f"/srv/{KEY}")
    calls.told(opened)
    assert KEY not in str(calls.again(opened.raw[WHAT]))


def test_a_failed_open_names_no_inode(calls: Calls) -> None:
    failed = record(Kind.CALL, "/a", ret=-2)
    told = calls.told(failed)
    assert told["error.code"] == "ENOENT"
    assert "file.path" not in calls.file(record(Kind.IO, ""))


def test_what_is_kept_of_files_is_bounded_however_long_paths_are(calls: Calls) -> None:
    deep = "/".join(["d" * 250] * 32)
    tracemalloc.start()
    try:
        for inode in range(3_000):
            calls.told(record(Kind.CALL, f"/{deep}/{inode}", inode=inode))
        assert tracemalloc.get_traced_memory()[0] < 32_000_000
    finally:
        tracemalloc.stop()
    assert calls.file(record(Kind.IO, "", inode=2_999))["file.path"] == f"/{deep}/2999"
