"""codex: Responses API, a rollout file, and the call's id in every tool process's environment."""

from __future__ import annotations

import json
from pathlib import Path

from capture.harness import codex
from capture.harness.transcript import Transcript, newest
from capture.lab.driver.base import Launch, Servers
from capture.lab.driver.node import bound
from capture.lab.model.script import Turn
from capture.lab.world import World

_SETTINGS = """\
model = "gpt-5-codex"
model_provider = "gateway"
approval_policy = "never"
sandbox_mode = "danger-full-access"
check_for_update_on_startup = false
web_search = "disabled"

[model_providers.gateway]
name = "gateway"
base_url = "http://127.0.0.1:%d/v1"
env_key = "GATEWAY_KEY"
wire_api = "responses"
request_max_retries = 1
stream_max_retries = 1

[analytics]
enabled = false
[feedback]
enabled = false
[features]
apps = false
plugins = false
"""


_SERVER = """
[mcp_servers.%s]
command = %s
args = %s
required = true
"""


def _settings(world: World, servers: Servers) -> str:
    tables = [
        _SERVER % (name, json.dumps(command[0]), json.dumps(command[1:])) for name, command in servers.items()
    ]
    return _SETTINGS % world.model_port + "".join(tables)


class Codex:
    """Runs `codex exec` without approvals or sandbox."""

    name = "codex"
    version = "0.169.0"

    def launch(self, world: World, task: str, servers: Servers) -> Launch:
        """See Driver."""
        place, binds = bound(self.name, world)
        command = [f"{place}/node_modules/.bin/codex", "exec", "--json", "--skip-git-repo-check"]
        return Launch(
            command=[*command, "--dangerously-bypass-approvals-and-sandbox", "-C", world.repository, task],
            environment={"CODEX_HOME": f"{world.home}/.codex", "GATEWAY_KEY": world.values["api_key"]},
            files={f"{world.home}/.codex/config.toml": (_settings(world, servers), "600")},
            binds=binds,
        )

    def close_script(self, turns: list[Turn], world: World) -> list[Turn]:
        """See Driver."""
        return turns

    def transcript(self, home: Path, world: World) -> Transcript:
        """See Driver."""
        return codex.read(newest(home / ".codex" / "sessions", "*/*/*/rollout-*.jsonl"))
