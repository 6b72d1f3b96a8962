"""Debian's bcc, imported by path: PyPI's package of that name is something else."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

from workbench.errors import CaptureError

_PLACE = Path("/usr/lib/python3/dist-packages/bcc")


def bcc() -> ModuleType:
    """Import iovisor's bcc; raises CaptureError when it is not installed."""
    if "bcc" in sys.modules:
        return sys.modules["bcc"]
    init = _PLACE / "__init__.py"
    spec = importlib.util.spec_from_file_location("bcc", init, submodule_search_locations=[str(_PLACE)])
    if not init.is_file() or spec is None or spec.loader is None:
        raise CaptureError(
            "iovisor's bcc is not installed", place=_PLACE, mend="apt-get install python3-bpfcc"
        )
    module = importlib.util.module_from_spec(spec)
    sys.modules["bcc"] = module
    try:
        spec.loader.exec_module(module)
    except (ImportError, OSError) as error:
        del sys.modules["bcc"]
        raise CaptureError(
            f"bcc does not load: {error}", place=_PLACE, mend="apt-get install --reinstall python3-bpfcc"
        ) from None
    return module
