"""OpenAI Chat Completions, streamed or not: what mini-swe-agent and opencode speak."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

from capture.lab.model.script import Actor, Call, Offer

_USAGE = {"prompt_tokens": 900, "completion_tokens": 60, "total_tokens": 960}


def tools(request: dict[str, Any]) -> dict[str, Offer]:
    """Give the tools a request offers."""
    functions = [tool["function"] for tool in request.get("tools") or [] if tool.get("type") == "function"]
    return {
        function["name"]: Offer(properties=(function.get("parameters") or {}).get("properties") or {})
        for function in functions
    }


def calls(request: dict[str, Any]) -> int:
    """Count the tool calls that the request's history holds."""
    return sum(len(message.get("tool_calls") or []) for message in request.get("messages", []))


def said(request: dict[str, Any]) -> str:
    """Give all that the user said."""
    told = [each.get("content") for each in request.get("messages", []) if each.get("role") == "user"]
    return "\n".join(text if isinstance(text, str) else json.dumps(text) for text in told)


def reply(request: dict[str, Any], actor: Actor) -> dict[str, Any]:
    """Answer a request with one completion."""
    done = calls(request)
    answer = actor.next(done, tools(request), said(request))
    message: dict[str, Any] = {"role": "assistant", "content": answer}
    if isinstance(answer, Call):
        function = {"name": answer.name, "arguments": json.dumps(answer.arguments)}
        message["content"] = answer.say
        message["tool_calls"] = [{"id": answer.id, "type": "function", "function": function}]
    finish = "tool_calls" if isinstance(answer, Call) else "stop"
    return {
        "id": f"chatcmpl-{done}{time.time_ns():x}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": request.get("model", ""),
        "choices": [{"index": 0, "message": message, "finish_reason": finish}],
        "usage": _USAGE,
    }


def chunks(completion: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Cut a completion into the chunks of a stream."""
    choice = completion["choices"][0]
    head = {key: completion[key] for key in ("id", "created", "model")} | {"object": "chat.completion.chunk"}

    def chunk(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        return {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}

    yield chunk({"role": "assistant", "content": choice["message"]["content"]})
    for index, call in enumerate(choice["message"].get("tool_calls", [])):
        yield chunk({"tool_calls": [{"index": index, **call}]})
    yield chunk({}, choice["finish_reason"])
    yield {**head, "choices": [], "usage": completion["usage"]}
