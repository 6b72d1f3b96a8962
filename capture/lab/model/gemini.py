"""Gemini's generateContent: what gemini-cli speaks."""

from __future__ import annotations

import json
import time
from typing import Any

from capture.lab.model.script import Actor, Call, Offer

_USAGE = {"promptTokenCount": 900, "candidatesTokenCount": 60, "totalTokenCount": 960}


def tools(request: dict[str, Any]) -> dict[str, Offer]:
    """Give the tools a request offers."""
    offers: dict[str, Offer] = {}
    for tool in request.get("tools") or []:
        for function in tool.get("functionDeclarations") or []:
            schema = function.get("parametersJsonSchema") or function.get("parameters") or {}
            offers[function["name"]] = Offer(properties=schema.get("properties") or {})
    return offers


def reply(request: dict[str, Any], actor: Actor) -> dict[str, Any]:
    """Answer a request with one candidate; a request for JSON of some schema gets the least that fits."""
    settings = request.get("generationConfig") or {}
    schema = settings.get("responseJsonSchema") or settings.get("responseSchema")
    parts: list[dict[str, Any]]
    if schema or settings.get("responseMimeType") == "application/json":
        parts = [{"text": json.dumps(least(schema or {}))}]
    else:
        history = request.get("contents") or []
        done = sum("functionCall" in part for turn in history for part in turn.get("parts") or [])
        answer = actor.next(done, tools(request))
        parts = _parts(answer)
    content = {"role": "model", "parts": parts}
    return {
        "candidates": [{"index": 0, "content": content, "finishReason": "STOP"}],
        "usageMetadata": _USAGE,
        "modelVersion": "gemini-2.5-pro",
        "responseId": f"{time.time_ns():x}",
    }


def _parts(answer: Call | str) -> list[dict[str, Any]]:
    if isinstance(answer, str):
        return [{"text": answer}]
    call = {"functionCall": {"id": answer.id, "name": answer.name, "args": answer.arguments}}
    said = [{"text": answer.say}] if answer.say else []
    return [*said, call | {"thoughtSignature": "c2lnbmF0dXJl"}]


def least(schema: dict[str, Any]) -> Any:
    """Give the least value that a JSON schema takes.

    >>> least({"properties": {"next_speaker": {"enum": ["user", "model"]}, "n": {"type": "integer"}}})
    {'next_speaker': 'user', 'n': 1}
    """
    if schema.get("enum"):
        return schema["enum"][0]
    kind = str(schema.get("type", "object")).lower()
    if kind == "object":
        return {name: least(each) for name, each in (schema.get("properties") or {}).items()}
    return {"number": 1, "integer": 1, "boolean": False, "array": []}.get(kind, "fine")
