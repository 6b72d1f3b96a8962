"""Secrets are taken out of an event before anything is written.

The shapes are in `secrets.toml`: RE2 patterns (linear time), each with the name that stands in its place.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote

import msgspec
import re2

from capture.linux.files import named
from capture.remembered import remembered
from workbench.event import Value

_TEXTS = (
    *("process.command_line", "process.working_directory", "process.executable"),
    *("process.parent.command_line", "process.parent.executable"),
    *("file.path", "file.original.path", "file.name", "file.directory", "file.extension"),
    *("dns.question.name", "destination.domain", "tls.client.server_name"),
    *("url.domain", "user_agent.original", "email.sender.address"),
    *("gen_ai.tool.call.arguments", "gen_ai.tool.call.result", "gen_ai.prompt.text", "agent.memory.path"),
)
_LISTS = ("process.env_vars", "email.to.address")
_REMEMBERED = 1024  # characters: a harness's command comes again and again, and is long
_URLS = ("url.full", "url.path", "http.request.body.content")


class _Shape(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    pattern: str


class _Secret(NamedTuple):
    start: int
    end: int
    mark: str


class Redactor:
    """Replaces secrets by `[redacted:<kind>]`.

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
        self.text = remembered(self._text, longest=_REMEMBERED)

    def _text(self, text: str) -> str:
        return self._marked(text, 0, self._secrets(text))

    def arguments(self, args: Sequence[str]) -> list[str]:
        """Redact a command's arguments as one line, for what makes one a secret may stand before it.

        >>> Redactor().arguments(["sshpass", "-p", "hunter2", "ssh", "host"])
        ['sshpass', '-p', '[redacted:password]', 'ssh', 'host']
        """
        line = " ".join(args)
        if self.text(line) == line:
            return list(args)
        secrets = self._secrets(line)
        starts = accumulate((len(arg) + 1 for arg in args), initial=0)
        return [self._marked(arg, start, secrets) for start, arg in zip(starts, args, strict=False)]

    def url(self, text: str) -> str:
        """Redact a text that may be percent-encoded; it is told decoded when that shows a secret.

        >>> Redactor().url("/x?q=Bearer%20abcdefgh12345678")
        '/x?q=Bearer [redacted:authorization]'
        """
        clean: str = self.text(text)
        decoded = unquote(clean)
        shown: str = self.text(decoded)
        return clean if shown == decoded else shown

    def _secrets(self, text: str) -> list[_Secret]:
        """Find where secrets stand, in order; what overlaps is one, named by the earlier shape."""
        if not self._any.search(text):
            return []
        found = [_secret(match, mark) for pattern, mark in self._each for match in pattern.finditer(text)]
        apart: list[_Secret] = []
        for one in sorted(found, key=lambda secret: secret.start):
            if apart and one.start < apart[-1].end:
                apart[-1] = apart[-1]._replace(end=max(apart[-1].end, one.end))
            elif not text.startswith("[redacted:", one.start):
                apart.append(one)
        return apart

    @staticmethod
    def _marked(text: str, offset: int, secrets: Sequence[_Secret]) -> str:
        """Replace what of the secrets stands in `text`, which itself stands at `offset`."""
        for start, end, mark in reversed(secrets):
            if offset < end and start < offset + len(text):
                text = text[: max(start - offset, 0)] + mark + text[end - offset :]
        return text

    def event(self, event: dict[str, Value]) -> dict[str, Value]:
        """Redact an event in place, and give it."""
        redact = self.text
        path = event.get("file.path")
        for name in _TEXTS:
            if name in event:
                event[name] = redact(event[name])  # type: ignore[arg-type]
        if path is not None and (clean := str(event["file.path"])) != path:
            # What made a part a secret may stand in another part of the path.
            event |= {name: value for name, value in named(clean).items() if name in event}
        for name in _URLS:
            if name in event:
                event[name] = self.url(event[name])  # type: ignore[arg-type]
        if "process.args" in event:
            event["process.args"] = self.arguments(event["process.args"])  # type: ignore[arg-type]
        for name in _LISTS:
            if name in event:
                event[name] = [redact(item) for item in event[name]]  # type: ignore[union-attr]
        return event


def _secret(match: Any, mark: str) -> _Secret:
    spans = (match.span(number) for number in range(1, match.re.groups + 1))
    start, end = next((span for span in spans if span[0] >= 0), match.span())
    return _Secret(start, end, mark)
