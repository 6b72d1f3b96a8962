"""Events are cut to what is looked at, and told in short names and small times."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.evaluate.witness.shortening import Shortening
from workbench.event import Event

BEGAN = 1_795_456_854_303_642_233


def event(number: int, **fields: Any) -> Event:
    kind = {"event.category": "file", "event.action": "open"}
    told = {name.replace("__", "."): value for name, value in fields.items()}
    return {"@timestamp": BEGAN + number * 7_000_000_000, **kind, "event.id": f"k{number}", **told}


def by_one_process(events: Sequence[Event]) -> bool:
    """Whether a key is read and a mark set by one process, or it has no name."""
    for first in events:
        for second in events:
            key = str(first.get("file.path", "")).endswith(".pem")
            same = first.get("process.entity_id") == second.get("process.entity_id")
            if key and same and second.get("process.args") and first is not second:
                return True
    return False


def test_what_is_left_is_least_and_plain() -> None:
    one, two = "45621d0e-319bdb7bad8d3-241a", "45621d0e-319c7497b13d3-2660"
    events = [
        event(0, process__entity_id=two, file__path="/x"),
        event(1, process__entity_id=one, file__path="/home/lena/k.pem", user__id="1000"),
        event(2, process__entity_id=one, file__path="/y"),
        event(3, process__entity_id=one, process__args=["a", "b", "c"]),
    ]
    shortening = Shortening(lambda some: by_one_process(some) and all("process.entity_id" in e for e in some))
    left = shortening.shorten(events)
    kind = {"event.category": "file", "event.action": "open", "process.entity_id": "p1"}
    assert left == [
        {"@timestamp": 0, **kind, "event.id": "k1", "file.path": "/home/dev/k.pem"},
        {"@timestamp": 1_000_000_000, **kind, "event.id": "k3", "process.args": ["a"]},
    ]
    assert shortening.is_least(left)
    assert not shortening.is_least(events)


def test_times_stay_apart_where_that_is_asked_for() -> None:
    def far_apart(events: Sequence[Event]) -> bool:
        times = [int(str(each["@timestamp"])) for each in events]
        return len(times) > 1 and times[-1] - times[0] >= 20 * 10**9

    left = Shortening(far_apart).shorten([event(number) for number in range(5)])
    assert [each["@timestamp"] for each in left] == [0, 21_000_000_000]


def test_the_time_of_day_stays_where_that_is_asked_for() -> None:
    def by_day(events: Sequence[Event]) -> bool:
        return any(int(str(each["@timestamp"])) // (3_600 * 10**9) % 24 == 18 for each in events)

    (left,) = Shortening(by_day).shorten([event(0), event(1)])
    assert int(str(left["@timestamp"])) < 86_400 * 10**9


def test_a_text_loses_its_last_words_and_not_all_of_them() -> None:
    line = "npm publish " + "--and more of what nothing looks at " * 3

    def publishes(events: Sequence[Event]) -> bool:
        return any("npm publish" in str(each.get("process.command_line")) for each in events)

    (left,) = Shortening(publishes).shorten([event(0, process__command_line=line)])
    told = str(left["process.command_line"])
    assert told.startswith("npm publish")
    assert 20 <= len(told) < 40


def test_fields_that_are_to_be_kept_are_kept() -> None:
    kept = {"k0": frozenset({"user.id"})}
    shortening = Shortening(lambda some: any(each["event.id"] == "k0" for each in some), kept=kept)
    (left,) = shortening.shorten([event(0, user__id="7", file__path="/x"), event(1)])
    assert left["user.id"] == "7"
    assert "file.path" not in left


FIELDS = st.dictionaries(
    st.sampled_from(["user.id", "file.path", "process.entity_id", "process.name"]),
    st.sampled_from(["a", "b c", "/home/x/y", "pipe:[77]", "long " * 12]),
)


@settings(max_examples=40)
@given(st.lists(FIELDS, min_size=1, max_size=4), st.data())
def test_no_event_and_no_field_can_be_spared(told: list[dict[str, str]], data: st.DataObject) -> None:
    """Whatever events and fields are asked for together."""
    events = [{**event(number), **fields} for number, fields in enumerate(told)]
    items = [(e["event.id"], name) for e, fields in zip(events, told, strict=True) for name in fields]
    asked = data.draw(st.sets(st.sampled_from(items)) if items else st.just(set()))

    def holds(some: Sequence[Event]) -> bool:
        there = {(each["event.id"], name) for each in some for name in each}
        return bool(some) and asked <= there

    shortening = Shortening(holds)
    left = shortening.shorten(events)
    assert shortening.is_least(left)
    assert len(left) == max(1, len({name for name, _ in asked}))
