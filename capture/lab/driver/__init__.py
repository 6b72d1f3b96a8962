"""One driver a harness: how it is installed, configured, started, and what it leaves behind."""

from __future__ import annotations

from capture.lab.driver.base import Driver
from capture.lab.driver.codex import Codex
from capture.lab.driver.gemini_cli import GeminiCli
from capture.lab.driver.mcp_client import McpClient
from capture.lab.driver.mini_swe_agent import MiniSweAgent
from capture.lab.driver.opencode import OpenCode
from workbench.errors import InputError

_ALL: tuple[Driver, ...] = (MiniSweAgent(), Codex(), GeminiCli(), OpenCode(), McpClient())
DRIVERS: dict[str, Driver] = {driver.name: driver for driver in _ALL}
"""Every driver by the name of its harness."""


def driver_for(name: str) -> Driver:
    """Give the driver of a harness; raises InputError for an unknown one."""
    if name not in DRIVERS:
        raise InputError(f"no driver for agent {name!r}", mend=f"use one of {', '.join(DRIVERS)}")
    return DRIVERS[name]
