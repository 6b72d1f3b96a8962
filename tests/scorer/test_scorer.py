"""The scorer: bounded, deterministic, restartable, small."""

from __future__ import annotations

import gc
import subprocess
import sys
from functools import cache
from typing import Any

import cbor2
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import EventError, InputError, PackError, WorkbenchError
from workbench.fields import FIELDS
from workbench.pack import build_payload
from workbench.registry import load_all
from workbench.rule.document import parse_documents
from workbench.rule.ruleset import from_documents
from workbench.scorer import Scorer
from workbench.scorer.groups import Limits
from workbench.scorer.payload import decode_payload

SECOND = 1_000_000_000
RULES = """
title: A
name: a
logsource: {category: process_creation}
detection: {s: {Image: a}, condition: s}
---
title: B
name: b
logsource: {category: process_creation}
detection: {s: {Image: b}, condition: s}
---
title: Chain
id: 11111111-1111-4111-8111-111111111111
correlation: {type: temporal_ordered, rules: [a, b], timespan: 10s}
---
title: Many
id: 22222222-2222-4222-8222-222222222222
correlation: {type: event_count, rules: [a], timespan: 10s, condition: {gte: 3}}
---
title: Quiet
id: 33333333-3333-4333-8333-333333333333
correlation: {type: temporal_ordered, rules: [a], timespan: 10s}
workbench: {absent: [b]}
"""


def payload(rules: str = RULES, registries: dict[str, Any] | None = None) -> bytes:
    errors: list[Any] = []
    ruleset = from_documents(parse_documents(rules, "rules.yml", errors), errors=errors)
    return build_payload(ruleset, "test", "1", registries={} if registries is None else registries)


def event(time: float, image: str, session: str = "s", **more: Any) -> dict[str, Any]:
    return {
        "@timestamp": int(time * SECOND),
        "event.id": f"{image}{time:g}{session}",
        "event.category": "process",
        "event.action": "exec",
        "process.executable": image,
        "gen_ai.conversation.id": session,
        **more,
    }


def test_the_event_given_is_left_as_it_was() -> None:
    given = event(0, "a")
    before = dict(given)
    Scorer.from_payload(payload()).score(given)
    assert given == before


def test_the_same_events_give_the_same_findings() -> None:
    stream = [event(n, "ab"[n % 3 == 0], f"s{n % 2}") for n in range(30)]
    runs = []
    for _ in range(2):
        scorer = Scorer.from_payload(payload())
        runs.append([finding for one in stream for finding in scorer.score(one)] + scorer.close())
    assert runs[0] == runs[1] != []


def test_a_finding_tells_its_steps_and_evidence() -> None:
    scorer = Scorer.from_payload(payload())
    scorer.score(event(0, "a"))
    (finding,) = scorer.score(event(1, "b"))
    assert finding.rule_title == "Chain"
    assert finding.evidence == ["a0s", "b1s"]
    assert finding.steps == ["a", "b"]
    assert finding.reason == "a → b within 10 s"
    assert finding.session == "s"


def test_memory_returns_to_its_floor() -> None:
    scorer = Scorer.from_payload(payload())
    for number in range(2_000):
        scorer.score(event(number / 1_000, "a", f"s{number}"))
    assert scorer.counts()["groups"] == 4_000
    for number in range(3_000):
        scorer.score(event(100 + number / 1_000, "x"))
    assert scorer.counts()["groups"] == 0
    assert scorer.counts()["windows"] == 0


def test_caps_hold_under_a_flood() -> None:
    limits = Limits(groups_per_rule=50, groups_per_session=20, windows=30)
    scorer = Scorer(decode_payload(payload()), limits=limits)
    for number in range(5_000):
        scorer.score(event(number / 10_000, "a", f"s{number}"))
    counts = scorer.counts()
    assert counts["groups"] <= 100
    assert counts["windows"] <= 30
    assert counts["groups_evicted"] == 2 * (5_000 - 50)
    assert counts["windows_evicted"] == 5_000 - 30


