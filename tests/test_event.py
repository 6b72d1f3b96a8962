"""Events survive their encodings; what is not an event is told apart."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import EventError
from workbench.event import Value, check_event, format_timestamp, parse_timestamp, read_json_lines, to_json
from workbench.fields import ACTIONS, FIELDS

VALUES = {
    "string": st.text(),
    "integer": st.integers(-(2**63), 2**63 - 1),
    "number": st.floats(allow_nan=False, allow_infinity=False),
    "boolean": st.booleans(),
    "strings": st.lists(st.text(), max_size=3),
    "timestamp": st.integers(0, 4_000_000_000 * 10**9),
}
KINDS = st.sampled_from([(category, action) for category, actions in ACTIONS.items() for action in actions])


@st.composite
def events(draw: st.DrawFn) -> dict[str, object]:
    category, action = draw(KINDS)
    names = draw(st.sets(st.sampled_from(sorted(FIELDS)), max_size=8))
    event = {name: draw(VALUES[FIELDS[name].kind]) for name in names}
    return event | {
        "@timestamp": draw(VALUES["timestamp"]),
        "event.category": category,
        "event.action": action,
    }


@given(events())
def test_an_event_survives_json(event: dict[str, object]) -> None:
    unknown: Counter[str] = Counter()
    assert list(read_json_lines([to_json(event)], "x", unknown)) == [event]
    assert not unknown


@given(st.integers(0, 9_000_000_000 * 10**9))
def test_times_keep_their_nanoseconds(time: int) -> None:
    assert parse_timestamp(format_timestamp(time)) == time


def test_an_offset_is_taken_into_account() -> None:
    assert parse_timestamp("2026-01-01T01:00:00+01:00") == parse_timestamp("2026-01-01T00:00:00Z")


@pytest.mark.parametrize(
    ("record", "cause"),
    [
        (b"[]", "Expected `object`"),
        (b"{", "truncated"),
        (b'{"@timestamp": "yesterday", "event.category": "file", "event.action": "open"}', "RFC 3339"),
        (b'{"@timestamp": 1, "event.category": "file"}', "event.action is missing"),
        (b'{"@timestamp": 1, "event.category": "file", "event.action": "exec"}', "no action 'exec'"),
        (b'{"@timestamp": 1, "event.category": "file", "event.action": ["open"]}', "wants a string"),
        (b'{"@timestamp": 1e300, "event.category": "file", "event.action": "open"}', "@timestamp"),
        (
            b'{"@timestamp": "9999-12-31T00:00:00Z", "event.category": "file", "event.action": "open"}',
            "@timestamp: wants a 64-bit integer",
        ),
        (b'{"x":' * 5000, "not an event"),
    ],
)
def test_what_is_not_an_event_is_named_with_its_line(record: bytes, cause: str) -> None:
    with pytest.raises(EventError, match=r"events\.jsonl:2: not an event") as caught:
        list(read_json_lines([b"\n", record], "events.jsonl", Counter()))
    assert cause in str(caught.value)


def test_each_line_that_is_no_event_is_told_and_the_others_are_given() -> None:
    good = b'{"@timestamp": 1, "event.category": "file", "event.action": "open"}'
    lines = [b"{", good, b"[]", b"1", good, b'{"@timestamp": 1}', b"x"]
    given: list[dict[str, Value]] = []
    told: list[str] = []
    with pytest.raises(EventError) as caught:
        for event in read_json_lines(
            lines, "e.jsonl", Counter(), lambda fault: told.append(str(fault.place))
        ):
            given.append(event)  # noqa: PERF402 - kept although it raises
    assert len(given) == 2
    assert told == [f"e.jsonl:{line}" for line in (1, 3, 4, 6, 7)]
    assert [line.partition(": ")[0] for line in str(caught.value).splitlines()[:3]] == told[:3]
    assert "and 2 more" in str(caught.value)


@given(st.dictionaries(st.text(), st.none() | st.booleans() | st.integers() | st.text()))
def test_any_mapping_is_an_event_or_a_value_error(raw: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"missing|wants|RFC 3339|no action"):
        check_event(raw)
