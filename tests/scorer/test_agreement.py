"""Two plain engines, which the benchmark times beside the scorer, find what it finds."""

from __future__ import annotations

import pytest

from benchmarks.scorer import closures, workload
from benchmarks.scorer.sqlite_engine import SqliteEngine
from benchmarks.scorer.test_scorer import ruleset
from workbench.pack import build_payload
from workbench.scorer import Scorer

RULES = ruleset(100)


@pytest.fixture
def scorer() -> Scorer:
    return Scorer.from_payload(build_payload(RULES, "benchmark", "1", registries={}), enrich=False)


def test_a_closure_a_rule_finds_the_same(scorer: Scorer) -> None:
    engine = closures.ClosureEngine(scorer.plan)
    events = list(workload.events(1_500, 10))
    events += [{**event, "event.outcome": "failure"} for event in events[:200]]
    mine = sorted((found.rule_id, found.event_id) for event in events for found in scorer.score(event))
    assert mine == sorted(found for event in events for found in engine.score(event))
    assert len({rule for rule, _ in mine}) > 20


def test_a_query_a_rule_finds_the_same_as_far_as_it_can_express_the_rules(scorer: Scorer) -> None:
    single = [rule for rule in RULES.rules if rule.sigma.title.startswith("Benchmark single")]
    wanted = {rule.id for rule in single}
    queries = SqliteEngine(single)
    events = list(workload.events(300, 10))
    mine = sorted((f.rule_id, f.event_id) for e in events for f in scorer.score(e) if f.rule_id in wanted)
    assert mine == sorted(found for event in events for found in queries.score(event))
    assert mine