def test_long_group_values_are_told_apart_but_not_kept() -> None:
    rules = (
        RULES.split("---")[0]
        + """---
title: Twice
correlation: {type: event_count, rules: [a], timespan: 1m, group-by: [User], condition: {gte: 2}}
"""
    )
    scorer = Scorer.from_payload(payload(rules))
    names = ["x" * 100_000 + str(number) for number in range(20)]
    fired = [bool(scorer.score(event(n, "a", **{"user.name": name}))) for n, name in enumerate(names * 2)]
    assert fired == [False] * 20 + [True] * 20
    assert len(msgspec.json.encode(scorer.snapshot())) < 100_000


def test_many_pending_sequences_cost_no_more_than_few() -> None:
    from time import thread_time

    def microseconds(pending: int) -> float:
        scorer = Scorer.from_payload(payload(), enrich=False)
        for number in range(pending):
            scorer.score(event(0, "a", f"s{number}"))
        stream = [event(1, "b", f"t{number}") for number in range(5_000)]
        best = 1e9
        for _ in range(3):
            began = thread_time()
            for one in stream:
                scorer.score(one)
            best = min(best, thread_time() - began)
        return best / len(stream) * 1e6

    assert microseconds(20_000) < 3 * microseconds(20)


def test_a_new_pack_takes_up_the_state_that_still_applies() -> None:
    old = Scorer.from_payload(payload())
    old.score(event(0, "a"))
    snapshot = msgspec.json.decode(msgspec.json.encode(old.snapshot()))
    changed = payload(
        "title: Z\nname: z\nlogsource: {category: file_event}\n"
        "detection: {s: {Image: z}, condition: s}\n---\n" + RULES.replace("gte: 3", "gte: 4")
    )
    new = Scorer.from_payload(changed)
    assert new.restore(snapshot) == 1  # the count's group: its rule means something else now
    assert [finding.rule_title for finding in new.score(event(5, "b"))] == ["Chain"]
    assert new.close() == []  # the open window came along, and was closed by b


@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=3) | st.booleans(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    )
)
def test_a_malformed_snapshot_is_refused_in_one_line(data: Any) -> None:
    scorer = Scorer.from_payload(payload())
    snapshot = {**scorer.snapshot(), "correlations": data}
    with pytest.raises(InputError, match="snapshot is malformed"):
        scorer.restore(snapshot)


def test_an_event_without_a_time_is_refused() -> None:
    with pytest.raises(EventError, match="@timestamp"):
        Scorer.from_payload(payload()).score({"event.category": "process", "event.action": "exec"})


def full() -> Scorer:
    """Give a scorer with every stage that the shipped tables make."""
    return _compiled().anew()


@cache
def _compiled() -> Scorer:
    labelling = RULES + (
        "---\ntitle: L\nname: l\nlogsource: {category: file_access}\n"
        "detection: {s: {TargetFilename|contains: key}, condition: s}\nworkbench: {label: secret}\n"
    )
    errors: list[Any] = []
    ruleset = from_documents(parse_documents(labelling, "rules.yml", errors), errors=errors)
    return Scorer.from_payload(build_payload(ruleset, "test", "1"))


@pytest.mark.parametrize(
    "changed",
    [
        {"@timestamp": True},
        {"@timestamp": 2**90},
        {"@timestamp": "2026-01-01T00:00:00Z"},
        {"event.category": ["process"]},
        {"destination.ip": 7, "event.category": "network", "event.action": "connect"},
        {"process.args": 7},
        {"process.executable": {"a": 1}},
    ],
)
def test_what_is_no_event_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(EventError, match=next(iter(changed))):
        full().score({**event(1, "a"), "process.entity_id": "p", **changed})


def test_an_event_without_a_kind_is_refused() -> None:
    with pytest.raises(EventError, match=r"event\.category is missing"):
        full().score({"@timestamp": 1})


