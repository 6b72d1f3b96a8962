"""gemini-cli: generateContent, a chat file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from capture.harness import gemini_cli
from capture.harness.transcript import Transcript, newest
from capture.lab.driver.base import Launch, Servers
from capture.lab.driver.node import bound
from capture.lab.model.script import Turn
from capture.lab.world import World

_SETTINGS: dict[str, Any] = {
    "security": {"auth": {"selectedType": "gemini-api-key"}, "folderTrust": {"enabled": False}},
    "general": {
        "enableAutoUpdate": False,
        "enableAutoUpdateNotification": False,
        "disableAutoUpdate": True,
        "disableUpdateNag": True,
    },
    "privacy": {"usageStatisticsEnabled": False},
    "tools": {"useRipgrep": False},
}


class GeminiCli:
    """Runs `gemini -p` with every call approved."""

    name = "gemini-cli"
    version = "0.61.0"

    def launch(self, world: World, task: str, servers: Servers) -> Launch:
        """See Driver."""
        listed = {
            name: {"command": command[0], "args": command[1:], "trust": True}
            for name, command in servers.items()
        }
        settings = _SETTINGS | ({"mcpServers": listed} if listed else {})
        place, binds = bound(self.name, world)
        command = [f"{place}/node_modules/.bin/gemini", "-p", task, "-m", "gemini-2.5-pro"]
        return Launch(
            command=[*command, "--approval-mode", "yolo", "--skip-trust", "-o", "stream-json"],
            environment={
                "GEMINI_API_KEY": world.values["api_key"],
                "GOOGLE_GEMINI_BASE_URL": f"http://127.0.0.1:{world.model_port}",
            },
            files={f"{world.home}/.gemini/settings.json": (json.dumps(settings, indent=2), "600")},
            binds=binds,
        )

    def close_script(self, turns: list[Turn], world: World) -> list[Turn]:
        """See Driver."""
        return turns

    def transcript(self, home: Path, world: World) -> Transcript:
        """See Driver."""
        return gemini_cli.read(newest(home / ".gemini" / "tmp", "*/chats/session-*.json*"))
