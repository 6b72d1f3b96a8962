"""mini-swe-agent's trajectory (`*.traj.json`): messages with the times of model replies and observations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from capture.harness.transcript import Transcript, json_document, mapping, moment, objects
from workbench.errors import InputError

AGENT = "mini-swe-agent"


def read(path: Path) -> Transcript:
    """Read a trajectory; raises InputError when the file is not one.

    The prompt carries no time of its own and is dated by the first model reply.
    """
    document = json_document(path)
    if not isinstance(document, dict) or not isinstance(document.get("messages"), list):
        raise InputError("not a trajectory: no messages", place=path, mend="give mini's --output file")
    transcript = Transcript(AGENT, version=str(mapping(document.get("info")).get("mini_version", "")))
    messages = [message for message in document["messages"] if isinstance(message, dict)]
    first = next((at for message in messages if (at := _at(message)) is not None), 0)
    prompts = 0
    for message in messages:
        at = _at(message)
        role = message.get("role")
        if role == "user" and at is None:
            prompts += 1
            transcript.add(first, "prompt", prompt_id=f"prompt-{prompts}", prompt=message.get("content"))
        elif role == "assistant" and at is not None:
            _calls(transcript, at, message, prompts)
        elif role == "tool" and at is not None:
            extra = mapping(message.get("extra"))
            status = extra.get("returncode")
            # The last command ends the run before its result is taken down.
            ended = extra.get("exception_info") == "action was not executed"
            transcript.add(
                at,
                "tool_result",
                call_id=message.get("tool_call_id"),
                tool="bash",
                outcome="success" if status == 0 or ended else "failure",
                result=extra.get("raw_output"),
                prompt_id=f"prompt-{prompts}",
            )
        elif role not in ("system", "exit"):
            transcript.aside.put(f"role {role}", message)
    return transcript


def _at(message: dict[str, Any]) -> int | None:
    try:
        return moment(mapping(message.get("extra")).get("timestamp"))
    except (ValueError, OverflowError, OSError):
        return None


def _calls(transcript: Transcript, at: int, message: dict[str, Any], prompts: int) -> None:
    for call in objects(message.get("tool_calls")):
        function = mapping(call.get("function"))
        transcript.add(
            at,
            "tool_call",
            call_id=call.get("id"),
            tool=function.get("name"),
            arguments=function.get("arguments"),
            operation="execute_tool",
            prompt_id=f"prompt-{prompts}",
        )
