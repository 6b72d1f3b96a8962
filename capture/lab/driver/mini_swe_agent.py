"""mini-swe-agent: a bash tool, Chat Completions, a trajectory file."""

from __future__ import annotations

import shlex
from pathlib import Path

from capture.harness import mini_swe_agent
from capture.harness.transcript import Transcript
from capture.lab.driver.base import Launch, Servers
from capture.lab.install import HARNESSES, python_environment
from capture.lab.model.script import Turn
from capture.lab.world import World
from workbench.errors import CaptureError

_TOOL = ".local/share/uv/tools/mini-swe-agent"
_TRAJECTORIES = ".config/mini-swe-agent"
_FIRST = "last_mini_run"


class MiniSweAgent:
    """Runs `mini` without confirmation; it ends when a command prints its final marker."""

    name = "mini-swe-agent"
    version = "2.4.6"

    def launch(self, world: World, task: str, servers: Servers) -> Launch:
        """See Driver."""
        if servers:
            raise CaptureError(f"{self.name} has no MCP tools", mend="choose another --agent")
        tool = f"{world.home}/{_TOOL}"
        return Launch(
            command=[
                f"{tool}/bin/python",
                f"{tool}/bin/mini",
                "--yolo",
                "--exit-immediately",
                "--model=openai/gpt-5",
                f"--task={task}",
                f"--output={world.home}/{_TRAJECTORIES}/{world.conversation or _FIRST}.traj.json",
            ],
            environment={
                "OPENAI_API_KEY": world.values["api_key"],
                "OPENAI_BASE_URL": f"http://127.0.0.1:{world.model_port}/v1",
                "OPENAI_API_BASE": f"http://127.0.0.1:{world.model_port}/v1",
                "MSWEA_CONFIGURED": "true",
                "MSWEA_COST_TRACKING": "ignore_errors",
                "MSWEA_SILENT_STARTUP": "1",
                "LITELLM_LOCAL_MODEL_COST_MAP": "True",
            },
            binds={str(python_environment(HARNESSES / f"{self.name}.lock")): tool},
        )

    def close_script(self, turns: list[Turn], world: World) -> list[Turn]:
        """See Driver."""
        done = {"command": "echo COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT"}
        return [*turns, Turn(step="", id=f"call_{world.token(24)}", arguments=done, say="All done.")]

    def delegate(self, task: str, world: World) -> Turn:
        """See Delegating: mini runs itself, as its users have it do."""
        command = shlex.join(self.launch(world.other(world.token(8)), task, {}).command)
        return Turn(step="", id=f"call_{world.token(24)}", arguments={"command": command}, delegates=True)

    def transcript(self, home: Path, world: World) -> Transcript:
        """See Driver: of all its conversations, each under the name of its file."""
        first = home / _TRAJECTORIES / f"{_FIRST}.traj.json"
        whole = mini_swe_agent.read(first)
        for file in sorted(first.parent.glob("*.traj.json")):
            if file != first:
                other = mini_swe_agent.read(file)
                whole.events += [{**event, "gen_ai.conversation.id": file.stem} for event in other.events]
        return whole
