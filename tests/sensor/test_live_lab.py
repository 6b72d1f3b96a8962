"""The sensor over a real agent that sends a secret out: seen as it happens, and written down to verify."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from capture.lab.driver import driver_for
from capture.lab.scenario import load
from capture.lab.stage import stage
from workbench.pack.keys import generate_key
from workbench.sensor.verify import verify

WORKBENCH = str(Path(sys.executable).with_name("workbench"))
RULES = Path(__file__).parents[2] / "rules"


@pytest.mark.live
@pytest.mark.timeout(900)
def test_a_secret_that_leaves_is_an_alert_with_its_path_and_verdicts_come_at_once(tmp_path: Path) -> None:
    generate_key(tmp_path / "k")
    pack, log, stats = tmp_path / "p.pack", tmp_path / "audit.jsonl", tmp_path / "stats.json"
    subprocess.run([WORKBENCH, "pack", "build", RULES, "--out", pack, "--key", tmp_path / "k"], check=True)
    sensor = [
        *(WORKBENCH, "sensor", "run", "--pack", pack, "--trust", tmp_path / "k.pub"),
        *("--audit", log, "--stats", stats, "--sink", f"file:{tmp_path}/alerts", "--agent", "mini-swe-agent"),
    ]
    with stage(load("secret-to-egress"), driver_for("mini-swe-agent"), seed=3) as staged:
        command = staged.namespace.command(staged.launch.command, staged.world.repository)
        done = subprocess.run(
            [*sensor, "--", *command],
            env=staged.launch.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=800,
        )
    assert done.returncode == 0, done.stderr
    told = [json.loads(line) for line in (tmp_path / "alerts").read_text().splitlines()]
    exfiltration = [
        finding
        for finding in told
        if any(attack["technique"]["uid"] == "T1041" for attack in finding["finding_info"]["attacks"])
    ]
    assert exfiltration
    assert any(finding["unmapped"].get("provenance_path") for finding in exfiltration)
    assert len({finding["unmapped"]["session"] for finding in told}) == 1
    assert verify(log, [log.with_name("audit.jsonl.key.pub")]).problems == []
    counts = json.loads(stats.read_text())
    assert counts["loss"]["dropped"] == 0
    assert counts["blocks"] == 0
