"""Packs: rules, baselines, registries and evidence in one signed file."""

from workbench.pack.build import build_payload
from workbench.pack.signing import sign

__all__ = ["build_payload", "sign"]
