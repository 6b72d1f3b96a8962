"""Speed and memory of the scorer, by the number of rules, and beside two plain engines.

`pytest -s benchmarks/scorer` prints the tables, microseconds an event. Each figure is the median of three
runs, each in a process of its own, in CPU time but for `wall`, which shows what else the machine does.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from benchmarks.scorer import workload
from benchmarks.scorer.closures import ClosureEngine
from benchmarks.scorer.sqlite_engine import SqliteEngine
from workbench.event import Event
from workbench.pack import build_payload, sign
from workbench.rule.document import parse_documents
from workbench.rule.ruleset import RuleSet, from_documents, load
from workbench.scorer import Scorer

ROOT = Path(__file__).parents[2]
RULES, RECORDED = ROOT / "rules", ROOT / "datasets" / "agent-runs"
EVENTS, SESSIONS = 200_000, 200


def ruleset(count: int) -> RuleSet:
    """Give the workload's rules."""
    errors: list[Any] = []
    return from_documents(parse_documents(workload.rules(count), "rules.yml", errors), errors=errors)


def payload(count: int) -> bytes:
    """Give the payload of the workload's rules, without registries."""
    return build_payload(ruleset(count), "benchmark", "1", registries={})


def run(module: str, *arguments: object) -> dict[str, float]:
    """Run a module that lies beside this one in a process of its own, and give what it prints."""
    command = [sys.executable, "-m", f"benchmarks.scorer.{module}", *map(str, arguments)]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}  # importing is not compiling
    done = subprocess.run(command, check=True, capture_output=True, cwd=ROOT, env=environment)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def measure(content: bytes, directory: Path, *what: object) -> dict[str, float]:
    """Measure three times and give the medians."""
    file = directory / "payload.cbor"
    file.write_bytes(content)
    runs = [run("measure", file, *what) for _ in range(3)]
    figures = {name: median(run[name] for run in runs) for name in runs[0]}
    return {**figures, "payload_kb": len(content) / 1_000}


def profile(content: bytes, directory: Path, *what: object) -> dict[str, float]:
    """Give microseconds an event by stage, most first."""
    file = directory / "payload.cbor"
    file.write_bytes(content)
    return run("profiled", file, *what)


TIMES = ("mean", "p50", "p99", "p99.9", "max", "wall")
COLUMNS = (*TIMES, "import_s", "load_s", "rss_mb", "payload_kb", "findings")


def show(name: str, found: dict[Any, dict[str, float]]) -> None:
    """Print figures as a table."""
    print(f"\n{name:<22}" + "".join(f"{column:>11}" for column in COLUMNS))
    for row, one in found.items():
        print(f"{row:<22}" + "".join(f"{one[column]:>11.2f}" for column in COLUMNS))


@pytest.fixture(scope="module")
def figures(tmp_path_factory: pytest.TempPathFactory) -> dict[int, dict[str, float]]:
    """Measure 10, 100 and 500 rules, and print the table."""
    directory = tmp_path_factory.mktemp("benchmark")
    found = {count: measure(payload(count), directory, "match", EVENTS, SESSIONS) for count in (10, 100, 500)}
    show("rules, match alone", found)
    print(f"500 rules to 10: {found[500]['mean'] / found[10]['mean']:.1f} times")
    fixed = run("yardstick")
    print(f"this machine: fixed work takes {fixed['p50']:.1f}, p99.9 {fixed['p99.9']:.1f};", end=" ")
    print(f"500 rules take {found[500]['mean'] / fixed['p50']:.2f} of it")
    return found


def test_five_hundred_rules(figures: dict[int, dict[str, float]]) -> None:
    """500 rules: 12 µs in the mean, 80 µs for 999 of 1,000."""
    assert figures[500]["mean"] <= 12
    assert figures[500]["p99.9"] <= 80


def test_fifty_times_the_rules(figures: dict[int, dict[str, float]]) -> None:
    """Fifty times the rules cost at most six times as much."""
    assert figures[500]["mean"] <= 6 * figures[10]["mean"]


