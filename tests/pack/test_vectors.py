"""The vectors that ship with the pack format can be run by whatever reads JSON and runs plans."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import msgspec

from workbench.event import check_event
from workbench.pack.vectors import directory, vectors
from workbench.rule.vectors import read_cases
from workbench.scorer import Scorer
from workbench.scorer.groups import LIMITS, Limits
from workbench.scorer.payload import FORMAT, SCORER, Payload
from workbench.scorer.plan import decode_plan

ROOT = Path(__file__).parents[2]


def fires(vector: dict[str, Any]) -> list[str]:
    def scorer() -> Scorer:
        head = {"format": FORMAT, "name": "vector", "version": "0", "minimum_scorer": SCORER}
        limits = msgspec.convert(vector["limits"], Limits) if "limits" in vector else LIMITS
        return Scorer(Payload(**head, plan=decode_plan(vector["plan"])), limits=limits)

    running, found = scorer(), []
    for number, event in enumerate(vector["events"]):
        if number == vector.get("restart"):
            state, running = running.snapshot(), scorer()
            running.restore(state)
        found += running.score(check_event(event))
    return [finding.event_id for finding in [*found, *running.close()]]


def test_they_run_without_sigma() -> None:
    told = [msgspec.json.decode(msgspec.json.encode(vector)) for vector in vectors()]
    assert len(told) == sum(len(read_cases(file)) for file in directory().glob("*.toml")) >= 500
    runnable = [vector for vector in told if "plan" in vector]
    assert all("rules" in vector and vector["refused"] for vector in told if "plan" not in vector)
    for vector in runnable[::8]:
        assert fires(vector) == vector["fires"], vector["name"]


def test_they_are_in_the_wheel(tmp_path: Path) -> None:
    from hatchling.builders.wheel import WheelBuilder

    (wheel,) = WheelBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"])
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {f"workbench/spec/{file.name}" for file in (ROOT / "tests/spec").glob("*.toml")} <= names
