"""opencode: Chat Completions, a SQLite database."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

from capture.harness import opencode
from capture.harness.transcript import Transcript
from capture.lab.driver.base import Launch, Servers
from capture.lab.driver.node import bound
from capture.lab.model.script import Turn
from capture.lab.world import World

_DATABASE = ".local/share/opencode"


class OpenCode:
    """Runs `opencode run` with every call allowed."""

    name = "opencode"
    version = "1.18.33"

    def launch(self, world: World, task: str, servers: Servers) -> Launch:
        """See Driver."""
        place, binds = bound(self.name, world)
        # It looks for its plugin package beside its settings, and would fetch it when it is not there.
        source = next(iter(binds))
        binds[f"{source}/node_modules"] = f"{world.home}/.config/opencode/node_modules"
        command = [f"{place}/node_modules/.bin/opencode", "run", "--format", "json", "--auto"]
        switches = ("AUTOUPDATE", "LSP_DOWNLOAD", "DEFAULT_PLUGINS", "MODELS_FETCH", "CLAUDE_CODE")
        settings = f"{world.home}/.config/opencode/opencode.json"
        return Launch(
            command=[*command, "-m", "gateway/gpt-5", task],
            environment={f"OPENCODE_DISABLE_{switch}": "1" for switch in switches},
            files={settings: (json.dumps(_settings(world, servers), indent=2), "600")},
            binds=binds,
        )

    def close_script(self, turns: list[Turn], world: World) -> list[Turn]:
        """See Driver."""
        return turns

    def delegate(self, task: str, world: World) -> Turn:
        """See Delegating: a session of its own in the same process."""
        arguments = {"description": "Help out", "prompt": task, "subagent_type": "general"}
        return Turn(step="", id=f"call_{world.token(24)}", tool="task", arguments=arguments, delegates=True)

    def transcript(self, home: Path, world: World) -> Transcript:
        """See Driver: from a copy, since the database's journal cannot be opened across namespaces."""
        with tempfile.TemporaryDirectory() as aside:
            for file in (home / _DATABASE).glob("opencode.db*"):
                shutil.copy(file, aside)
            return opencode.read(Path(aside) / "opencode.db")


def _settings(world: World, servers: Servers) -> dict[str, Any]:
    model = {"name": "gpt-5", "tool_call": True, "limit": {"context": 128_000, "output": 8_000}}
    return {
        "autoupdate": False,
        "share": "disabled",
        "model": "gateway/gpt-5",
        "small_model": "gateway/gpt-5",
        "enabled_providers": ["gateway"],
        "permission": "allow",
        "snapshot": False,
        "lsp": False,
        "formatter": False,
        "mcp": {
            name: {"type": "local", "command": command, "enabled": True} for name, command in servers.items()
        },
        "provider": {
            "gateway": {
                "npm": "@ai-sdk/openai-compatible",
                "name": "gateway",
                "options": {
                    "baseURL": f"http://127.0.0.1:{world.model_port}/v1",
                    "apiKey": world.values["api_key"],
                },
                "models": {"gpt-5": model},
            }
        },
    }