@given(
    st.dictionaries(
        st.sampled_from(sorted(FIELDS)),
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats()
        | st.text()
        | st.lists(st.integers() | st.text())
        | st.dictionaries(st.text(), st.text()),
    )
)
def test_any_mapping_is_scored_or_refused(changed: dict[str, Any]) -> None:
    scorer = full()
    for _ in range(2):
        try:
            scorer.score({**event(1, "a"), "process.entity_id": "p", **changed})
        except EventError:
            continue


def test_a_name_of_any_bytes_is_scored() -> None:
    name = "/x\udcff"
    scorer = full()
    one = event(1, name, name, **{"process.entity_id": name, "process.args": [name], "user.name": name})
    assert scorer.score(one) == []
    assert scorer.score({**one, "event.category": "file", "event.action": "open", "file.path": name}) == []


@given(st.binary(max_size=200))
def test_bytes_that_are_no_payload_are_refused(data: bytes) -> None:
    with pytest.raises(PackError):
        Scorer.from_payload(data)


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=4) | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


@given(st.data())
def test_a_payload_with_anything_changed_is_refused_or_runs(data: st.DataObject) -> None:
    raw = cbor2.loads(payload())
    where: Any = raw
    while True:
        keys = list(where) if isinstance(where, dict) else range(len(where))
        key = data.draw(st.sampled_from(list(keys)))
        if isinstance(where[key], dict | list) and where[key] and data.draw(st.booleans()):
            where = where[key]
            continue
        where[key] = data.draw(PLAIN)
        break
    try:
        scorer = Scorer.from_payload(cbor2.dumps(raw))
    except WorkbenchError:
        return
    scorer.score(event(0, "a"))
    scorer.close()


def test_a_deeply_nested_payload_is_refused() -> None:
    with pytest.raises(PackError):
        Scorer.from_payload(b"\x81" * 100_000 + b"\x00")


def test_it_imports_quickly_and_alone() -> None:
    heavy = ("cryptography", "sigma", "yaml")
    code = f"import sys, workbench.scorer; print(sum(m.startswith({heavy}) for m in sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "0"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["stages"], []),
        (["now"], float("inf")),
        (["now"], "1"),
        (["now"], True),
        (["now"], 2**90),
        (["stages", "provenance", "ways"], {}),
        (["stages", "provenance"], []),
        (["stages", "lineage", "evicted"], "x"),
        (["stages", "destinations", "seen"], []),
        (["verdicts", "sessions"], "x"),
        (["verdicts", "evicted"], None),
        (["serial"], 1.5),
    ],
)
def test_a_snapshot_with_a_malformed_part_is_refused(path: list[str], value: Any) -> None:
    scorer = full()
    scorer.score(event(1, "a", **{"process.entity_id": "p"}))
    snapshot = scorer.snapshot()
    *where, last = path
    part = snapshot
    for key in where:
        part = part[key]
    part[last] = value
    with pytest.raises(InputError, match="snapshot is malformed"):
        full().restore(snapshot)


def test_scoring_makes_no_cycles_so_that_a_host_may_turn_the_collector_off() -> None:
    scorer = Scorer.from_payload(payload(registries=load_all()))
    kinds = ["process/fork", "process/exec", "file/open", "file/write", "network/connect", "process/exit"]
    gc.collect()
    gc.disable()
    try:
        for number in range(3_000):
            category, _, action = kinds[number % len(kinds)].partition("/")
            given = event(number, "ab"[number % 2], f"s{number % 7}")
            given |= {"event.category": category, "event.action": action, "file.path": f"/x/{number}"}
            given |= {"process.entity_id": f"p{number % 11}", "process.target.entity_id": f"p{number % 13}"}
            scorer.score(given)
        assert gc.collect() < 30  # what other threads of the test run may leave
    finally:
        gc.enable()
