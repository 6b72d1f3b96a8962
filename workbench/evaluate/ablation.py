"""What each of attribution, provenance and drift adds: the same backtest without it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from workbench.evaluate.backtest import Map, Report, backtest
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


def ablations(payload: bytes, directories: Iterable[Path], *, map: Map = map) -> dict[str, Report]:
    """Give the backtest without each of `WITHOUT`."""
    chosen = list(directories)
    return {
        without: backtest(
            ablated(payload, without),
            chosen,
            map=map,
            change=forget_whose if without == "attribution" else None,
        )
        for without in WITHOUT
    }
