"""Where the pack says so, baselines go on learning on the host: bounded, kept, and never from an alert."""

from __future__ import annotations

from typing import Any

from tests.baseline.test_versions import learned, session
from workbench.pack import build_payload
from workbench.rule import load
from workbench.scorer import Scorer
from workbench.scorer.enrich.drift import Drift
from workbench.scorer.enrich.drift_past import POPULATION

DAY_NS = 86_400_000_000_000
RULE = """title: Netcat
id: 11111111-0000-4000-8000-000000000009
logsource: {category: process_creation}
detection: {s: {Image|endswith: /nc}, condition: s}
workbench: {risk: 95, response: alert}
"""


def frozen(**more: Any) -> list[dict[str, Any]]:
    pasts = [learned("codex", "/usr/bin/git", 20, "1"), learned(POPULATION, "/usr/bin/git", 20)]
    return [{**past.freeze(), "learns_on_host": True, **more} for past in pasts]


def live(stage: Drift, program: str, day: int, *, alerted: bool = False) -> float:
    """Play one session on this day; give how surprising its program was."""
    score = 0.0
    for event in session(program):
        event["@timestamp"] = day * DAY_NS
        stage.apply(event)
        score = event.get("drift.executable", score)
    stage.end("s", day * DAY_NS, alerted=alerted)
    return score


def test_what_recurs_on_several_days_becomes_usual() -> None:
    stage = Drift(frozen())
    scores = [live(stage, "/usr/bin/make", 20_000 + day) for day in range(12)]
    assert min(scores[:5]) > 3.5
    assert scores[-1] < 1.5


def test_nothing_is_learned_from_an_alert_or_unless_the_pack_says_so() -> None:
    for stage, alerted in ((Drift(frozen()), True), (Drift(frozen(learns_on_host=False)), False)):
        for day in range(12):
            score = live(stage, "/usr/bin/make", 20_000 + day, alerted=alerted)
        assert score > 3.5
        assert stage.learned == 0


def test_a_restart_keeps_what_was_learned_and_another_pack_does_not() -> None:
    stage = Drift(frozen())
    for day in range(12):
        live(stage, "/usr/bin/make", 20_000 + day)
    again, other = Drift(frozen()), Drift(frozen(agent_version="0"))
    again.restore(stage.snapshot())
    other.restore(stage.snapshot())
    assert live(again, "/usr/bin/make", 20_012) < 1.5
    assert other.learned == 0


def test_the_scorer_tells_the_stage_how_the_session_ended(tmp_path: Any) -> None:
    (tmp_path / "rule.yml").write_text(RULE)
    payload = build_payload(load([tmp_path]), "small", "1", baselines=frozen(), registries={})
    scorer = Scorer.from_payload(payload)
    learned_after = []
    for name, program in (("quiet", "/usr/bin/make"), ("loud", "/usr/bin/nc")):
        end = {"event.category": "agent", "event.action": "session_end", "gen_ai.agent.name": "codex"}
        for event in [*session(program), {"@timestamp": 9, **end}]:
            scorer.score({**event, "gen_ai.conversation.id": name})
        learned_after.append(scorer.snapshot()["stages"]["drift"]["learned"])
    assert learned_after == [1, 1]
