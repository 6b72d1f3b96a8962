"""What state costs: many pending sequences, windows that close, and streams made to exhaust it.

Two scorers take turns, so that what else the machine does falls on both; their ratio is what counts.
"""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Iterable, Iterator
from statistics import median
from time import thread_time
from typing import Any

from workbench.event import Event
from workbench.pack import build_payload
from workbench.rule.document import parse_documents
from workbench.rule.ruleset import from_documents
from workbench.scorer import Scorer

_SECOND = 1_000_000_000
_ROUND = 1_000
RULES = """
title: First
name: first
logsource: {category: file_access}
detection: {s: {TargetFilename|endswith: .key}, condition: s}
---
title: Second
name: second
logsource: {category: process_creation}
detection: {s: {Image|endswith: /gzip}, condition: s}
---
title: Third
name: third
logsource: {category: network_connection}
detection: {s: {DestinationPort: 443}, condition: s}
---
title: Sequence
id: 7d2f9f7e-52b1-4f6e-9a07-5a3f8c1f2b11
correlation: {type: temporal_ordered, rules: [first, second, third], group-by: [user.name], timespan: 10m}
"""


def scorer() -> Scorer:
    """Give a scorer of one three-step sequence by user."""
    errors: list[Any] = []
    rules = from_documents(parse_documents(RULES, "rules.yml", errors), errors=errors)
    return Scorer.from_payload(build_payload(rules, "state", "1", registries={}), enrich=False)


def event(time: int, kind: str, user: str, session: str = "s", **fields: Any) -> dict[str, Any]:
    """Give an event at `time` (nanoseconds)."""
    category, _, action = kind.partition("/")
    head = {"@timestamp": time, "event.id": str(time), "event.category": category, "event.action": action}
    return {**head, "user.name": user, "gen_ai.conversation.id": session, **fields}


def begin(time: int, user: str, session: str = "s") -> dict[str, Any]:
    """Give a first step."""
    return event(time, "file/open", user, session, **{"file.path": "/home/u/a.key"})


def work(start: int) -> Iterator[dict[str, Any]]:
    """Give a thousand events of a few users: steps of sequences, complete ones, and what is neither."""
    for number in range(_ROUND // 5):
        time, user = start + number * 5_000, f"user{number % 20}"
        yield begin(time, user)
        yield event(time + 1_000, "process/exec", user, **{"process.executable": "/usr/bin/gzip"})
        yield event(time + 2_000, "network/connect", user, **{"destination.port": 443})
        yield event(time + 3_000, "process/exec", user, **{"process.executable": "/usr/bin/make"})
        yield event(time + 4_000, "file/open", user, **{"file.path": "/home/u/a.txt"})


def microseconds(running: Scorer, events: Iterable[Event]) -> float:
    """Give what an event took, CPU time."""
    events = list(events)
    began = thread_time()
    for one in events:
        running.score(one)
    return (thread_time() - began) / len(events) * 1e6


def test_twenty_thousand_pending_sequences() -> None:
    """20,000 sequences that have begun cost at most 1.5 times what 20 cost."""
    few, many = scorer(), scorer()
    for running, count in ((few, 20), (many, 20_000)):
        for number in range(count):
            running.score(begin(number, f"waiting{number}"))
    gc.collect()
    gc.freeze()
    figures = [
        (microseconds(few, work(start)), microseconds(many, work(start)))
        for start in range(_SECOND, 31 * _SECOND, _SECOND)
    ]
    gc.unfreeze()
    assert many.counts()["groups"] >= 20_000
    of_few, of_many = (median(pair[side] for pair in figures) for side in (0, 1))
    ratio = median(after / before for before, after in figures)
    print(f"\npending, microseconds an event: 20 {of_few:.1f}, 20,000 {of_many:.1f}, {ratio:.2f} times")
    assert ratio <= 1.5


def test_memory_returns_when_windows_close() -> None:
    """What 20,000 sequences take is given back once their time is over."""
    running = scorer()
    for start in range(_SECOND, 6 * _SECOND, _SECOND):
        microseconds(running, work(start))
    gc.collect()
    tracemalloc.start()
    for number in range(20_000):
        running.score(begin(10 * _SECOND + number, f"waiting{number}"))
    full = tracemalloc.get_traced_memory()[0]
    for start in range(1_000 * _SECOND, 1_010 * _SECOND, _SECOND):
        microseconds(running, work(start))
    gc.collect()
    floor = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    print(f"\nmemory: 20,000 sequences {full / 1e6:.1f} MB, after their time {floor / 1e6:.2f} MB")
    assert running.counts()["groups"] <= 20
    assert floor <= full / 10


def test_a_flood_neither_fills_memory_nor_slows_nor_blinds() -> None:
    """A session that begins sequences without end is capped, and another session's still completes."""
    calm, flooded = scorer(), scorer()
    flooded.score(begin(0, "victim", "other"))
    gc.collect()
    tracemalloc.start()
    figures, half = [], 0
    for number in range(60):
        start = _SECOND + number * 1_000_000
        flood = [begin(start + n, f"{number}-{n}" + "x" * 200, "flood") for n in range(_ROUND)]
        same = [begin(start + n, f"user{n % 20}", "calm") for n in range(_ROUND)]
        if number == 30:
            half = tracemalloc.get_traced_memory()[0]
            tracemalloc.stop()
        taken = microseconds(calm, same), microseconds(flooded, flood)
        if number > 30:
            figures.append(taken)
    counts = flooded.counts()
    flooded.score(
        event(9 * _SECOND, "process/exec", "victim", "other", **{"process.executable": "/bin/gzip"})
    )
    last = event(9 * _SECOND + 1, "network/connect", "victim", "other", **{"destination.port": 443})
    assert [finding.rule_title for finding in flooded.score(last)] == ["Sequence"]
    ratio = median(after / before for before, after in figures)
    print(
        f"\na flood of 60,000 sequences of one session: {counts['groups']:,} kept, "
        f"{counts['groups_evicted']:,} evicted, {half / 1e6:.0f} MB at the cap, {ratio:.2f} times the time"
    )
    assert counts["groups"] <= 25_001
    assert counts["groups"] + counts["groups_evicted"] == 60_001
    assert ratio <= 2


def test_long_texts_cost_by_their_length() -> None:
    """A command line of 1 MB costs about ten times one of 100 kB."""
    running = scorer()

    def seconds(length: int, seed: int) -> float:
        line = f"{seed}" + "a*" * (length // 2)
        one = event(
            _SECOND, "process/exec", "u", **{"process.executable": line, "process.command_line": line}
        )
        return microseconds(running, [one])

    short, long = (median(seconds(length, seed) for seed in range(5)) for length in (100_000, 1_000_000))
    print(f"\na command line of 100 kB: {short / 1e3:.2f} ms, of 1 MB {long / 1e3:.2f} ms")
    assert long <= 30 * short
