"""Harnesses and servers on demand, at the versions of their locks, in a cache outside the repository."""

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

HARNESSES = Path(__file__).parent / "harness"
SERVERS = Path(__file__).parent / "server"


def cache() -> Path:
    """Give the directory that holds what was installed."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "agent-detection-workbench"


def python_environment(lock: Path) -> Path:
    """Give the virtual environment made from a lock with hashes, installing it first when it is missing.

    Raises CaptureError when it cannot be installed here.
    """
    uv = _program("uv")
    python = "/usr/bin/python3.11" if Path("/usr/bin/python3.11").exists() else sys.executable

    def build(directory: Path) -> None:
        _run(lock.stem, [uv, "venv", "--quiet", "--relocatable", "--python", python, str(directory)])
        inside = str(directory / "bin" / "python")
        install = [uv, "pip", "install", "--quiet", "--compile-bytecode", "--require-hashes"]
        _run(lock.stem, [*install, "--python", inside, "--requirements", str(lock)])

    return _once(lock.parent.name, lock.stem, lock.read_bytes(), build)


def node_modules(source: Path) -> Path:
    """Give the directory made from the package-lock.json of `source`, installing it first when missing.

    Raises CaptureError when it cannot be installed here.
    """
    npm = _program("npm")
    name = source.name

    def build(directory: Path) -> None:
        # Not `npm ci`: it refuses locks without other platforms' optional packages, which npm itself writes.
        install = [npm, "install", "--loglevel=error", "--no-save", "--no-audit", "--no-fund"]
        for file in ("package.json", "package-lock.json"):
            shutil.copy(source / file, directory / file)
        _run(name, [*install, "--prefix", str(directory)])

    files = [source / "package.json", source / "package-lock.json"]
    return _once(source.parent.name, name, b"".join(file.read_bytes() for file in files), build)


def debian_package(name: str) -> Path:
    """Give the directory into which a Debian package, and what it needs that is missing here, was unpacked.

    Nothing is installed in the system: no service starts. The version is the one Debian's archive has, which
    apt verifies; a pin would break with each of its security updates. Raises CaptureError when there is none.
    """
    apt, unpack = _program("apt-get"), _program("dpkg-deb")

    def build(directory: Path) -> None:
        with tempfile.TemporaryDirectory() as archives:
            # Without a place of its own for what is half downloaded, apt refuses the directory.
            (Path(archives) / "partial").mkdir()
            fetch = [apt, "install", "--quiet=2", "--yes", "--download-only", "--no-install-recommends"]
            _run(name, [*fetch, f"--option=Dir::Cache::Archives={archives}", name])
            for archive in Path(archives).glob("*.deb"):
                _run(name, [unpack, "--extract", str(archive), str(directory)])

    release = Path("/etc/os-release")
    return _once("debian", name, release.read_bytes() if release.exists() else b"", build)


def _program(name: str) -> str:
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        raise CaptureError(f"{name} is not installed", mend=f"install {name}, then try again")
    return found


def _once(kind: str, name: str, identity: bytes, build: Callable[[Path], None]) -> Path:
    target = cache() / kind / f"{name}-{hashlib.sha256(identity).hexdigest()[:16]}"
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
        npm = Path(command[0]).name == "npm"  # whose first line is the code, and whose last a log's place
        reason = said[0 if npm else -1] if said else f"exit {error.returncode}"
        raise CaptureError(
            f"{name} cannot be installed here: {reason}", mend="check that the package index can be reached"
        ) from None
