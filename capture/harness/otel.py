"""OpenTelemetry GenAI spans as OTLP JSON: what is posted to `/v1/traces`, one document or one a line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from capture.harness.transcript import Transcript, json_document, json_lines, mapping, objects

_SESSION = ("gen_ai.conversation.id", "session.id", "gen_ai.session.id")
_CALL = ("gen_ai.tool.call.id", "gen_ai.tool.call_id", "call_id")
_TOOL = ("gen_ai.tool.name", "tool_name", "function_name")
_ARGUMENTS = ("gen_ai.tool.call.arguments", "gen_ai.tool.arguments", "function_args")
_RESULT = ("gen_ai.tool.call.result", "gen_ai.tool.result")
_PROMPT = ("gen_ai.prompt", "gen_ai.prompt.text", "prompt")


def read(path: Path) -> Transcript:
    """Read spans; raises InputError when the file holds no JSON objects.

    `execute_tool` spans (Gemini says `tool_call`) become a call and its result, `invoke_agent` spans with a
    prompt a prompt; other spans are counted by their operation.
    """
    transcript = Transcript("")
    for document in _documents(path, transcript):
        for resource in objects(document.get("resourceSpans")):
            shared = _attributes(mapping(resource.get("resource")))
            transcript.agent = str(shared.get("service.name", transcript.agent))
            for scope in objects(resource.get("scopeSpans")):
                for span in objects(scope.get("spans")):
                    _span(transcript, span)
    return transcript


def _documents(path: Path, transcript: Transcript) -> Iterator[dict[str, Any]]:
    text = path.read_text(errors="replace") if path.exists() else ""
    if text.lstrip().startswith("{\n"):
        document = json_document(path)
        yield from [document] if isinstance(document, dict) else []
        return
    for record in json_lines(path, transcript.unknown):
        inner = record.get("json")
        yield inner if isinstance(inner, dict) else record


def _attributes(holder: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for attribute in objects(holder.get("attributes")):
        value = mapping(attribute.get("value"))
        found[str(attribute.get("key"))] = (
            next(iter(value.values()), None) if isinstance(value, dict) else value
        )
    return found


def _first(attributes: dict[str, Any], names: tuple[str, ...]) -> Any:
    return next((attributes[name] for name in names if name in attributes), None)


def _span(transcript: Transcript, span: dict[str, Any]) -> None:
    attributes = _attributes(span)
    operation = str(attributes.get("gen_ai.operation.name", span.get("name", "")))
    try:
        started, ended = int(span["startTimeUnixNano"]), int(span["endTimeUnixNano"])
    except (KeyError, TypeError, ValueError):
        transcript.unknown["span without times"] += 1
        return
    if session := _first(attributes, _SESSION):
        transcript.session = str(session)
    transcript.agent = str(attributes.get("gen_ai.agent.name", transcript.agent))
    prompt = _first(attributes, _PROMPT)
    if operation in ("execute_tool", "tool_call"):
        shared = {"call_id": _first(attributes, _CALL), "tool": _first(attributes, _TOOL)}
        arguments = _first(attributes, _ARGUMENTS)
        transcript.add(started, "tool_call", **shared, arguments=arguments, operation="execute_tool")
        failed = (
            mapping(span.get("status")).get("code")
            in (
                2,
                "STATUS_CODE_ERROR",
            )
            or "error.type" in attributes
        )
        outcome = "failure" if failed else "success"
        transcript.add(ended, "tool_result", **shared, outcome=outcome, result=_first(attributes, _RESULT))
    elif operation == "invoke_agent" and prompt:
        transcript.add(started, "prompt", prompt_id=span.get("spanId"), prompt=prompt, operation=operation)
    else:
        transcript.unknown[f"operation {operation}"[:60]] += 1
