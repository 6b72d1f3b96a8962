"""Payloads: the same inputs give the same bytes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import cbor2

from workbench.registry import load_all
from workbench.rule.lower import lower
from workbench.rule.ruleset import RuleSet
from workbench.scorer.payload import FORMAT, SCORER


def build_payload(
    ruleset: RuleSet,
    name: str,
    version: str,
    *,
    baselines: Iterable[Mapping[str, Any]] = (),
    registries: Mapping[str, Any] | None = None,
    fusion: Mapping[str, Any] | None = None,
    evidence: Mapping[str, Any] | None = None,
    expires: int | None = None,
) -> bytes:
    """Give a pack's payload, canonical CBOR; raises RuleErrors when a rule cannot be honoured.

    `baselines` are frozen ones, `registries` the tables by name (None: the ones that come with the
    workbench), `evidence` whatever was measured, `expires` nanoseconds since 1970.
    """
    payload = {
        "format": FORMAT,
        "name": name,
        "version": version,
        "minimum_scorer": SCORER,
        "expires": expires,
        "plan": lower(ruleset),
        "registries": dict(load_all() if registries is None else registries),
        "baselines": [dict(baseline) for baseline in baselines],
        "fusion": dict(fusion or {}),
        "evidence": dict(evidence or {}),
    }
    return encode_payload(payload)


def encode_payload(payload: Mapping[str, Any]) -> bytes:
    """Encode a payload's plain data as canonical CBOR (RFC 8949, section 4.2.3's older length-first order).

    >>> encode_payload({"b": 1, "a": [True]}).hex()
    'a2616181f5616201'
    """
    return cbor2.dumps({key: value for key, value in payload.items() if value is not None}, canonical=True)
