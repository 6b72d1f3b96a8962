"""The formats of `workbench import` that harnesses write."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from capture.harness.transcript import Reader, Transcript
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


_PLACES = {
    "mini-swe-agent": ("", "*.traj.json"),
    "codex": ("~/.codex/sessions", "rollout-*.jsonl"),
    "gemini-cli": ("~/.gemini/tmp", "session-*.json*"),
    "opencode": ("~/.local/share/opencode", "opencode.db"),
    "claude-code": ("~/.claude/projects", "*.jsonl"),
    "hooks": ("~/.local/state/agent-detection-workbench", "hooks.jsonl"),
}
_WHOLE = ("mini-swe-agent", "gemini-cli", "opencode")


def reader(format: str) -> Callable[[Path], Transcript]:
    """Give the reader of a format; raises InputError for an unknown one."""
    read: Callable[[Path], Transcript] = _module(format).read
    return read


def by_line(format: str) -> Callable[[str], Reader] | None:
    """Give what reads a format's lines one after another; None for a file that is written anew."""
    kind: Callable[[str], Reader] | None = None if format in _WHOLE else _module(format).Reader
    return kind


def place(format: str) -> tuple[Path | None, str]:
    """Give where a harness usually writes, if anywhere, and the names of its files."""
    _module(format)
    directory, pattern = _PLACES.get(format, ("", "*.jsonl"))
    return Path(directory).expanduser() if directory else None, pattern


def _module(format: str) -> Any:
    if format not in FORMATS:
        raise InputError(f"no harness format {format!r}", mend=f"use one of {', '.join(FORMATS)}")
    return import_module(f"capture.harness.{FORMATS[format]}")
