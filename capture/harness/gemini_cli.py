"""gemini-cli's chat file (`session-*.jsonl`, once one JSON document): messages, the last of an id wins."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from capture.harness.transcript import Transcript, json_document, json_lines, mapping, moment, objects
from workbench.errors import InputError

AGENT = "gemini-cli"

_KNOWN = {"id", "sessionId", "messages", "$set"}


def read(path: Path) -> Transcript:
    """Read a chat; raises InputError when the file is not one.

    A call's result carries the time at which the call ended; the call itself that of the model's message.
    """
    transcript = Transcript(AGENT)
    messages: dict[str, dict[str, Any]] = {}
    for record in _records(path, transcript):
        transcript.session = str(record.get("sessionId", transcript.session))
        patch = record.get("$set")
        listed = patch.get("messages", []) if isinstance(patch, dict) else record.get("messages", [])
        if not record.keys() & _KNOWN:
            transcript.aside.put("record", record)
        for message in [*(listed if isinstance(listed, list) else []), record]:
            if isinstance(message, dict) and "id" in message and "type" in message:
                messages[str(message["id"])] = message
    prompts = 0
    for message in messages.values():
        try:
            at = moment(message.get("timestamp"))
        except (ValueError, OverflowError, OSError):
            transcript.aside.put("no time", message)
            continue
        kind = message["type"]
        text = _words(message.get("content"))
        if kind == "user" and text and not text.startswith("<session_context>"):
            prompts += 1
            transcript.add(at, "prompt", prompt_id=f"prompt-{prompts}", prompt=text)
        elif kind == "gemini":
            for call in objects(message.get("toolCalls")):
                _call(transcript, at, call, f"prompt-{prompts}", str(message.get("model", "")))
        elif kind not in ("user", "info"):
            transcript.aside.put(f"type {kind}", message)
    return transcript


def _records(path: Path, transcript: Transcript) -> list[dict[str, Any]]:
    if path.suffix == ".jsonl":
        return list(json_lines(path, transcript.aside))
    document = json_document(path)
    if not isinstance(document, dict):
        raise InputError("not a chat", place=path, mend="give a file of ~/.gemini/tmp/*/chats")
    return [document]


def _words(content: Any) -> str:
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return "".join(str(part.get("text", "")) for part in parts if isinstance(part, dict))


def _call(transcript: Transcript, at: int, call: dict[str, Any], prompt: str, model: str) -> None:
    # The harness puts the tool's name before the id that the model gave.
    identity = str(call.get("id", "")).rpartition("__")[2]
    tool = call.get("name")
    transcript.add(
        at,
        "tool_call",
        call_id=identity,
        tool=tool,
        arguments=json.dumps(mapping(call.get("args")), ensure_ascii=False),
        operation="execute_tool",
        prompt_id=prompt,
        model=model,
    )
    try:
        ended = moment(call.get("timestamp"))
    except (ValueError, OverflowError, OSError):
        return
    transcript.add(
        max(ended, at),
        "tool_result",
        call_id=identity,
        tool=tool,
        outcome="success" if call.get("status") == "success" else "failure",
        result=call.get("resultDisplay") or call.get("result"),
        prompt_id=prompt,
    )
