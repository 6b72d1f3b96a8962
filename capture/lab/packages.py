"""Packages of the run's own registries: wheels and npm tarballs, made from the texts of a scenario."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import tarfile
import zipfile

import msgspec

Pages = dict[str, bytes]

_EPOCH = (2026, 1, 1, 0, 0, 0)


class Package(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One package: `registry` is `pypi` or `npm`, `files` are its texts, `scripts` npm's install scripts."""

    registry: str
    name: str
    version: str
    files: dict[str, str]
    scripts: dict[str, str] = {}


def publish(packages: list[Package], host: str) -> Pages:
    """Give the pages of a registry that answers at `https://<host>` and holds these packages.

    PyPI's simple repository (PEP 503) for wheels, npm's package documents for tarballs.
    """
    pages: Pages = {"/-/npm/v1/security/advisories/bulk": b"{}"}
    for package in packages:
        pages |= _wheel(package) if package.registry == "pypi" else _tarball(package, host)
    return pages


def _wheel(package: Package) -> Pages:
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
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as wheel:
        for path, text in contents.items():
            wheel.writestr(zipfile.ZipInfo(path, _EPOCH), text)
    file = f"{module}-{package.version}-py3-none-any.whl"
    content = archive.getvalue()
    link = f'<a href="/packages/{file}#sha256={hashlib.sha256(content).hexdigest()}">{file}</a>'
    return {
        f"/packages/{file}": content,
        f"/simple/{package.name}/": f"<!DOCTYPE html><html><body>{link}</body></html>\n".encode(),
    }


def _digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


def _tarball(package: Package, host: str) -> Pages:
    manifest = {
        "name": package.name,
        "version": package.version,
        "scripts": package.scripts,
        "license": "MIT",
    }
    contents = {"package.json": json.dumps(manifest, indent=2) + "\n"} | package.files
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as archive:
        for path, text in contents.items():
            entry = tarfile.TarInfo(f"package/{path}")
            entry.size = len(text.encode())
            entry.mode = 0o644
            archive.addfile(entry, io.BytesIO(text.encode()))
    content = gzip.compress(plain.getvalue(), mtime=0)
    path = f"/{package.name}/-/{package.name}-{package.version}.tgz"
    sums = {
        "tarball": f"https://{host}{path}",
        "shasum": hashlib.sha1(content, usedforsecurity=False).hexdigest(),
        "integrity": "sha512-" + base64.b64encode(hashlib.sha512(content).digest()).decode(),
    }
    document = {
        "name": package.name,
        "dist-tags": {"latest": package.version},
        "versions": {package.version: manifest | {"dist": sums, "hasInstallScript": bool(package.scripts)}},
    }
    return {path: content, f"/{package.name}": json.dumps(document).encode()}
