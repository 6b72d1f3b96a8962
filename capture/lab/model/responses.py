"""OpenAI Responses, streamed or not: what codex speaks."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

from capture.lab.model.script import Actor, Call, Offer

_CALLS = ("function_call", "custom_tool_call", "local_shell_call")
_USAGE = {
    "input_tokens": 900,
    "input_tokens_details": {"cached_tokens": 0},
    "output_tokens": 60,
    "output_tokens_details": {"reasoning_tokens": 0},
    "total_tokens": 960,
}


def tools(request: dict[str, Any]) -> dict[str, Offer]:
    """Give the tools a request offers; those of a namespace remember its name in their kind."""
    return _offers(request.get("tools") or [], "")


def _offers(listed: list[dict[str, Any]], namespace: str) -> dict[str, Offer]:
    offers: dict[str, Offer] = {}
    for tool in listed:
        if tool.get("type") == "namespace":
            offers |= _offers(tool.get("tools") or [], str(tool.get("name", "")))
        else:
            properties = (tool.get("parameters") or {}).get("properties") or {}
            kind = f"namespace:{namespace}" if namespace else str(tool.get("type", "function"))
            offers[str(tool.get("name") or tool.get("type"))] = Offer(properties=properties, kind=kind)
    return offers


def reply(request: dict[str, Any], actor: Actor) -> dict[str, Any]:
    """Answer a request with one response."""
    given = request.get("input")
    items = given if isinstance(given, list) else []
    done = sum(item.get("type") in _CALLS for item in items)
    answer = actor.next(done, tools(request))
    unique = f"{time.time_ns():x}"
    output: list[dict[str, Any]] = [
        _call(answer, unique) if isinstance(answer, Call) else _text(answer, unique)
    ]
    if isinstance(answer, Call) and answer.say:
        output.insert(0, _text(answer.say, unique))
    return {
        "id": f"resp_{unique}",
        "object": "response",
        "created_at": int(time.time()),
        "status": "completed",
        "model": request.get("model", ""),
        "output": output,
        "usage": _USAGE,
    }


def _text(text: str, unique: str) -> dict[str, Any]:
    content = [{"type": "output_text", "text": text, "annotations": []}]
    return {
        "type": "message",
        "id": f"msg_{unique}",
        "role": "assistant",
        "status": "completed",
        "content": content,
    }


def _call(call: Call, unique: str) -> dict[str, Any]:
    item: dict[str, Any] = {"call_id": call.id, "status": "completed"}
    if call.kind == "local_shell":
        action = {"type": "exec", "command": call.arguments["command"], "env": {}}
        return item | {"type": "local_shell_call", "id": f"lsh_{unique}", "action": action}
    item |= {"type": "function_call", "id": f"fc_{unique}", "name": call.name}
    item["arguments"] = json.dumps(call.arguments)
    if call.kind.startswith("namespace:"):
        item["namespace"] = call.kind.partition(":")[2]
    return item


def events(response: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Cut a response into the events of a stream."""
    yield {"type": "response.created", "response": response | {"status": "in_progress", "output": []}}
    for index, item in enumerate(response["output"]):
        empty: dict[str, Any] = {"content": []} if item["type"] == "message" else {}
        yield {"type": "response.output_item.added", "output_index": index, "item": item | empty}
        if item["type"] == "message":
            place = {"item_id": item["id"], "output_index": index, "content_index": 0}
            yield {"type": "response.output_text.delta", **place, "delta": item["content"][0]["text"]}
        yield {"type": "response.output_item.done", "output_index": index, "item": item}
    yield {"type": "response.completed", "response": response}
