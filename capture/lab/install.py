"""Harnesses on demand: each at its pinned version, in a cache outside the repository, whole or not at all."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from workbench.errors import CaptureError

LOCKS = Path(__file__).parent / "harness"


def cache() -> Path:
    """Give the directory that holds what was installed."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "agent-detection-workbench" / "harness"


def python_harness(name: str) -> Path:
    """Give the virtual environment made from `harness/<name>.lock`, installing it first when it is missing.

    Raises CaptureError when it cannot be installed here.
    """
    lock = LOCKS / f"{name}.lock"
    uv = _program("uv")
    python = "/usr/bin/python3.11" if Path("/usr/bin/python3.11").exists() else sys.executable

    def build(directory: Path) -> None:
        _run(name, [uv, "venv", "--quiet", "--relocatable", "--python", python, str(directory)])
        inside = str(directory / "bin" / "python")
        install = [uv, "pip", "install", "--quiet", "--compile-bytecode", "--require-hashes"]
        _run(name, [*install, "--python", inside, "--requirements", str(lock)])

    return _once(name, lock.read_bytes(), build)


def node_harness(name: str) -> Path:
    """Give the directory made from `harness/<name>/package-lock.json`, installing it first when missing.

    Raises CaptureError when it cannot be installed here.
    """
    source = LOCKS / name
    npm = _program("npm")

    def build(directory: Path) -> None:
        # Not `npm ci`: it refuses locks without other platforms' optional packages, which npm itself writes.
        install = [npm, "install", "--silent", "--no-save", "--no-audit", "--no-fund"]
        for file in ("package.json", "package-lock.json"):
            shutil.copy(source / file, directory / file)
        _run(name, [*install, "--prefix", str(directory)])

    files = [source / "package.json", source / "package-lock.json"]
    return _once(name, b"".join(file.read_bytes() for file in files), build)


def _program(name: str) -> str:
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        raise CaptureError(f"{name} is not installed", mend=f"install {name}, then try again")
    return found


def _once(name: str, identity: bytes, build: Callable[[Path], None]) -> Path:
    target = cache() / f"{name}-{hashlib.sha256(identity).hexdigest()[:16]}"
    if target.exists():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=f".{name}.", dir=target.parent))
    try:
        build(aside)
        aside.chmod(0o755)
        if not target.exists():
            aside.rename(target)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return target


def _run(name: str, command: list[str]) -> None:
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    except subprocess.CalledProcessError as error:
        said = (error.stderr or error.stdout or "").strip().splitlines()
        reason = said[-1] if said else f"exit {error.returncode}"
        raise CaptureError(
            f"{name} cannot be installed here: {reason}", mend="check that the package index can be reached"
        ) from None
