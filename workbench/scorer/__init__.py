"""The compact runtime: a signed pack of rules, and the scorer that runs it over events."""

from workbench.scorer.finding import Finding
from workbench.scorer.scorer import Scorer

__all__ = ["Finding", "Scorer"]
