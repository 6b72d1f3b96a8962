"""Events: flat mappings from field name to value, and their two encodings as text.

In memory an event is a plain `dict` whose timestamps are integers (nanoseconds since 1970, UTC); as text it
is one JSON object a line whose timestamps are RFC 3339. Fields that do not apply are absent, never None.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from workbench.errors import EventError, Faults, Place
from workbench.fields import ACTIONS, FIELDS, Kind

Value = str | int | float | bool | list[str]
Event = Mapping[str, Value]

TIMESTAMPS = tuple(name for name, field in FIELDS.items() if field.kind == "timestamp")

_RFC3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9})\d*)?(?:([Zz])|([+-])(\d\d):?(\d\d))"
)
_NANO = 1_000_000_000
_INT64 = range(-(2**63), 2**63)


def parse_timestamp(text: str) -> int:
    """Read an RFC 3339 time as nanoseconds since 1970; raises ValueError for anything else.

    >>> parse_timestamp("2026-01-02T03:04:05.000000006Z")
    1767323045000000006
    """
    match = _RFC3339.fullmatch(text)
    if match is None:
        raise ValueError(f"not an RFC 3339 time: {text[:40]!r}")
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    whole = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    seconds = int(whole.timestamp())
    if match[9]:
        offset = int(match[10]) * 3600 + int(match[11]) * 60
        seconds += -offset if match[9] == "+" else offset
    return seconds * _NANO + int((match[7] or "0").ljust(9, "0"))


def format_timestamp(nanoseconds: int) -> str:
    """Write nanoseconds since 1970 as RFC 3339 with as many decimals as are needed (0, 3, 6 or 9).

    >>> format_timestamp(1767323045000000006), format_timestamp(1767323045500000000)
    ('2026-01-02T03:04:05.000000006Z', '2026-01-02T03:04:05.500Z')
    """
    seconds, rest = divmod(nanoseconds, _NANO)
    whole = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S").rjust(19, "0")
    if not rest:
        return whole + "Z"
    digits = f"{rest:09d}"
    while digits.endswith("000"):
        digits = digits[:-3]
    return f"{whole}.{digits}Z"


def _integer(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value not in _INT64:
        raise ValueError("wants a 64-bit integer")
    return value


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("wants a number")
    return float(value)


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("wants a string")
    return value


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("wants true or false")
    return value


def _strings(value: Any) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ValueError("wants a list of strings")
    return value


def _timestamp(value: Any) -> int:
    return _integer(parse_timestamp(value) if isinstance(value, str) else value)


_CHECKS: dict[Kind, Callable[[Any], Value]] = {
    "string": _string,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "strings": _strings,
    "timestamp": _timestamp,
}
_FIELD_CHECKS = {name: _CHECKS[field.kind] for name, field in FIELDS.items()}
REQUIRED = ("@timestamp", "event.category", "event.action")


def check_event(raw: Mapping[str, Any], unknown: Counter[str] | None = None) -> dict[str, Value]:
    """Turn a decoded record into an event: types checked, nulls left out, unknown keys counted and left out.

    Raises ValueError naming the field at fault.

    >>> unknown = Counter()
    >>> check_event({"@timestamp": "2026-01-01T00:00:00Z", "event.category": "process",
    ...              "event.action": "exec", "process.pid": 7, "colour": "red"}, unknown)
    {'@timestamp': 1767225600000000000, 'event.category': 'process', 'event.action': 'exec', 'process.pid': 7}
    >>> unknown
    Counter({'colour': 1})
    """
    event: dict[str, Value] = {}
    for name, value in raw.items():
        if value is None:
            continue
        check = _FIELD_CHECKS.get(name)
        if check is None:
            if unknown is not None:
                unknown[name] += 1
            continue
        try:
            event[name] = check(value)
        except (ValueError, OverflowError) as error:
            raise ValueError(f"{name}: {error}") from None
    for name in REQUIRED:
        if name not in event:
            raise ValueError(f"{name} is missing")
    if event["event.action"] not in ACTIONS.get(str(event["event.category"]), ()):
        raise ValueError(f"no action {event['event.action']!r} in category {event['event.category']!r}")
    return event


def read_json_lines(
    lines: Iterable[bytes],
    path: str,
    unknown: Counter[str],
    tell: Callable[[EventError], None] = lambda fault: None,
) -> Iterator[dict[str, Value]]:
    """Decode events from JSON lines; blank lines are skipped.

    `unknown` counts the keys that were left out; `tell` hears of each line that is no event as it is met.
    Raises EventError after the last line when there were such, naming `path` and the first of them.
    """
    decode = msgspec.json.Decoder(dict[str, Any]).decode
    faults = Faults()
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            yield check_event(decode(line), unknown)
        except (ValueError, RecursionError) as error:
            fault = EventError(f"not an event: {error}", place=Place(path, number))
            faults.add(fault)
            tell(fault)
    if faults:
        raise EventError(str(faults), mend="one flat JSON object a line")


def to_json(event: Event) -> bytes:
    """Encode an event as one line of JSON, without the line feed.

    >>> to_json({"@timestamp": 1767225600000000000, "event.category": "process", "event.action": "fork"})
    b'{"@timestamp":"2026-01-01T00:00:00Z","event.category":"process","event.action":"fork"}'
    """
    text = {
        name: format_timestamp(value) if name in TIMESTAMPS and isinstance(value, int) else value
        for name, value in event.items()
    }
    return msgspec.json.encode(text)


def integer(event: Event, name: str) -> int:
    """Give an integer field, 0 when it is absent.

    >>> integer({"process.pid": 7}, "process.pid"), integer({}, "process.pid")
    (7, 0)
    """
    value = event.get(name, 0)
    return value if isinstance(value, int) else 0


def order(event: Event) -> tuple[int, int]:
    """Sort key of the fixed event order: (`@timestamp`, `event.sequence`)."""
    return integer(event, "@timestamp"), integer(event, "event.sequence")


def entity_id(boot: str, start_ns: int, pid: int) -> str:
    """Name a process for good: host boot + start time since boot (nanoseconds) + pid.

    >>> entity_id("5f1c2d3e-0000", 123456789, 42)
    '5f1c2d3e-75bcd15-2a'
    """
    return f"{boot[:8]}-{start_ns:x}-{pid:x}"


_GIST = {
    "process": ("process.command_line", "process.target.pid", "process.executable"),
    "file": ("file.path", "file.inode"),
    "network": (
        *("email.to.address", "email.sender.address", "dns.question.name", "url.full"),
        *("tls.client.server_name", "destination.domain", "destination.ip", "file.path"),
    ),
    "agent": ("gen_ai.tool.name", "gen_ai.prompt.text", "agent.memory.path"),
}


def gist(event: Event) -> str:
    """Give the one text that tells most about an event; "" when there is none.

    >>> gist({"event.category": "file", "event.action": "open", "file.path": "/etc/passwd"})
    '/etc/passwd'
    """
    told = next((event[name] for name in _GIST.get(str(event["event.category"]), ()) if name in event), "")
    return ", ".join(told) if isinstance(told, list) else str(told)
