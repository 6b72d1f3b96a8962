"""What /proc tells of processes, also while they change."""

from __future__ import annotations

import os
import subprocess
import threading

from workbench import procfs


def test_a_process_has_a_start_a_parent_and_a_name_until_it_ends() -> None:
    with subprocess.Popen(["sleep", "60"]) as process:
        assert procfs.start(process.pid) is not None
        assert procfs.parent(process.pid) == os.getpid()
        assert procfs.name(process.pid) in ("sleep", "pytest", "python")
        process.kill()
        process.wait()
    assert procfs.start(process.pid) is None
    assert procfs.parent(process.pid) == 0
    assert procfs.name(process.pid) == ""


def test_threads_that_come_and_go_hide_no_child() -> None:
    ending = threading.Event()

    def churn() -> None:
        while not ending.is_set():
            thread = threading.Thread(target=int)
            thread.start()
            thread.join()

    churning = [threading.Thread(target=churn) for _ in range(4)]
    with subprocess.Popen(["sleep", "60"]) as process:
        for thread in churning:
            thread.start()
        try:
            assert all(process.pid in procfs.children(os.getpid()) for _ in range(200))
        finally:
            ending.set()
            process.kill()
            for thread in churning:
                thread.join()
