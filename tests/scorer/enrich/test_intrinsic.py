from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from workbench.registry import load
from workbench.scorer.enrich.intrinsic import Intrinsic

MakeTape = Callable[..., Any]


@pytest.fixture
def tape(make_tape: MakeTape) -> Any:
    return make_tape(Intrinsic(load("intrinsic")).apply)


@pytest.mark.parametrize(
    ("action", "path", "least"),
    [
        ("open", "/home/u/.ssh/id_ed25519", 70),
        ("open", "/root/.aws/credentials", 80),
        ("read", "/home/u/.config/google-chrome/Default/Login Data", 80),
        ("open", "/home/u/project/.env", 50),
        ("write", "/home/u/.ssh/authorized_keys", 85),
        ("write", "/repo/.github/workflows/ci.yml", 60),
        ("create", "/repo/.venv/lib/python3.11/site-packages/x.pth", 70),
        ("write", "/home/u/.claude/settings.json", 70),
    ],
)
def test_risky_paths(tape: Any, action: str, path: str, least: int) -> None:
    event = tape.file(action, "p", path)
    assert event["risk.intrinsic"] >= least
    assert event["risk.reason"]


@pytest.mark.parametrize(
    ("action", "path"),
    [
        ("open", "/home/u/.ssh/known_hosts"),
        ("open", "/home/u/.ssh/config"),
        ("open", "/repo/src/env.py"),
        ("open", "/repo/.github/workflows/ci.yml"),
        ("write", "/repo/README.md"),
    ],
)
def test_ordinary_paths(tape: Any, action: str, path: str) -> None:
    assert "risk.intrinsic" not in tape.file(action, "p", path)


def test_the_highest_risk_wins_and_all_fields_must_match(make_tape: MakeTape) -> None:
    entries = [
        {"risk": 10, "actions": ["file/open"], "reason": "any"},
        {
            "risk": 90,
            "actions": ["file/open"],
            "match": {"file.path": ["/a/*"], "user.name": ["root"]},
            "reason": "both",
        },
        {"risk": 50, "actions": ["file/open"], "match": {"file.flags": ["write"]}, "reason": "list"},
    ]
    tape = make_tape(Intrinsic({"entries": entries}).apply)
    assert tape.file("open", "p", "/a/b")["risk.intrinsic"] == 10
    assert tape.file("open", "p", "/a/b", user__name="root")["risk.reason"] == "both"
    assert tape.file("open", "p", "/a/b/c", user__name="root")["risk.intrinsic"] == 10
    assert tape.file("open", "p", "/x", file__flags=["read", "write"])["risk.intrinsic"] == 50
    assert "risk.intrinsic" not in tape.file("read", "p", "/a/b")


def test_a_given_risk_wins(tape: Any) -> None:
    assert tape.file("open", "p", "/root/.ssh/id_rsa", risk__intrinsic=1)["risk.intrinsic"] == 1


def test_hostile_paths_are_matched_in_linear_time(tape: Any) -> None:
    event = tape.file("open", "p", "/.ssh" * 200_000 + "/id_rsa")
    assert event["risk.intrinsic"] >= 70
