"""An MCP server under a client of its own: the server reads in its own process, below no agent's shell."""

from __future__ import annotations

from pathlib import Path

from capture.harness import mcp
from capture.harness.transcript import Transcript
from capture.lab.driver.base import Launch, Servers
from capture.lab.model.script import Turn
from capture.lab.world import World
from workbench.errors import CaptureError

_PROGRAM = ".local/lib/mcp-agent/mcp_agent.py"
_LOG = ".local/state/mcp-agent/session.jsonl"


class McpClient:
    """Runs the smallest agent, whose only tools are bash and those of one server."""

    name = "mcp-client"
    version = "1"

    def launch(self, world: World, task: str, servers: Servers) -> Launch:
        """See Driver."""
        if len(servers) != 1:
            raise CaptureError(
                "mcp-client wants a scenario with one MCP server", mend="choose another --agent"
            )
        program = f"{world.home}/{_PROGRAM}"
        url = f"http://127.0.0.1:{world.model_port}/v1/chat/completions"
        return Launch(
            command=["python3", program, url, f"{world.home}/{_LOG}", task, *next(iter(servers.values()))],
            files={program: (Path(__file__).with_name("mcp_agent.py").read_text(), "644")},
        )

    def close_script(self, turns: list[Turn], world: World) -> list[Turn]:
        """See Driver."""
        return turns

    def transcript(self, home: Path, world: World) -> Transcript:
        """See Driver."""
        transcript = mcp.read(home / _LOG)
        for event in transcript.events:
            event["gen_ai.agent.name"] = self.name
        return transcript
