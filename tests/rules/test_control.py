"""Each anomaly of the harness's own state is told, and the same work done properly is not."""

from __future__ import annotations

from typing import Any

import pytest

from workbench.scorer import Scorer

NOON, NIGHT = 1_700_049_600, 1_700_017_200  # 2023-11-15, 12:00 and 03:00 UTC

Told = tuple[str, dict[str, Any]]
"""What a harness tells of its state: the action, and values of `control.*`."""

ISSUE: Told = ("token_issue", {"token.id": "t", "token.policy": "read"})
REFRESH: Told = ("token_refresh", {"token.id": "t", "token.policy": "read"})
TRUST: Told = ("device_trust", {"device.id": "d", "account.id": "a"})
SWITCH: Told = ("account_switch", {"account.id": "b", "device.id": "d"})


def operation(name: str, **more: Any) -> Told:
    return "operation", {"operation.id": name, **more}


def message(number: int, expected: int) -> Told:
    return "message", {"message.number": number, "expected": str(expected)}


def mode(initiator: str) -> Told:
    return "mode_change", {"mode.previous": "ask", "initiator": initiator}


ANOMALIES: dict[str, tuple[int, list[Told], list[Told]]] = {
    "A capability token is refreshed over and over": (NOON, [ISSUE, *[REFRESH] * 6], [ISSUE, REFRESH]),
    "A message of the harness arrives out of order": (
        NOON,
        [message(1, 1), message(7, 2)],
        [message(1, 1), message(2, 2)],
    ),
    "Epoch or version of the harness's state does not fit": (
        NOON,
        [operation("o", epoch=3, expected="4")],
        [operation("o", epoch=4, expected="4")],
    ),
    "The harness's mode or trust changes at night and no user did it": (
        NIGHT,
        [TRUST, SWITCH],
        [mode("user")],
    ),
    "The permission mode changes and no user did it": (NOON, [mode("agent")], [mode("policy")]),
    "An operation id is used twice": (
        NOON,
        [operation("o"), operation("o")],
        [operation("o"), operation("p")],
    ),
    "A device's trust outlives a change of account": (
        NOON,
        [TRUST, SWITCH, ("token_issue", {"token.id": "t", "device.id": "d"})],
        [TRUST, SWITCH, ISSUE],
    ),
    "A revoked token is used": (
        NOON,
        [ISSUE, ("token_revoke", {"token.id": "t"}), operation("o", **{"token.id": "t"})],
        [ISSUE, ("token_revoke", {"token.id": "t"}), operation("o", **{"token.id": "u"})],
    ),
    "A token is refreshed under another policy than it was issued under": (
        NOON,
        [ISSUE, ("token_refresh", {"token.id": "t", "token.policy": "all"})],
        [ISSUE, REFRESH],
    ),
    "Permission checks are off": (
        NOON,
        [("permission_bypass", {"flag": "skip-permissions"})],
        [operation("o")],
    ),
}


def titles(scorer: Scorer, began: int, told: list[Told]) -> set[str]:
    found = []
    for number, (action, state) in enumerate(told):
        event = {
            "@timestamp": (began + number) * 1_000_000_000,
            "event.sequence": number,
            "event.id": str(number),
            "event.category": "control",
            "event.action": action,
            "gen_ai.conversation.id": "s",
            "gen_ai.agent.name": "codex",
            **{f"control.{name}": value for name, value in state.items()},
        }
        found += scorer.score(event)
    return {finding.rule_title for finding in [*found, *scorer.close()]}


@pytest.mark.parametrize("anomaly", ANOMALIES)
def test_an_anomaly_is_told(scorer: Scorer, anomaly: str) -> None:
    began, attack, _ = ANOMALIES[anomaly]
    assert anomaly in titles(scorer, began, attack)


@pytest.mark.parametrize("anomaly", ANOMALIES)
def test_proper_work_is_not(scorer: Scorer, anomaly: str) -> None:
    began, _, proper = ANOMALIES[anomaly]
    assert titles(scorer, began, proper) == set()
