"""What each of attribution, provenance and drift adds: the same backtest without it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from workbench.evaluate.replay import Variant
from workbench.event import Event, Value
from workbench.pack.build import encode_payload
from workbench.scorer.payload import decode_cbor

WITHOUT = ("attribution", "provenance", "drift")
_WHOSE = ("attribution.", "gen_ai.tool.call.id")


def ablated(payload: bytes, without: str) -> bytes:
    """Give the payload as it would be without one of `WITHOUT`.

    Without attribution there is no table of agents; without provenance no rule labels, so that no event has
    labels; without drift there are no baselines. The rules stay, and find what they still can.
    """
    content: dict[str, Any] = decode_cbor(payload)
    if without == "attribution":
        content["registries"].pop("agents", None)
    elif without == "provenance":
        for rule in content["plan"]["rules"]:
            if rule.pop("label", ""):
                rule["silent"] = True
    elif without == "drift":
        content["baselines"] = []
    else:
        raise ValueError(f"nothing is named {without!r}")
    return encode_payload(content)


def forget_whose(events: Sequence[Event], session: str) -> Iterator[dict[str, Value]]:
    """Take from events what the recorder attributed, so that nothing tells which tool call they belong to."""
    for event in events:
        if event.get("event.category") == "agent":
            yield dict(event)
        else:
            yield {name: value for name, value in event.items() if not name.startswith(_WHOSE)}


def ablation_variants(payload: bytes) -> dict[str, Variant]:
    """Give how to score without each of `WITHOUT`."""
    return {
        without: Variant(
            ablated(payload, without), forget_whose if without == "attribution" else None, near=False
        )
        for without in WITHOUT
    }
