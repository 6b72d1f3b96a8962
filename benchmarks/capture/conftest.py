"""What the capture benchmarks share: the compiled loop, and a place to print side by side."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from capture.source import why_not


@pytest.fixture(scope="session", autouse=True)
def kernel_source() -> None:
    """Skip where the kernel cannot be traced."""
    if reason := why_not("bcc"):
        pytest.skip(f"live capture: not possible here, because {reason}")


@pytest.fixture(autouse=True)
def circumstances(say: Callable[[str], None]) -> None:
    """Print when, where and beside how much else each figure was taken: it means little without."""
    load, cpus = os.getloadavg()[0], os.cpu_count()
    when = time.strftime("%Y-%m-%d %H:%M", time.gmtime())
    say(f"\n{when} UTC, kernel {platform.release()}, {cpus} processors, load {load:.1f} before")


@pytest.fixture(scope="session")
def loop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The open/close loop, compiled."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        pytest.skip("needs a C compiler")
    program = tmp_path_factory.mktemp("bench") / "loop"
    source = Path(__file__).with_name("loop.c")
    subprocess.run([compiler, "-O2", "-o", str(program), str(source)], check=True)
    return program


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    """Print a line past pytest's capture."""

    def line(text: str) -> None:
        with capsys.disabled():
            print(text)

    return line
