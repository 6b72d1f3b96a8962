"""The formats of `workbench import` that harnesses write."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from capture.harness.transcript import Transcript
from workbench.errors import InputError

FORMATS = {
    "mini-swe-agent": "mini_swe_agent",
    "codex": "codex",
    "gemini-cli": "gemini_cli",
    "opencode": "opencode",
    "claude-code": "claude_code",
    "hooks": "hooks",
    "cursor": "hooks",
    "otel": "otel",
    "mcp": "mcp",
}
"""Format name → the module of this package whose `read(path)` reads it."""


def reader(format: str) -> Callable[[Path], Transcript]:
    """Give the reader of a format; raises InputError for an unknown one."""
    if format not in FORMATS:
        raise InputError(f"no harness format {format!r}", mend=f"use one of {', '.join(FORMATS)}")
    read: Callable[[Path], Transcript] = import_module(f"capture.harness.{FORMATS[format]}").read
    return read
