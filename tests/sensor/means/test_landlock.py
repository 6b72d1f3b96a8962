"""Landlock: the secrets are denied to a process and its descendants, all that lies beside them is not."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from workbench.sensor.means.landlock import Landlock


def confined(landlock: Landlock, act: Callable[[], bytes]) -> str:
    """What a process meets once it is confined."""
    there, here = os.pipe()
    if (pid := os.fork()) == 0:
        try:
            landlock.confine()
            os.write(here, act())
        except OSError as error:
            os.write(here, str(error.strerror).encode())
        finally:
            os._exit(0)
    os.waitpid(pid, 0)
    os.close(here)
    answer = os.read(there, 999).decode()
    os.close(there)
    return answer


@pytest.fixture
def home(tmp_path: Path) -> Path:
    for name in ("home/.ssh/id", "home/.ssh/config", "home/src/main.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    return tmp_path / "home"


@pytest.mark.means("landlock")
def test_a_secret_cannot_be_read_and_the_rest_can(home: Path) -> None:
    landlock = Landlock([home / ".ssh" / "id"])
    assert confined(landlock, (home / ".ssh/id").read_bytes) == "Permission denied"
    assert confined(landlock, (home / ".ssh/config").read_bytes) == "home/.ssh/config"
    assert confined(landlock, (home / "src/main.py").read_bytes) == "home/src/main.py"

    def write_and_read() -> bytes:
        (home / "src" / "new").write_text("new")
        return (home / "src" / "new").read_bytes()

    assert confined(landlock, write_and_read) == "new"

    def by_a_child() -> bytes:
        there, here = os.pipe()
        if (pid := os.fork()) == 0:
            os.dup2(here, 1)
            os.dup2(here, 2)
            os.execv("/bin/cat", ["cat", str(home / ".ssh/id")])
        os.waitpid(pid, 0)
        return os.read(there, 999)

    assert "Permission denied" in confined(landlock, by_a_child)
    landlock.close()
