"""The compact runtime: a signed pack of rules, and the scorer that runs it over events."""

from workbench.scorer.finding import Finding
from workbench.scorer.payload import open_pack
from workbench.scorer.scorer import Scorer

__all__ = ["Finding", "Scorer", "open_pack"]
