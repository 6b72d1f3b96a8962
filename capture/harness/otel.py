"""OpenTelemetry GenAI spans as OTLP JSON: what is posted to `/v1/traces`, one document or one a line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from capture.harness.transcript import Transcript, json_document, mapping, objects, read_lines

_SESSION = ("gen_ai.conversation.id", "session.id", "gen_ai.session.id")
_CALL = ("gen_ai.tool.call.id", "gen_ai.tool.call_id", "call_id")
_TOOL = ("gen_ai.tool.name", "tool_name", "function_name")
_ARGUMENTS = ("gen_ai.tool.call.arguments", "gen_ai.tool.arguments", "function_args")
_RESULT = ("gen_ai.tool.call.result", "gen_ai.tool.result")
_PROMPT = ("gen_ai.prompt", "gen_ai.prompt.text", "prompt")


class Reader:
    """Reads documents one by one."""

    def __init__(self, name: str) -> None:
        self.transcript = Transcript("")

    def take(self, record: dict[str, Any]) -> None:
        """Read one more document."""
        inner = record.get("json")
        document = inner if isinstance(inner, dict) else record
        transcript = self.transcript
        if "resourceSpans" not in document:
            transcript.aside.put("no spans", document)
        for resource in objects(document.get("resourceSpans")):
            shared = _attributes(mapping(resource.get("resource")))
            transcript.agent = str(shared.get("service.name", transcript.agent))
            for scope in objects(resource.get("scopeSpans")):
                for span in objects(scope.get("spans")):
                    _span(transcript, span)


def read(path: Path) -> Transcript:
    """Read spans; raises InputError when the file holds no JSON objects.

    `execute_tool` spans (Gemini says `tool_call`) become a call and its result, `invoke_agent` spans with a
    prompt a prompt; other spans are counted by their operation.
    """
    reader = Reader(path.stem)
    if not _is_one_document(path):
        return read_lines(reader, path)
    reader.take(mapping(json_document(path)))
    return reader.transcript


def _is_one_document(path: Path) -> bool:
    """Whether a file is a document written over several lines."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(4096).lstrip().startswith(b"{\n")


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
    except (KeyError, TypeError, ValueError, OverflowError):
        transcript.aside.put("span without times", span)
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
        transcript.aside.put(f"operation {operation}", span)