def test_loading(figures: dict[int, dict[str, float]]) -> None:
    """Import, load and memory."""
    assert figures[500]["import_s"] <= 0.15
    assert figures[500]["load_s"] <= 0.2
    assert figures[500]["rss_mb"] <= 40


def test_the_full_path(tmp_path: Path) -> None:
    """Lineage, attribution, destinations, provenance and intrinsic risk too: 20 µs in the mean."""
    labels = load(RULES / "label")
    rules = RuleSet((*ruleset(500).rules, *labels.rules), labels.placeholders)
    found = {
        "500 rules": measure(build_payload(rules, "full", "1"), tmp_path, "full", EVENTS, SESSIONS),
        "rules/, recorded runs": measure(
            build_payload(load(RULES), "rules", "1"), tmp_path, "recorded", RECORDED, 12
        ),
    }
    show("the full path", found)
    assert found["500 rules"]["mean"] <= 20


def test_where_the_time_goes(tmp_path: Path) -> None:
    """Microseconds an event by stage, sampled; over the workload's rules and events, and recorded ones."""
    labels = load(RULES / "label")
    rules = RuleSet((*ruleset(500).rules, *labels.rules), labels.placeholders)
    full, shipped = build_payload(rules, "full", "1"), build_payload(load(RULES), "rules", "1")
    found = {
        "500 rules, match": profile(payload(500), tmp_path, "match", EVENTS // 2, SESSIONS),
        "500 rules, full path": profile(full, tmp_path, "full", EVENTS // 2, SESSIONS),
        "rules/, recorded runs": profile(shipped, tmp_path, "recorded", RECORDED, 4),
    }
    for name, shares in found.items():
        print(f"\n{name}: " + ", ".join(f"{stage} {spent:.1f}" for stage, spent in shares.items()))
        assert sum(shares.values()) == pytest.approx(2 * shares["an event"], rel=0.05)


def test_the_pack_is_small() -> None:
    """500 rules and the registries fit in 100 kB."""
    pack = sign(build_payload(ruleset(500), "benchmark", "1"), Ed25519PrivateKey.generate())
    print(f"\na pack of 500 rules with the registries: {len(pack):,} bytes")
    assert len(pack) <= 100_000


def microseconds(score: Callable[[Event], Any], events: list[Event]) -> tuple[list[Any], float]:
    """Give the findings, and the microseconds an event took."""
    began = perf_counter()
    found = [finding for event in events for finding in score(event)]
    return found, (perf_counter() - began) / len(events) * 1e6


def test_side_by_side() -> None:
    """A closure a rule finds the same."""
    rules = ruleset(500)
    scorer = Scorer.from_payload(build_payload(rules, "benchmark", "1", registries={}), enrich=False)
    closures = ClosureEngine(scorer.plan)
    events = list(workload.events(4_000, 20))
    found, ours = microseconds(scorer.score, events)
    mine = sorted((finding.rule_id, finding.event_id) for finding in found)
    theirs, plain = microseconds(closures.score, events)
    print(f"\n500 rules, {len(events)} events, nothing remembered at first, microseconds an event:")
    print(f"scorer {ours:.1f}, a closure a rule {plain:.1f}: {len(mine)} findings each")
    assert sorted(theirs) == mine


def test_side_by_side_with_sqlite() -> None:
    """A query a rule finds the same, as far as it can express the rules."""
    rules = ruleset(500)
    single = [rule for rule in rules.rules if rule.sigma.title.startswith("Benchmark single")]
    scorer = Scorer.from_payload(build_payload(rules, "benchmark", "1", registries={}), enrich=False)
    events = list(workload.events(200, 20))
    wanted = {rule.id for rule in single}
    found, ours = microseconds(scorer.score, events)
    mine = sorted((f.rule_id, f.event_id) for f in found if f.rule_id in wanted)
    theirs, sql = microseconds(SqliteEngine(single).score, events)
    print(f"\n{len(single)} single rules, microseconds an event: scorer {ours:.1f}, SQLite {sql:.1f}")
    assert sorted(theirs) == mine
