"""What a sensor costs a real agent, and how soon a verdict comes: runs in turn, bare and watched."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from capture.lab.driver import driver_for
from capture.lab.scenario import load
from capture.lab.stage import stage
from capture.source import why_not
from workbench.pack.keys import generate_key

PAIRS = int(os.environ.get("WORKBENCH_BENCH_PAIRS", "5"))
WORKBENCH = str(Path(sys.executable).with_name("workbench"))
RULES = Path(__file__).parents[2] / "rules"
# Tells how long the agent took by itself, without the start and the end of what watches it.
TIMED = 'b=${EPOCHREALTIME/./}; "$@"; s=$?; echo $((${EPOCHREALTIME/./} - b)) >"$0"; exit $s'


def run(place: Path, before: list[str]) -> float:
    """Run the agent once, started by what stands before it; gives its seconds."""
    with stage(load("secret-to-egress"), driver_for("mini-swe-agent"), seed=3) as staged:
        command = staged.namespace.command(staged.launch.command, staged.world.repository)
        timed = ["bash", "-c", TIMED, str(place / "seconds"), *command]
        subprocess.run(
            [*before, *timed], env=staged.launch.environment, capture_output=True, check=True, timeout=1200
        )
    return int((place / "seconds").read_text()) / 1e6


@pytest.mark.skipif(bool(why_not("bcc")), reason="the kernel cannot be traced here")
def test_an_agent_that_is_watched_is_not_slower_and_verdicts_come_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], circumstances: Callable[[], str]
) -> None:
    """The median of paired ratios; the medians of the runs' own quantiles."""
    generate_key(tmp_path / "k")
    pack, stats = tmp_path / "p.pack", tmp_path / "stats.json"
    subprocess.run([WORKBENCH, "pack", "build", RULES, "--out", pack, "--key", tmp_path / "k"], check=True)
    sensor = [
        *(WORKBENCH, "sensor", "run", "--pack", pack, "--trust", tmp_path / "k.pub", "--stats", stats),
        *("--audit", tmp_path / "audit.jsonl", "--sink", f"file:{tmp_path}/alerts", "--"),
    ]
    pairs, told = [], []
    run(tmp_path, [])  # what is read for the first time is read now
    for _ in range(PAIRS):
        pairs.append((run(tmp_path, []), run(tmp_path, [str(word) for word in sensor])))
        told.append(json.loads(stats.read_text()))
    ratio = statistics.median(watched / bare for bare, watched in pairs)
    late = {
        name: statistics.median(one["latency_us"][name] for one in told) for name in ("p50", "p99", "p99.9")
    }
    lost = sum(one["loss"]["dropped"] for one in told)
    with capsys.disabled():
        print(f"\n{circumstances()}")
        print("bare/watched  " + "  ".join(f"{bare:.1f}/{watched:.1f} s" for bare, watched in pairs))
        print(f"median ratio  {ratio:.3f}   {told[-1]['events']:,} events   lost {lost}")
        print("verdict       " + "   ".join(f"{name} {value / 1000:.2f} ms" for name, value in late.items()))
    assert lost == 0
    assert ratio <= 1.05
    assert late["p50"] <= 1_000
    assert late["p99"] <= 5_000
