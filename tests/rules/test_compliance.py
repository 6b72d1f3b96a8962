"""What law, contract or policy asks to be told is told, with the tables of those who use the pack."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from workbench.pack import build_payload
from workbench.registry import load_all
from workbench.rule import load
from workbench.scorer import Scorer

RULES = Path(__file__).parents[2] / "rules"
RECORDS = "/srv/export/patients/2026.csv"
CODEX = "/usr/lib/node_modules/@openai/codex/bin/codex-x86_64-unknown-linux-musl"


@pytest.fixture(scope="module")
def compiled() -> Scorer:
    """The compliance rules and labels, with a policy that forbids one place and has not approved another."""
    registries = load_all()
    places = {entry["name"]: entry for entry in registries["destinations"]["classes"]}
    places["embargoed"]["cidrs"] = ["5.6.0.0/16"]
    places["unapproved"]["domains"] = ["notes.somewhere.org"]
    rules = load([RULES / "compliance", RULES / "label"])
    return Scorer.from_payload(build_payload(rules, "compliance", "1", registries=registries))


class Told:
    """Events of one host, of process `p` unless told otherwise, and the titles of what was found."""

    def __init__(self, scorer: Scorer, session: str) -> None:
        self.scorer, self.session = scorer, {"gen_ai.conversation.id": session} if session else {}
        self.titles, self.now = set[str](), 1_700_000_000

    def __call__(self, kind: str, **fields: Any) -> None:
        self.now += 1
        category, action = kind.split("/")
        event = {
            "@timestamp": self.now * 1_000_000_000,
            "event.id": str(self.now),
            "event.category": category,
            "event.action": action,
            "event.outcome": "success",
            "process.entity_id": "p",
            **self.session,
            **{name.replace("__", "."): value for name, value in fields.items()},
        }
        self.titles |= {finding.rule_title for finding in self.scorer.score(event)}


@pytest.fixture
def told(compiled: Scorer) -> Told:
    return Told(compiled.anew(), "s")


@pytest.fixture
def alone(compiled: Scorer) -> Told:
    """Events of a host on which no harness tells of sessions."""
    return Told(compiled.anew(), "")


def connect(told: Told, ip: str, domain: str, entity: str = "p") -> None:
    place = {"destination__ip": ip, "destination__domain": domain, "destination__port": 443}
    told("network/connect", process__entity_id=entity, **place)


def test_a_forbidden_region_is_told_whatever_its_name_says(told: Told) -> None:
    connect(told, "5.6.7.8", "pypi.org")
    assert told.titles == {"A session reaches for an embargoed destination"}


def test_a_service_that_is_not_approved_is_told(told: Told) -> None:
    connect(told, "8.8.4.4", "notes.somewhere.org")
    assert told.titles == {"A session uses a service that is not approved"}


def test_regulated_data_is_told_when_it_is_opened_and_when_it_may_leave(told: Told) -> None:
    told("file/open", file__path=RECORDS, file__flags=["read"])
    assert told.titles == {"An agent's session opens regulated data"}
    connect(told, "8.8.4.4", "partner.somewhere.org")
    assert "Regulated data may leave to the outside" in told.titles


@pytest.mark.parametrize(
    "path",
    [
        "/usr/lib/python3/dist-packages/botocore/data/emr/2009-03-31/service-2.json.gz",
        "/repo/.venv/lib/python3.11/site-packages/botocore/data/emr/paginators-1.json",
        "/repo/node_modules/aws-sdk/apis/emr/api.json",
    ],
)
def test_software_whose_directories_are_called_like_regulated_data_is_none(told: Told, path: str) -> None:
    told("file/open", file__path=path, file__flags=["read"])
    connect(told, "8.8.4.4", "partner.somewhere.org")
    assert told.titles == set()


def test_a_great_deal_in_small_pieces_is_told(told: Told) -> None:
    place = {"destination__ip": "8.8.4.4", "destination__domain": "partner.somewhere.org"}
    for _ in range(11):
        told("network/send", **place, destination__port=443, network__bytes=10_000_000)
    assert told.titles == {"A session sends a great deal to the outside"}


def start(told: Told, entity: str, path: str, parent: str = "") -> None:
    """Start a program, as `parent`'s child."""
    if parent:
        told("process/fork", process__entity_id=parent, process__target__entity_id=entity)
    line = {"process__args": [path], "process__command_line": path, "process__parent__entity_id": parent}
    told("process/exec", process__entity_id=entity, process__executable=path, **line)


def test_an_agent_without_a_session_record_is_told_and_its_tool_that_uses_a_model(alone: Told) -> None:
    start(alone, "agent", CODEX)
    start(alone, "tool", "/usr/bin/python3", parent="agent")
    assert alone.titles == {"An agent works without a session record"}
    connect(alone, "8.8.4.4", "api.openai.com", "tool")
    assert "A tool, not an agent, uses a model endpoint" in alone.titles


def test_an_agent_that_nobody_knows_is_told_by_what_it_does(alone: Told) -> None:
    start(alone, "thing", "/opt/thing/run")
    connect(alone, "8.8.4.4", "api.openai.com", "thing")
    start(alone, "tool", "/bin/sh", parent="thing")
    assert "Something behaves like an agent and is none that is known" in alone.titles


def test_ordinary_work_is_not(told: Told) -> None:
    told("file/open", file__path="/srv/app/patients/views.py", file__flags=["read"])
    connect(told, "8.8.4.4", "pypi.org")
    assert told.titles == set()
