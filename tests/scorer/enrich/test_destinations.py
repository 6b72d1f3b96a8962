from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from workbench.registry import load
from workbench.scorer.enrich.destinations import Destinations

MakeTape = Callable[..., Any]


@pytest.fixture
def destinations() -> Destinations:
    return Destinations(load("destinations"))


@pytest.mark.parametrize(
    ("name", "ip", "port", "kind"),
    [
        ("api.openai.com", "104.18.6.192", 443, "model_api"),
        ("API.OpenAI.com.", "", 443, "model_api"),
        ("notapi.openai.com.evil.org", "", 443, "external"),
        ("evil-openai.azure.com", "", 443, "external"),
        ("mine.openai.azure.com", "", 443, "model_api"),
        ("github.com", "", 443, "code_host"),
        ("gist.github.com", "", 443, "paste"),
        ("registry.npmjs.org", "", 443, "package_registry"),
        ("bucket.s3.amazonaws.com", "", 443, "object_store"),
        ("ec2.us-east-1.amazonaws.com", "", 443, "cloud_api"),
        ("x.trycloudflare.com", "", 443, "tunnel"),
        ("", "127.0.0.1", 8080, "loopback"),
        ("", "::1", 8080, "loopback"),
        ("", "::ffff:127.0.0.1", 8080, "loopback"),
        ("", "10.1.2.3", 443, "internal"),
        ("", "fe80::1%eth0", 443, "internal"),
        ("", "169.254.169.254", 80, "cloud_metadata"),
        ("build.corp", "", 443, "internal"),
        ("db", "", 5432, "internal"),
        ("", "8.8.8.8", 443, "external"),
        ("", "8.8.8.8", 587, "mail"),
        ("", "10.0.0.9", 25, "internal"),
        ("1.2.3.4", "", 443, "external"),
        ("", "", 0, ""),
        ("", "not an address", 0, ""),
    ],
)
def test_classes(destinations: Destinations, name: str, ip: str, port: int, kind: str) -> None:
    assert destinations.classify(name, ip, port) == kind


def test_where_the_packet_goes_outranks_what_the_name_claims(destinations: Destinations) -> None:
    assert destinations.classify("api.openai.com", "127.0.0.1", 443) == "loopback"
    assert destinations.classify("api.openai.com", "169.254.169.254", 80) == "cloud_metadata"


def test_policy_comes_first() -> None:
    registry = load("destinations")
    registry["classes"][0] |= {"cidrs": ["104.18.0.0/16"], "domains": ["ru"]}
    destinations = Destinations(registry)
    assert destinations.classify("api.openai.com", "104.18.6.192", 443) == "embargoed"
    assert destinations.classify("pypi.org.ru", "", 443) == "embargoed"


def test_a_dns_question_is_classed_by_its_name_not_its_resolver(
    make_tape: MakeTape, destinations: Destinations
) -> None:
    tape = make_tape(destinations.apply)
    event = tape.event("network/dns", "p", dns__question__name="a.evil.org", destination__ip="127.0.0.53")
    assert event["destination.class"] == "external"


def test_first_seen_is_per_session_and_kind_of_event(make_tape: MakeTape, destinations: Destinations) -> None:
    tape = make_tape(destinations.apply)

    def seen(kind: str, session: str) -> Any:
        names = {"destination__domain": "a.org", "dns__question__name": "a.org"}
        return tape.event(kind, "p", gen_ai__conversation__id=session, **names)["destination.first_seen"]

    assert [seen("network/dns", "s"), seen("network/connect", "s"), seen("network/connect", "s")] == [
        *(True, True, False)
    ]
    assert seen("network/connect", "other") is True


def test_given_values_win_and_other_categories_are_left_alone(
    make_tape: MakeTape, destinations: Destinations
) -> None:
    tape = make_tape(destinations.apply)
    assert tape.connect("p", "api.openai.com", destination__class="mine")["destination.class"] == "mine"
    assert "destination.class" not in tape.file("open", "p", "/x")


def test_places_are_bounded_and_a_snapshot_goes_on(make_tape: MakeTape) -> None:
    destinations = Destinations(load("destinations"), max_sessions=2)
    tape = make_tape(destinations.apply)
    for number in range(5_000):
        tape.connect("p", f"h{number}.org", gen_ai__conversation__id="s")
    assert destinations.evicted == 5_000 - 4_096
    other = Destinations(load("destinations"))
    other.restore(destinations.snapshot())
    assert other.snapshot() == destinations.snapshot()


def test_a_very_long_name_costs_nothing(destinations: Destinations, make_tape: MakeTape) -> None:
    event = make_tape(destinations.apply).connect("p", "a." * 500_000 + "org")
    assert event["destination.class"] == "external"
