"""Recipients of mail: who was named in the session, and who was not."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from workbench.scorer.enrich.attribution import Attribution
from workbench.scorer.enrich.recipients import Recipients

MakeTape = Callable[..., Any]
SESSION = {"gen_ai__conversation__id": "s1"}


@pytest.fixture
def recipients() -> Recipients:
    return Recipients()


@pytest.fixture
def tape(make_tape: MakeTape, recipients: Recipients, agents: dict[str, Any]) -> Any:
    tape = make_tape(Attribution(agents).apply, recipients.apply)
    tape.session()
    return tape


def mail(tape: Any, *addresses: str, entity: str = "root") -> dict[str, Any]:
    told: dict[str, Any] = tape.event("network/smtp_command", entity, email__to__address=list(addresses))
    return told


def told(event: dict[str, Any]) -> tuple[list[str], list[str]]:
    return event.get("email.to.asked", []), event.get("email.to.unasked", [])


TEXTS = [
    *("Mail team@b.example.", "mailto:team@b.example", "--to=Team@B.example", "<team@b.example>"),
    *(
        "team@b.example-",
        "宛先はteam@b.exampleです",
        r"ada@a.example\nteam@b.example",
        r"\u003cteam@b.example\u003e",
    ),
]


@pytest.mark.parametrize("text", TEXTS)
def test_whom_a_prompt_names_was_asked_for(tape: Any, text: str) -> None:
    tape.event("agent/prompt", gen_ai__prompt__text=text, **SESSION)
    assert told(mail(tape, "team@b.example")) == (["team@b.example"], [])


def test_whom_a_tool_call_or_a_command_line_names_was_asked_for(tape: Any) -> None:
    tape.call("c1", "send --to team@b.example")
    tape.spawn("root", "p", "mailer", "boss@b.example")
    assert told(mail(tape, "team@b.example", "boss@b.example")) == (["team@b.example", "boss@b.example"], [])


def test_one_of_two_recipients_was_named(tape: Any) -> None:
    tape.event("agent/prompt", gen_ai__prompt__text="Mail team@b.example", **SESSION)
    assert told(mail(tape, "team@b.example", "x@c.example")) == (["team@b.example"], ["x@c.example"])


def test_a_name_within_another_was_not_named(tape: Any) -> None:
    tape.event("agent/prompt", gen_ai__prompt__text="Mail team@b.example", **SESSION)
    assert told(mail(tape, "team@b.example.org")) == ([], ["team@b.example.org"])
    assert told(mail(tape, "am@b.example")) == ([], ["am@b.example"])


@pytest.mark.parametrize(
    "address",
    [
        *('"team@b.example"@stranger.dev', "@team@b.example:copy@stranger.dev"),
        *(
            "team@b.example,copy@stranger.dev",
            "team@b.example%stranger.dev",
            '"team@b.example>"@stranger.dev',
        ),
    ],
)
def test_an_address_that_only_holds_a_named_one_was_not_named(tape: Any, address: str) -> None:
    tape.event("agent/prompt", gen_ai__prompt__text="Mail team@b.example", **SESSION)
    assert told(mail(tape, address)) == ([], [address])


def test_of_a_user_of_the_server_itself_nothing_is_said(tape: Any) -> None:
    assert told(mail(tape, "root")) == ([], [])


def test_what_one_session_names_another_does_not(tape: Any) -> None:
    tape.session("s2", "other")
    tape.event("agent/prompt", gen_ai__prompt__text="Mail team@b.example", **SESSION)
    assert told(mail(tape, "team@b.example", entity="other")) == ([], ["team@b.example"])


def test_outside_a_session_nothing_is_said(tape: Any) -> None:
    assert told(mail(tape, "team@b.example", entity="stranger")) == ([], [])


def test_what_is_remembered_is_bounded_and_goes_on_from_a_snapshot(tape: Any, recipients: Recipients) -> None:
    def texts() -> Iterator[str]:
        for start in range(0, 2_000, 100):
            yield " ".join(f"u{number}@b.example" for number in range(start, start + 100))

    for text in texts():
        tape.event("agent/prompt", gen_ai__prompt__text=text, **SESSION)
    assert recipients.evicted == 2_000 - 128
    other = Recipients()
    other.restore(recipients.snapshot())
    assert other.snapshot() == recipients.snapshot()


def test_a_long_text_without_an_address_costs_little(tape: Any) -> None:
    began = time.process_time()
    tape.event("agent/prompt", gen_ai__prompt__text="a" * 1_000_000 + "@", **SESSION)
    assert time.process_time() - began < 0.2
    assert told(mail(tape, "a@b.example")) == ([], ["a@b.example"])
