"""Where OpenSSL's functions see plaintext: the shared library, and programs that export their own copy."""

from __future__ import annotations

import shutil
from pathlib import Path

_LIBRARIES = ("/usr/lib", "/lib", "/usr/lib64", "/usr/local/lib")
_NAME = "libssl.so.3"
_EXPORTING = ("node",)
_SYMBOL = b"\0SSL_write\0"


def libraries() -> list[str]:
    """Find files to attach to: libssl.so.3 and a Node.js that carries OpenSSL."""
    found = [path for root in _LIBRARIES for path in Path(root).glob(f"{_NAME}")]
    found += [path for root in _LIBRARIES for path in Path(root).glob(f"*-linux-gnu/{_NAME}")]
    for program in _EXPORTING:
        place = shutil.which(program)
        if place and exports(Path(place).resolve()):
            found.append(Path(place))
    return sorted({str(path.resolve()) for path in found})


def exports(path: Path) -> bool:
    """Tell whether a program's symbol table names SSL_write."""
    with path.open("rb") as file:
        overlap = b""
        while block := file.read(1 << 20):
            if _SYMBOL in overlap + block:
                return True
            overlap = block[-len(_SYMBOL) :]
    return False
