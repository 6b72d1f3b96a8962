"""What a harness wrote about its own run, as agent events, with every record it could not use counted."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from capture.aside import Aside, characters
from workbench.errors import InputError, Place
from workbench.event import Value, check_event, parse_timestamp

_SHOWN = 4_000
_ZONE = re.compile(r"[Zz]$|[+-]\d\d:?\d\d$")
_HALF = re.compile(r"\\u[dD][89a-fA-F]")  # of a character that is written in two


@dataclass
class Transcript:
    """Agent events in the order they were read, and what was kept aside."""

    agent: str
    session: str = ""
    version: str = ""
    events: list[dict[str, Value]] = field(default_factory=list)
    aside: Aside = field(default_factory=Aside)
    mode: str = ""

    def add(self, at: int, action: str, **details: Any) -> None:
        """Append an agent event at `at` (nanoseconds since 1970), or keep aside what makes none.

        Empty details are left out. The others are named by their field's last words: `prompt_id` is
        `gen_ai.prompt.id`, `call_id` is `gen_ai.tool.call.id`, and so on.
        """
        event: dict[str, Value] = {
            "@timestamp": at,
            "event.category": "agent",
            "event.action": action,
            "event.provider": "harness",
            "gen_ai.agent.name": self.agent,
        }
        if self.version:
            event["gen_ai.agent.version"] = self.version
        if self.session:
            event["gen_ai.conversation.id"] = self.session
        for name, value in details.items():
            if value not in (None, ""):
                event[_FIELDS[name]] = _text(value)
        try:
            self.events.append(check_event(event))
        except ValueError as error:
            self.aside.put(str(error), event)


_FIELDS = {
    "prompt_id": "gen_ai.prompt.id",
    "prompt": "gen_ai.prompt.text",
    "call_id": "gen_ai.tool.call.id",
    "tool": "gen_ai.tool.name",
    "arguments": "gen_ai.tool.call.arguments",
    "result": "gen_ai.tool.call.result",
    "outcome": "event.outcome",
    "model": "gen_ai.request.model",
    "provider": "gen_ai.provider.name",
    "operation": "gen_ai.operation.name",
    "mode": "agent.mode",
    "approval": "agent.approval",
    "server": "mcp.server.name",
    "directory": "process.working_directory",
    "memory": "agent.memory.path",
}


def _text(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


def moment(value: Any) -> int:
    """Read a time as nanoseconds since 1970: RFC 3339, seconds or milliseconds; raises ValueError.

    >>> moment(1767225600.5), moment(1767225600500), moment("2026-01-01T00:00:00.5Z")
    (1767225600500000000, 1767225600500000000, 1767225600500000000)
    >>> moment("2026-01-01T00:00:00"), moment("2025-12-31T19:00:00-05:00")
    (1767225600000000000, 1767225600000000000)
    """
    if isinstance(value, str):
        return parse_timestamp(value if _ZONE.search(value, 10) else value + "Z")
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"not a time: {value!r}")
    seconds = value / 1000 if value > 1e11 else value
    datetime.fromtimestamp(seconds)
    return round(seconds * 1_000_000) * 1000


def mapping(value: Any) -> dict[str, Any]:
    """Give a value of a record that should be an object; anything else counts as empty."""
    return value if isinstance(value, dict) else {}


def objects(value: Any) -> list[dict[str, Any]]:
    """Give the objects of a value that should be a list of them; anything else is left out."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def decoded(text: str) -> Any:
    r"""Decode JSON, with halves of characters replaced, for nothing later can write them; raises ValueError.

    >>> decoded(r'["do \ud800", "\ud83d\ude00"]')
    ['do ?', '😀']
    """
    value = json.loads(text)
    if _HALF.search(text):
        value = json.loads(characters(json.dumps(value, ensure_ascii=False)))
    return value


def json_document(path: Path) -> Any:
    """Read a JSON file; raises InputError naming the file."""
    try:
        return decoded(path.read_text(errors="replace"))
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", place=path) from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"not JSON: {error}", place=path, mend="give the file the harness wrote") from None


def json_lines(path: Path, aside: Aside) -> Iterator[dict[str, Any]]:
    """Read JSON objects, one a line; what is not one is kept `aside` as `not JSON`.

    Raises InputError when the file cannot be read or holds no object at all.
    """
    try:
        lines = path.read_text(errors="replace").splitlines()
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", place=path) from None
    good = 0
    for line in lines:
        if not line.strip():
            continue
        try:
            record = decoded(line)
        except (ValueError, RecursionError):
            record = None
        if isinstance(record, dict):
            good += 1
            yield record
        else:
            aside.put("not JSON", line)
    if not good:
        raise InputError(
            "holds no JSON objects", place=Place(str(path), 1), mend="give the harness's own file"
        )


class Reader(Protocol):
    """Reads one record after another into its transcript."""

    transcript: Transcript

    def take(self, record: dict[str, Any]) -> None:
        """Read one more record."""


def read_lines(reader: Reader, path: Path) -> Transcript:
    """Let a reader read a file of JSON objects, one a line; raises InputError when it holds none."""
    for record in json_lines(path, reader.transcript.aside):
        reader.take(record)
    return reader.transcript


def newest(directory: Path, pattern: str) -> Path:
    """Give the newest file below `directory` that matches; raises InputError when there is none."""
    files = sorted(directory.glob(pattern), key=lambda file: file.stat().st_mtime)
    if not files:
        raise InputError(f"holds no {pattern}", place=directory, mend="the harness wrote no transcript")
    return files[-1]
