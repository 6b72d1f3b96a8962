"""codex: Responses API, a rollout file, and the call's id in every tool process's environment."""

from __future__ import annotations

from pathlib import Path

from capture.harness import codex
from capture.harness.transcript import Transcript, newest
from capture.lab.driver.base import Launch
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


class Codex:
    """Runs `codex exec` without approvals or sandbox."""

    name = "codex"
    version = "0.169.0"

    def launch(self, world: World, task: str) -> Launch:
        """See Driver."""
        place, binds = bound(self.name, world)
        command = [f"{place}/node_modules/.bin/codex", "exec", "--json", "--skip-git-repo-check"]
        return Launch(
            command=[*command, "--dangerously-bypass-approvals-and-sandbox", "-C", world.repository, task],
            environment={"CODEX_HOME": f"{world.home}/.codex", "GATEWAY_KEY": world.values["api_key"]},
            files={f"{world.home}/.codex/config.toml": (_SETTINGS % world.model_port, "600")},
            binds=binds,
        )

    def close_script(self, turns: list[Turn], world: World) -> list[Turn]:
        """See Driver."""
        return turns

    def transcript(self, home: Path, world: World) -> Transcript:
        """See Driver."""
        return codex.read(newest(home / ".codex" / "sessions", "*/*/*/rollout-*.jsonl"))
