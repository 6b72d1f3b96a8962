from __future__ import annotations

from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.scorer.finding import Finding
from workbench.scorer.verdict import FUSION, Verdicts


def finding(
    signal: str = "pattern", risk: int = 80, response: str = "alert", confidence: float = 1.0, **fields: Any
) -> Finding:
    fields = {"rule_id": "r", "rule_title": "t", "level": "high", "timestamp": 0, "event_id": "e", **fields}
    return Finding(signal=signal, risk=risk, response=response, confidence=confidence, **fields)


def event(session: str = "s", **fields: Any) -> dict[str, Any]:
    return {"event.id": "e", "gen_ai.conversation.id": session, **fields}


def test_nothing_found_is_zero_and_audit() -> None:
    verdict = Verdicts().update(event(), [])
    assert (verdict.score, verdict.decision, verdict.shares) == (0.0, "audit", {})


def test_shares_add_up_to_the_score() -> None:
    found = [finding(), finding("drift", 40), finding("compliance", 30)]
    verdict = Verdicts().update(event(**{"risk.intrinsic": 60}), found)
    assert set(verdict.shares) == {"pattern", "drift", "compliance", "intrinsic"}
    assert sum(verdict.shares.values()) == pytest.approx(verdict.score, abs=0.3)


def test_many_small_findings_do_not_add_up() -> None:
    verdicts = Verdicts()
    for _ in range(1_000):
        verdicts.update(event(), [finding(risk=20, response="audit")])
    assert verdicts.session("s").decision == "audit"


def test_different_signals_strengthen_each_other() -> None:
    alone = Verdicts().update(event(), [finding(risk=50)])
    beside = Verdicts().update(event(), [finding(risk=50), finding("drift", 60)])
    assert beside.score > alone.score


def test_a_session_remembers_what_its_events_do_not() -> None:
    verdicts = Verdicts()
    verdicts.update(event(), [finding("drift", 60, "audit")])
    verdicts.update(event(), [finding(risk=60, response="audit")])
    assert verdicts.session("s").score > verdicts.update(event("other"), [finding(risk=60)]).score
    assert verdicts.session("never seen").score == 0


def test_only_a_rule_asks_for_a_block() -> None:
    assert Verdicts().update(event(**{"risk.intrinsic": 100}), [finding(risk=100)]).decision == "alert"
    assert Verdicts().update(event(), [finding(risk=95, response="block")]).decision == "block"


def test_an_unsure_finding_does_not_block() -> None:
    unsure = finding(risk=95, response="block", confidence=0.6)
    assert Verdicts().update(event(), [unsure]).decision == "alert"


def test_a_low_score_does_not_block() -> None:
    assert Verdicts().update(event(), [finding(risk=40, response="block")]).decision == "alert"


def test_a_high_score_alerts_whatever_was_asked() -> None:
    assert Verdicts().update(event(), [finding(risk=90, response="audit")]).decision == "alert"


def test_weights_are_data() -> None:
    deaf = {"weights": {**FUSION["weights"], "pattern": 0.0}}
    assert Verdicts(deaf).update(event(), [finding(risk=90, response="audit")]).score == 0


def test_sessions_are_bounded_and_survive_a_snapshot() -> None:
    verdicts = Verdicts(max_sessions=2)
    for session in ("a", "b", "c"):
        verdicts.update(event(session), [finding()])
    assert verdicts.evicted == 1
    other = Verdicts()
    other.restore(cbor2.loads(cbor2.dumps(verdicts.snapshot(), canonical=True)))
    assert other.sessions() == verdicts.sessions()


FINDINGS = st.builds(
    finding,
    st.sampled_from(["intrinsic", "pattern", "drift", "compliance"]),
    st.integers(0, 100),
    st.sampled_from(["audit", "alert", "block"]),
    st.floats(0, 1),
)


@given(st.lists(FINDINGS), FINDINGS)
def test_more_findings_never_lower_a_score(found: list[Finding], more: Finding) -> None:
    less = Verdicts().update(event(), found)
    greater = Verdicts().update(event(), [*found, more])
    assert 0 <= less.score <= greater.score <= 100
