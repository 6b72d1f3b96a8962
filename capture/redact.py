"""Secrets are taken out of an event before anything is written.

The shapes are in `secrets.toml`: RE2 patterns (linear time), each with the name that stands in its place.
"""

from __future__ import annotations

import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec
import re2

from workbench.event import Value

_TEXTS = (
    *("process.command_line", "process.working_directory", "process.executable"),
    *("process.parent.command_line", "process.parent.executable"),
    *("file.path", "file.original.path", "file.name", "file.directory", "file.extension"),
    *("dns.question.name", "destination.domain", "tls.client.server_name"),
    *("url.full", "url.path", "url.domain", "user_agent.original", "http.request.body.content"),
    *("gen_ai.tool.call.arguments", "gen_ai.tool.call.result", "gen_ai.prompt.text", "agent.memory.path"),
)
_LISTS = ("process.args", "process.env_vars")


class _Shape(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    pattern: str


class Redactor:
    """Replaces secrets by `[redacted:<kind>]`; `count` tells how many were replaced.

    >>> Redactor().text("curl -u admin:hunter2 https://u:pa55word@h.example/?token=abcdefgh12345678")
    'curl -u admin:[redacted:password] https://u:[redacted:url_password]@h.example/?token=[redacted:keyword]'
    """

    def __init__(self) -> None:
        table = tomllib.loads(Path(__file__).with_name("secrets.toml").read_text())
        shapes = msgspec.convert(table["secret"], list[_Shape])
        plain = [shape.pattern.replace("(?P<secret>", "(?:") for shape in shapes]
        self._any = re2.compile("|".join(f"(?:{pattern})" for pattern in plain))
        # RE2 lets a name stand once: what is to go is the one group that took part in the match.
        self._each = [
            (re2.compile(shape.pattern.replace("(?P<secret>", "(")), f"[redacted:{shape.name}]")
            for shape in shapes
        ]
        self.text = lru_cache(maxsize=65_536)(self._text)
        self.count = 0

    def _text(self, text: str) -> str:
        if not self._any.search(text):
            return text
        for pattern, mark in self._each:
            text = pattern.sub(lambda found, mark=mark: self._replace(found, mark), text)
        return text

    def _replace(self, found: Any, mark: str) -> str:
        whole: str = found.group()
        offset = found.start()
        spans = (found.span(number) for number in range(1, found.re.groups + 1))
        start, end = next((span for span in spans if span[0] >= 0), found.span())
        if whole[start - offset : end - offset].startswith("[redacted:"):
            return whole
        self.count += 1
        return whole[: start - offset] + mark + whole[end - offset :]

    def event(self, event: dict[str, Value]) -> dict[str, Value]:
        """Redact an event in place, and give it."""
        redact = self.text
        for name in _TEXTS:
            if name in event:
                event[name] = redact(event[name])  # type: ignore[arg-type]
        for name in _LISTS:
            if name in event:
                event[name] = [redact(item) for item in event[name]]  # type: ignore[union-attr]
        return event
