"""Packages for the registries of a run: wheels and npm tarballs, made from the texts of a scenario."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import tarfile
import zipfile
from typing import Literal

import msgspec

_EPOCH = (2026, 1, 1, 0, 0, 0)


class Package(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One package: `registry` is `pypi` or `npm`, `files` are its texts, `scripts` npm's install scripts."""

    registry: Literal["pypi", "npm"]
    name: str
    version: str
    files: dict[str, str]
    scripts: dict[str, str] = {}


def wheel(package: Package) -> tuple[str, bytes]:
    """Give the file name and the content of a package for PyPI."""
    module = package.name.replace("-", "_")
    info = f"{module}-{package.version}.dist-info"
    contents = package.files | {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {package.name}\nVersion: {package.version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: flit\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(
        f"{path},sha256={_digest(text)},{len(text.encode())}\n" for path, text in contents.items()
    )
    contents[f"{info}/RECORD"] = record + f"{info}/RECORD,,\n"
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for path, text in contents.items():
            file.writestr(zipfile.ZipInfo(path, _EPOCH), text)
    return f"{module}-{package.version}-py3-none-any.whl", archive.getvalue()


def _digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


def publication(package: Package) -> tuple[str, bytes]:
    """Give the name of an npm package and the document with which a client publishes it."""
    manifest = {
        "name": package.name,
        "version": package.version,
        "scripts": package.scripts,
        "license": "MIT",
    }
    content = _tarball({"package.json": json.dumps(manifest, indent=2) + "\n"} | package.files)
    file = f"{package.name}-{package.version}.tgz"
    sums = {
        "tarball": f"https://registry.npmjs.org/{package.name}/-/{file}",
        "shasum": hashlib.sha1(content, usedforsecurity=False).hexdigest(),
        "integrity": "sha512-" + base64.b64encode(hashlib.sha512(content).digest()).decode(),
    }
    attached = {"content_type": "application/octet-stream", "data": base64.b64encode(content).decode()}
    document = {
        "_id": package.name,
        "name": package.name,
        "dist-tags": {"latest": package.version},
        "versions": {package.version: manifest | {"dist": sums}},
        "_attachments": {file: attached | {"length": len(content)}},
    }
    return package.name, json.dumps(document).encode()


def _tarball(files: dict[str, str]) -> bytes:
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as archive:
        for path, text in files.items():
            entry = tarfile.TarInfo(f"package/{path}")
            entry.size = len(text.encode())
            entry.mode = 0o644
            archive.addfile(entry, io.BytesIO(text.encode()))
    return gzip.compress(plain.getvalue(), mtime=0)
