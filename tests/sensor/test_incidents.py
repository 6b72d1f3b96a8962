"""De-duplication and throttling: fewer messages, and every finding is accounted for."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from workbench.sensor.incidents import SECOND, Incidents


def test_the_same_again_is_counted_and_told_once(make: Any) -> None:
    incidents = Incidents()
    sent = [alert for number in range(5) for alert in incidents.offer(make.alert(number), number)]
    assert len(sent) == 1
    (summary,) = incidents.due(61 * SECOND)
    assert summary.repeated == 3
    assert incidents.due(200 * SECOND) == []


def test_another_rule_is_another_alert_of_the_same_incident(make: Any) -> None:
    incidents = Incidents()
    first = incidents.offer(make.alert(0), 0)
    second = incidents.offer(make.alert(1, rule_id="r2"), 1)
    other = incidents.offer(make.alert(2, session="s2"), 2)
    assert first[0].incident == second[0].incident != other[0].incident


def test_what_was_stopped_is_told_at_once(make: Any) -> None:
    incidents = Incidents(burst=1)
    incidents.offer(make.alert(0), 0)
    stopped = make.alert(1)
    stopped.action = "contained"
    assert incidents.offer(stopped, 1) == [stopped]


@given(
    st.lists(st.tuples(st.integers(0, 20), st.integers(0, 3), st.booleans(), st.integers(0, 90)), max_size=60)
)
def test_no_finding_is_lost(make: Any, offers: list[tuple[int, int, bool, int]]) -> None:
    incidents, now, accounted = Incidents(burst=2), 0, 0
    for rule, session, stopped, pause in offers:
        now += pause * SECOND
        alert = make.alert(0, rule_id=f"r{rule}", session=f"s{session}")
        alert.action = "contained" if stopped else "observed"
        accounted += sum(1 + sent.repeated for sent in [*incidents.offer(alert, now), *incidents.due(now)])
    accounted += sum(1 + sent.repeated for sent in incidents.flush())
    assert accounted == len(offers)
